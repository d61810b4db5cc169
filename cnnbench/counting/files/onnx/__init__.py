"""ONNX files: read without their weights, their shapes inferred, their operators as nodes.

`stripped` leaves weights out of a file as it is read, `shapes` reads what a model says of its
values, `folding` infers all others, and `running` asks ONNX Runtime where values decide. `nodes`
makes the graph of it, branches and `loops` among it; `tables`, `rules` and `attention` say what its
operators compute, `paths` which layer they belong to.
"""
