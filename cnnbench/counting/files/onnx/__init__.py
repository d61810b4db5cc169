"""ONNX files: read without their weights, their shapes inferred, their operators as nodes.

`stripped` leaves weights out of a file as it is read, `inputs` settles the shapes that it is given,
`shapes` infers all others, `nodes` makes the graph of it, loops and branches among it, `rules` says
what its operators compute.
"""
