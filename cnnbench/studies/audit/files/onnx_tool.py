"""onnx-tool's profile: multiply-adds of what a processor would run, by node.

An exponential counts 32, a division 4, a square root 24; biases count, a transposed convolution by
its output, batch norm with its square root.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cnnbench.studies.audit.counter import Term, What
from cnnbench.studies.audit.files import steps
from cnnbench.studies.audit.files.steps import FilePass, Step

# What an output element costs.
_EACH = {
    **dict.fromkeys("Sub Add Min Max Neg Mod Mul Abs Ceil Sign Relu Hardmax CumSum".split(), 1),
    **dict.fromkeys("Less LessOrEqual Round Not And Or Xor NonZero Equal Floor".split(), 1),
    **dict.fromkeys("Greater GreaterOrEqual".split(), 1),
    **dict.fromkeys(
        "ImageScaler PRelu LeakyRelu Clip DequantizeLinear QuantizeLinear Relu6".split(), 2
    ),
    **dict.fromkeys(("Div", "Reciprocal", "HardSigmoid"), 4),
    "HardSwish": 5,
    "InstanceNormalization": 7,
    "Sqrt": 24,
    **dict.fromkeys(("Exp", "Pow", "Sigmoid", "Atan"), 32),
    "LpNormalization": 33,
    "Gelu": 34,
    "Elu": 35,
    "Softmax": 36,
    "Tanh": 76,
    **dict.fromkeys(("Sin", "Cos"), 39),
    "Log": 43,
    "Softplus": 76,
    "LogSoftmax": 80,
    "BatchNormalization": 31,
}
_REDUCTIONS = {
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceProd", "ReduceMin", "ReduceMax"), 1),
    "ReduceL2": 25,
}
_RESIZED = {b"linear": 4, b"cubic": 8}


# Of a recurrent cell's hidden unit: exponentials, products, additions.
_CELLS = {"LSTM": 180, "GRU": 110}


def ask(done: FilePass) -> tuple[int, dict[str, int]]:
    """It infers shapes with its own rules."""
    import onnx_tool

    model = onnx_tool.Model(done.model)
    model.graph.shape_infer()
    model.graph.profile()
    layers: dict[str, int] = {}
    for name, node in model.graph.nodemap.items():
        layer = done.places.get(name, name)
        layers[layer] = layers.get(layer, 0) + int(node.macs[0])
    return round(model.graph.macs[0]), layers


def terms(done: FilePass) -> Iterator[Term]:
    """What its nodes count."""
    return steps.terms(done, _terms)


def _terms(step: Step) -> Iterator[tuple[What, float]]:
    name = step.operator
    if name in ("Conv", "ConvTranspose"):
        yield What.MACS, step.elements * prod(step.inputs[1][1:])
        yield What.BIAS, step.elements * (len(step.inputs) > 2)
    elif name == "ConvInteger":
        yield What.MACS, step.elements * prod(step.inputs[1][1:])
    elif name == "QLinearConv":
        yield What.MACS, step.elements * prod(step.inputs[3][1:])
        yield What.BIAS, step.elements * (len(step.inputs) == 9)
    elif name in ("Gemm", "MatMul", "MatMulInteger"):
        weight = step.inputs[1]
        across = name == "Gemm" and step.attributes.get("transB", 0)
        shared = 1 if len(weight) < 2 else weight[-1 if across else -2]
        yield What.MACS, step.elements * shared
        yield What.BIAS, step.elements * (len(step.inputs) == 3)
    elif name == "QLinearMatMul":
        yield What.MACS, step.read() * step.inputs[3][-1]
    elif name in _CELLS:
        yield from _recurrent(step)
    elif name == "Einsum":
        yield What.MACS, prod(_sides(step).values())
    elif name == "Sum":
        yield step.what, (len(step.inputs) - 1) * step.elements
    elif name == "LRN":
        yield What.NORM, step.elements * (37 + step.attributes.get("size", 1))
    elif name == "LayerNormalization":
        sides = list(step.inputs[0])
        sides[step.attributes.get("axis", -1)] = 1
        yield What.NORM, step.read() * 7 + prod(sides) * 29
    elif name in ("MaxPool", "AveragePool"):
        yield What.POOL, step.elements * prod(step.attributes["kernel_shape"][:2])
    elif name == "GlobalAveragePool":
        yield What.POOL, step.read() + 4 * step.elements
    elif name in ("Resize", "Upsample"):
        yield What.RESIZE, _RESIZED.get(step.attributes.get("mode", b"nearest"), 0) * step.elements
    elif name in _REDUCTIONS:
        yield step.what, _REDUCTIONS[name] * step.read()
    elif name in _EACH:
        what = What.SOFTMAX if name == "Softmax" else step.what
        yield what, _EACH[name] * step.elements


def _recurrent(step: Step) -> Iterator[tuple[What, float]]:
    """x [T, N, I], weights [directions, gates H, I] and [directions, gates H, H], a bias."""
    steps, batch, _ = step.inputs[0]
    yield What.MACS, (step.read(1) + step.read(2)) * steps * batch
    yield What.BIAS, step.read(3) * steps * batch if len(step.inputs) > 3 else 0
    hidden = step.inputs[2][-1]
    yield What.ACTIVATION, _CELLS[step.operator] * hidden * steps * batch


def _sides(step: Step) -> dict[str, int]:
    """The side that each letter of an equation of two stands for."""
    left = step.attributes["equation"].decode().replace(" ", "").partition("->")[0].split(",")
    return {
        letter: side
        for letters, shape in zip(left, step.inputs, strict=True)
        for letter, side in zip(letters, shape, strict=True)
    }
