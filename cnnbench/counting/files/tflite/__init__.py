"""FILES of TensorFlow Lite: a flatbuffer, which is read without TensorFlow and not run.

Takes a `.tflite` file's path and the shapes of its inputs, gives a `Graph`. `reading` opens the
file and fits its inputs; `nodes` walks its operators, branches and `loops` among them, between the
values of `tensors`. Output shapes are in `shapes`, whole numbers (a shape to reshape to) in
`numbers`; `rules` and `tables` say what operators cost, `paths` which layer they belong to.
Maps are as in the file, [N, H, W, C].
"""
