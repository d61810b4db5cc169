"""FILES of TensorFlow Lite: a flatbuffer, which is read without TensorFlow and not run.

Takes a `.tflite` file's path and the shapes of its inputs, gives a `Graph`. `reading` opens the
file and fits its inputs; `nodes` walks its operators, branches and `loops` among them, whose output
shapes are in `shapes`, whose whole numbers (a shape to reshape to) are in `numbers`; `rules` and
`tables` say what they cost, `paths` which layer they belong to.
Maps are as in the file, [N, H, W, C].
"""
