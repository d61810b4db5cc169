"""onnx-opcounter's calculate_macs: convolutions and products by their outputs, else one an element.

An operator that it does not know costs its output's elements; a transposed convolution counts by
its output, a product by its first input.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from cnnbench.studies.audit.counter import Term, What
from cnnbench.studies.audit.files import steps
from cnnbench.studies.audit.files.steps import FilePass, Step

_FREE = frozenset(
    "Constant Reshape Slice Shape Gather ScatterND Tile Transpose Sign Squeeze Unsqueeze Split "
    "Cast".split()
)


def ask(done: FilePass) -> tuple[int, dict[str, int]]:
    """It infers shapes anew, and has one number for all layers.

    RuntimeError where it would run the file, to know shapes that it cannot infer.
    """
    import onnx_opcounter

    copy = onnx.ModelProto()
    copy.CopyFrom(done.model)
    del copy.graph.value_info[:]
    try:
        onnx.shape_inference.infer_shapes(copy, data_prop=True, strict_mode=True)
    except onnx.shape_inference.InferenceError as error:
        raise RuntimeError("it would run the file, whose shapes it cannot infer") from error
    return int(onnx_opcounter.calculate_macs(done.model)), {}


def terms(done: FilePass) -> Iterator[Term]:
    """What its handlers count."""
    return steps.terms(done, _terms)


def _terms(step: Step) -> Iterator[tuple[What, float]]:
    name = step.operator
    if name in _FREE:
        return
    if name in ("Conv", "ConvTranspose"):
        window = 1
        for side in step.attributes["kernel_shape"]:
            window *= side
        channels = step.inputs[0][1] // step.attributes.get("group", 1)
        yield What.MACS, step.elements * channels * window
    elif name in ("Gemm", "MatMul"):
        yield What.MACS, step.read() * step.outputs[0][-1]
    elif name == "BatchNormalization":
        yield What.NORM, 2 * step.elements
    elif name in ("Upsample", "Resize"):
        yield What.RESIZE, 11 * step.elements if step.attributes.get("mode") == b"linear" else 0
    else:
        yield step.what, step.read() if name in ("Relu", "Add") else step.elements
