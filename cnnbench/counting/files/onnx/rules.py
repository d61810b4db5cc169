"""What ONNX's operators compute, by the convention that torch's are counted by.

Where an operator is one of torch's under another name, `tables.SAME` says which; what only moves
bytes is in `tables.MOVES`, what has a rule of its own in `RULES`.
Sources: the operators' specifications of ONNX, and of ONNX Runtime for `com.microsoft`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from cnnbench.counting.cost import Kind
from cnnbench.counting.files import rules as shared
from cnnbench.counting.files.graph import Node
from cnnbench.counting.files.onnx import attention
from cnnbench.counting.files.onnx.tables import MOVES, SAME, STANDARD
from cnnbench.counting.files.rules import CELL, Rule, moved, same
from cnnbench.counting.rules import convention, special
from cnnbench.counting.rules import operators as torch_rules
from cnnbench.counting.rules.einsum import einsum as _einsum
from cnnbench.counting.rules.work import Work

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1, "DynamicQuantizeLSTM": 4}
_PIXELS = {"linear": 2, "cubic": 4}  # along each dimension that changes


def _window(node: Node) -> dict[str, Any]:
    """How a convolution's window moves, as torch names it."""
    return {
        "stride": node.option("strides", 1),
        "dilation": node.option("dilations", 1),
        "groups": node.option("group", 1),
    }


def convolution(x: int = 0, weight: int = 1) -> Rule:
    """`Conv` and its forms: x [N, C, *S], weight [K, C/g, *k] -> [N, K, *S']."""

    def rule(node: Node) -> Work:
        return torch_rules.convolution(node.out, node.x(x), node.x(weight), **_window(node))

    return rule


def transposed(node: Node) -> Work:
    """`ConvTranspose`: x [N, C, *S], weight [C, K/g, *k]."""
    return torch_rules.transposed_convolution(node.out, node.x(), node.x(1), **_window(node))


def product(a: int = 0, b: int = 1) -> Rule:
    """`MatMul` and its forms: a [..., M, K], b [..., K, N]; with a constant a linear layer."""

    def rule(node: Node) -> Work:
        left, right = node.x(a), node.x(b)
        depth = left.shape[-2 if node.option("transA", 0) else -1]
        return _product(node, depth, (a, b), right.shape[-2:])

    return rule


def _product(node: Node, depth: int, places: tuple[int, int], weight: tuple[int, ...]) -> Work:
    macs = node.out.numel() * depth
    constant = next((node.x(at) for at in reversed(places) if node.x(at).constant), None)
    if constant is None:
        return shared.product(node, macs, None)
    own = (weight if constant is node.x(places[1]) else constant.shape[-2:]) or constant.shape
    return shared.product(node, macs, tuple(own))


def gemm(a: int = 0, b: int = 1) -> Rule:
    """`Gemm`: a [M, K], b [K, N], each transposed where it says so; C is where it starts."""

    def rule(node: Node) -> Work:
        left, right = node.x(a), node.x(b)
        depth = left.shape[0 if node.option("transA", 0) else 1]
        weight = right.shape if node.option("transB", 0) else right.shape[::-1]
        return _product(node, depth, (a, b), weight)

    return rule


def packed_product(node: Node) -> Work:
    """`MatMulNBits`: a [..., M, K] and K x N numbers of few bits."""
    depth, filters = node.option("K"), node.option("N")
    return Work(
        Kind.LINEAR,
        macs=node.out.numel() * depth,
        activations=node.out.numel(),
        weight=(filters, depth),
    )


def einsum(node: Node) -> Work:
    """`Einsum`: from left to right, each pair summed over what nothing after it needs."""
    shapes = [value.shape for value in node.inputs if value is not None]
    macs, flops = _einsum(node.option("equation", ""), shapes)
    constant = next((value for value in node.inputs if value is not None and value.constant), None)
    if not macs:
        return Work(Kind.OTHER, elementwise_flops=flops)
    if constant is None:
        return Work(Kind.MATMUL, macs=macs, elementwise_flops=flops)
    return Work(Kind.LINEAR, macs, flops, activations=node.out.numel(), weight=constant.shape)


def recurrent(node: Node) -> Work:
    """`LSTM`, `GRU`, `RNN`: at each step every gate multiplies the input and the state.

    x [T, N, I], or [N, T, I] where layout is 1; R [directions, gates H, H].
    """
    x, weight, again = node.x(), node.x(1), node.x(2)
    steps = x.shape[0] * x.shape[1]
    gates, hidden = _GATES[node.operator], node.option("hidden_size") or again.shape[-1]
    directions = weight.shape[0]
    cells = steps * directions * hidden
    return Work(
        Kind.LINEAR,
        macs=cells * gates * (x.shape[2] + hidden),
        elementwise_flops=cells * CELL[node.operator.removeprefix("DynamicQuantize")],
        activations=2 * cells * gates,  # of the products with the input and with the state
        weight=(gates * hidden, x.shape[2] + hidden),
    )


def pool(node: Node) -> Work:
    """`MaxPool`, `AveragePool`, `LpPool`: the window's size per output element."""
    window = node.option("kernel_shape")
    stride = node.option("strides") or [1] * len(window)
    dilation = node.option("dilations") or 1
    return torch_rules.max_pool(node.out, node.x(), window, stride, dilation=dilation)


def clip(node: Node) -> Work:
    """`Clip`: as `clamp`, an activation where it is the bounded kind that networks have."""
    return Work(Kind.ACTIVATION, elementwise_flops=node.out.numel() * convention.ACTIVATION)


def several(node: Node) -> Work:
    """`Sum`, `Mean`, `Min`, `Max` of several inputs: one FLOP for each but the first."""
    return shared.combined(node, len(node.inputs) - (node.operator != "Mean"))


def local_response(node: Node) -> Work:
    """`LRN` over so many channels."""
    return shared.local_response(node, int(node.option("size", 1)))


def skip_normalisation(node: Node) -> Work:
    """`SkipLayerNormalization`: an addition, of a bias too where there is one, and the norm."""
    terms = 1 + (len(node.inputs) > 4 and node.inputs[4] is not None)
    flops = (terms + convention.NORMALISATION) * node.out.numel()
    return Work(Kind.NORMALISATION, elementwise_flops=flops)


def resize(node: Node) -> Work:
    """`Resize`: of two pixels along each side that changes, of four if cubic; nearest copies."""
    return shared.interpolated(node, _PIXELS.get(node.option("mode", "nearest"), 0))


def grid_sample(node: Node) -> Work:
    """`GridSample`: values mixed at each place, 2 a dimension, 4 where it is cubic."""
    mode, dims = node.option("mode", "linear"), node.out.dim() - 2
    taps = 2 if "linear" in mode else 4 if "cubic" in mode else 1
    return Work(Kind.OTHER, elementwise_flops=taps**dims * node.out.numel())


def deformable(node: Node) -> Work:
    """`DeformConv`: x, weight [K, C/g, *k], offset, bias, mask; four values mixed for each."""
    x, weight = node.x(), node.x(1)
    window = weight.shape[2:]
    places = node.out.shape[0] * math.prod(node.out.shape[2:]) * x.shape[1] * math.prod(window)
    found = convolution()(node)
    masked = node.given(4) is not None
    return replace(found, kind=Kind.CONVOLUTION, elementwise_flops=places * (4 + masked))


def boxes(node: Node) -> Work:
    """`RoiAlign`: each bin a mean of samples² places, of four values; two a side if adaptive."""
    samples = node.option("sampling_ratio", 0)
    return special.pooled_boxes(node.out, node.x(), node.x(1), 1.0, 0, 0, samples)


def suppression(node: Node) -> Work:
    """`NonMaxSuppression`: boxes [N, n, 4], scores [N, classes, n], of every class."""
    batch, number = node.x().shape[:2]
    return shared.overlaps(number, batch * node.x(1).shape[1])


def fourier(node: Node) -> Work:
    """`DFT` of x [N, *S, 1 or 2] along one dimension: 5 n log2 n each."""
    if node.given(2) is not None:
        raise ValueError("its axis is computed")
    x = node.x()
    n = x.shape[node.option("axis", -2)]
    times = math.prod(x.shape[:-1]) // n if n else 0
    return Work(Kind.OTHER, elementwise_flops=special.fourier_flops(times, n))


def short_fourier(node: Node) -> Work:
    """`STFT`: a transform of each frame, whose length its window or `frame_length` says.

    out [N, frames, bins, 2].
    """
    batch, frames, bins, _ = node.out.shape
    window = node.given(2)
    one_sided = node.option("onesided", 1)
    n = window.shape[0] if window is not None else 2 * (bins - 1) if one_sided else bins
    return Work(Kind.OTHER, elementwise_flops=special.fourier_flops(batch * frames, n))


def dynamic_quantise(node: Node) -> Work:
    """`DynamicQuantizeLinear`: the least and the largest element, then one FLOP each."""
    return Work(Kind.OTHER, elementwise_flops=3 * node.x().numel() * convention.ARITHMETIC)


def scattered(node: Node) -> Work:
    """`ScatterND`, `ScatterElements`: bytes are moved; with a reduction, one FLOP an update."""
    flops = node.x(2).numel() if node.option("reduction", "none") not in ("none", None) else 0
    return Work(Kind.OTHER, elementwise_flops=flops)


def determinant(node: Node) -> Work:
    """`Det` of n x n by elimination: n³ / 3 products."""
    *batch, n, _ = node.x().shape
    return Work(Kind.MATMUL, macs=math.prod(batch) * n**3 // 3)


def _fused(rule: Rule) -> Rule:
    return shared.fused(rule, "activation")


RULES: dict[str, Rule] = {
    **{name: same(of) for name, of in SAME.items()},
    **dict.fromkeys(MOVES, moved),
    **dict.fromkeys(("Conv", "ConvInteger", "NhwcConv"), convolution()),
    **dict.fromkeys(("FusedConv", "NhwcFusedConv"), _fused(convolution())),
    "QLinearConv": convolution(0, 3),
    **dict.fromkeys(("ConvTranspose", "ConvTransposeWithDynamicPads"), transposed),
    "DeformConv": deformable,
    **dict.fromkeys(("MatMul", "MatMulInteger", "TransposeMatMul"), product()),
    **dict.fromkeys(("FusedMatMul", "FusedMatMulActivation"), _fused(product())),
    **dict.fromkeys(("DynamicQuantizeMatMul", "MatMulIntegerToFloat"), product()),
    "QLinearMatMul": product(0, 3),
    "Gemm": gemm(),
    "FusedGemm": _fused(gemm()),
    "QGemm": gemm(0, 3),
    "MatMulNBits": packed_product,
    "Einsum": einsum,
    **dict.fromkeys(_GATES, recurrent),
    "Attention": attention.standard,
    "com.microsoft::Attention": attention.projecting,
    "QAttention": attention.projecting,
    "MultiHeadAttention": attention.of_heads,
    "GroupQueryAttention": attention.of_groups,
    **dict.fromkeys(
        ("MaxPool", "AveragePool", "LpPool", "QLinearAveragePool", "NhwcMaxPool"), pool
    ),
    "Clip": clip,
    **dict.fromkeys(("Sum", "Mean", "Min", "Max"), several),
    "LRN": local_response,
    "SkipLayerNormalization": skip_normalisation,
    "SkipSimplifiedLayerNormalization": skip_normalisation,
    **dict.fromkeys(("Resize", "Upsample"), resize),
    "GridSample": grid_sample,
    "RoiAlign": boxes,
    "MaxRoiPool": same("torchvision::roi_pool"),
    "NonMaxSuppression": suppression,
    "DFT": fourier,
    "STFT": short_fourier,
    "DynamicQuantizeLinear": dynamic_quantise,
    **dict.fromkeys(("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"), same("mse_loss")),
    **dict.fromkeys(("ScatterND", "ScatterElements", "Scatter"), scattered),
    "Det": determinant,
}

_DOMAINS = ("com.microsoft", "com.microsoft.nchwc", "com.ms.internal.nhwc")


def rule_of(domain: str, operator: str) -> Rule | None:
    """The rule of an operator; None where no convention knows it."""
    if domain in STANDARD:
        return RULES.get(operator)
    own = RULES.get(f"{domain}::{operator}")
    return own or (RULES.get(operator) if domain in _DOMAINS else None)
