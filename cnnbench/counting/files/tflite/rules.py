"""What TensorFlow Lite's operators compute, by the convention that torch's are counted by.

Where an operator is one of torch's under another name, `tables.SAME` says which; what only moves
bytes is in `tables.MOVES`, what has a rule of its own in `RULES`. An activation that an operator
has taken in counts with it.
Source: the comments of TensorFlow Lite's schema, and its kernels' reference implementations.
"""

from __future__ import annotations

import math
from dataclasses import replace

from cnnbench.counting.cost import Kind
from cnnbench.counting.files import rules as shared
from cnnbench.counting.files.graph import Node, Value
from cnnbench.counting.files.rules import Rule
from cnnbench.counting.files.tflite.tables import MOVES, POOLS, SAME
from cnnbench.counting.rules import operators as torch_rules
from cnnbench.counting.rules import special
from cnnbench.counting.rules.work import Work
from cnnbench.models.inputs import Shape

_ACTIVATION = "FusedActivationFunction"


def _turned(value: Value, order: tuple[int, ...]) -> Value:
    """A weight with its sides as torch has them."""
    return replace(value, sides=tuple(value.shape[at] for at in order))


def _dilations(node: Node, names: str = "HW") -> tuple[int, ...]:
    return tuple(node.option(f"Dilation{name}Factor") or 1 for name in names)


def _strides(node: Node, names: str = "HW") -> tuple[int, ...]:
    return tuple(node.option(f"Stride{name}") for name in names)


def _convolution(node: Node, weight: Value, groups: int, names: str = "HW") -> Work:
    return torch_rules.convolution(
        node.out,
        node.x(),
        weight,
        stride=_strides(node, names),
        dilation=_dilations(node, names),
        groups=groups,
    )


def convolution(node: Node) -> Work:
    """`CONV_2D`: x [N, H, W, C], weight [K, h, w, C/g] -> [N, H', W', K]."""
    weight = _turned(node.x(1), (0, 3, 1, 2))
    return _convolution(node, weight, node.x().shape[-1] // weight.shape[1])


def depthwise(node: Node) -> Work:
    """`DEPTHWISE_CONV_2D`: x [N, H, W, C], weight [1, h, w, C m] -> [N, H', W', C m]."""
    return _convolution(node, _turned(node.x(1), (3, 0, 1, 2)), node.x().shape[-1])


def transposed(x: int, weight: int) -> Rule:
    """`TRANSPOSE_CONV` and the like: x [N, H, W, C], weight [K, h, w, C]."""

    def rule(node: Node) -> Work:
        kernel = _turned(node.x(weight), (3, 0, 1, 2))
        stride = _strides(node) if node.option("StrideH") else 1
        return torch_rules.transposed_convolution(node.out, node.x(x), kernel, None, stride)

    return rule


def convolution_3d(node: Node) -> Work:
    """`CONV_3D`: x [N, D, H, W, C], weight [d, h, w, C/g, K] -> [N, D', H', W', K]."""
    weight = _turned(node.x(1), (4, 3, 0, 1, 2))
    return _convolution(node, weight, node.x().shape[-1] // weight.shape[1], "DHW")


def transposed_3d(node: Node) -> Work:
    """`CONV_3D_TRANSPOSE`: x [N, D, H, W, C] is the third input, weight [d, h, w, K, C]."""
    weight, stride = _turned(node.x(1), (4, 3, 0, 1, 2)), _strides(node, "DHW")
    return torch_rules.transposed_convolution(node.out, node.x(2), weight, None, stride)


def general_convolution(node: Node) -> Work:
    """`STABLEHLO_CONVOLUTION`: each output, or each input of a transposed one, by its channels."""
    x, weight = node.x(), node.x(1)
    filters = weight.shape[node.option("KernelOutputFeatureDimension")]
    channels = x.shape[node.option("InputFeatureDimension")]
    sides = [weight.shape[at] for at in node.option("KernelSpatialDimensions")]
    transposed = any(hole > 1 for hole in node.option("LhsDilation") or ())
    elements = x.numel() // channels if transposed else node.out.numel() // filters
    groups = node.option("FeatureGroupCount") or 1
    kind = Kind.POINTWISE if set(sides) == {1} else Kind.CONVOLUTION
    depth = channels // groups
    kind = Kind.DEPTHWISE if groups > 1 and depth == 1 else kind
    return Work(
        kind,
        macs=elements * weight.numel(),
        activations=node.out.numel(),
        weight=(filters, depth, *sides),
        kernel=tuple(sides),
        stride=tuple(node.option("WindowStrides") or (1,) * len(sides)),
        dilation=tuple(node.option("RhsDilation") or (1,) * len(sides)),
        groups=groups,
    )


def general_product(node: Node) -> Work:
    """`STABLEHLO_DOT_GENERAL`: each output sums over the sides that are contracted."""
    x = node.x().shape
    contracted = math.prod(x[at] for at in node.option("LhsContractingDimensions"))
    return shared.product(node, node.out.numel() * contracted, _constant(node))


def linear(node: Node) -> Work:
    """`FULLY_CONNECTED`: x [..., I], weight [K, I] -> [..., K]."""
    return torch_rules.linear(node.out, node.x(), node.x(1))


def product(node: Node) -> Work:
    """`BATCH_MATMUL`: a [..., M, K], b [..., K, N]; with a constant a linear layer."""
    macs = node.out.numel() * node.x().shape[-2 if node.option("AdjX") else -1]
    constant = _constant(node)
    return shared.product(node, macs, constant and constant[-2:])


def _constant(node: Node) -> Shape | None:
    """The constant among two factors, the second first."""
    return next((one.shape for one in (node.x(1), node.x()) if one.constant), None)


def recurrent(node: Node) -> Work:
    """Recurrent layers: at each step every matrix is multiplied once, by the input or the state.

    x [T, N, I], [N, T, I], or [N, I] of a single step.
    """
    x, family = node.x(), node.operator.rpartition("_")[2]
    steps = math.prod(x.shape[:-1])
    matrices = [one for one in node.inputs if one is not None and one.constant and one.dim() == 2]
    if not matrices:
        raise ValueError("its weights are no constants")
    rows = sum(one.shape[0] for one in matrices)
    hidden = sum(o.shape[-1] for o in node.outputs[:2] if node.operator.startswith("BIDIRECTIONAL"))
    hidden = hidden or node.out.shape[-1]
    return Work(
        Kind.LINEAR,
        macs=steps * sum(one.numel() for one in matrices),
        elementwise_flops=steps * hidden * shared.CELL[family],
        activations=steps * rows,
        weight=matrices[0].shape,
    )


def pool(node: Node) -> Work:
    """A pooling: the window's size per output element."""
    window = (node.option("FilterHeight"), node.option("FilterWidth"))
    return torch_rules.pool(node.out, node.x(), window, _strides(node))


def pool_of_any_sides(node: Node) -> Work:
    """`STABLEHLO_REDUCE_WINDOW`: a window over every side of its inputs, the last its start."""
    sides = zip(node.option("WindowDimensions"), node.option("WindowStrides"), strict=True)
    window, strides = zip(*((size, step) for size, step in sides if size > 1), strict=True)
    return torch_rules.pool(node.out, node.x(), window, strides)


def several(node: Node) -> Work:
    """`ADD_N`: one FLOP for each input but the first."""
    return shared.combined(node, len(node.inputs) - 1)


def squared_difference(node: Node) -> Work:
    """`SQUARED_DIFFERENCE`: a difference and a square."""
    return shared.combined(node, 2)


def local_response(node: Node) -> Work:
    """`LOCAL_RESPONSE_NORMALIZATION` over a radius of channels."""
    return shared.local_response(node, 2 * node.option("Radius") + 1)


def resized(node: Node) -> Work:
    """`RESIZE_BILINEAR`: of two pixels along each side that changes."""
    return shared.interpolated(node, 2)


def scattered(node: Node) -> Work:
    """`SCATTER_ND`: updates to one place are added."""
    return Work(Kind.OTHER, elementwise_flops=node.x(1).numel())


def suppression(node: Node) -> Work:
    """`NON_MAX_SUPPRESSION`: boxes [n, 4]."""
    return shared.overlaps(node.x().shape[0])


def fourier(node: Node) -> Work:
    """`RFFT2D`: of the last two sides, 5 n log2 n each."""
    *batch, rows, columns = node.x().shape
    return Work(
        Kind.OTHER, elementwise_flops=special.fourier_flops(math.prod(batch), rows * columns)
    )


def _fused(rule: Rule) -> Rule:
    return shared.fused(rule, _ACTIVATION)


RULES: dict[str, Rule] = {
    **{name: _fused(shared.same(of)) for name, of in SAME.items()},
    **dict.fromkeys(MOVES, shared.moved),
    "CONV_2D": _fused(convolution),
    "DEPTHWISE_CONV_2D": _fused(depthwise),
    "CONV_3D": _fused(convolution_3d),
    "TRANSPOSE_CONV": _fused(transposed(2, 1)),
    "CONV_3D_TRANSPOSE": _fused(transposed_3d),
    "custom Convolution2DTransposeBias": transposed(0, 1),
    **dict.fromkeys(POOLS, _fused(pool)),
    "STABLEHLO_REDUCE_WINDOW": pool_of_any_sides,
    "STABLEHLO_CONVOLUTION": general_convolution,
    "STABLEHLO_DOT_GENERAL": general_product,
    "FULLY_CONNECTED": _fused(linear),
    "BATCH_MATMUL": product,
    **dict.fromkeys(
        (
            "LSTM",
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            "BIDIRECTIONAL_SEQUENCE_LSTM",
            "RNN",
            "UNIDIRECTIONAL_SEQUENCE_RNN",
            "BIDIRECTIONAL_SEQUENCE_RNN",
            "SVDF",
        ),
        recurrent,
    ),
    "ADD_N": several,
    "SQUARED_DIFFERENCE": squared_difference,
    "LOCAL_RESPONSE_NORMALIZATION": local_response,
    "RESIZE_BILINEAR": resized,
    "SCATTER_ND": scattered,
    "NON_MAX_SUPPRESSION_V4": suppression,
    "NON_MAX_SUPPRESSION_V5": suppression,
    "RFFT2D": fourier,
}
