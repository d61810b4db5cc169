"""The work of operators that detectors, transformers of space and spectra use; stated, as a table.

What has MACs is a sum of products: bilinear forms, distances, deformable convolutions. Sampling
costs one FLOP for each value that it mixes, a fast Fourier transform of n numbers 5 n log2 n, real
or complex (as benchmarks count it: Frigo & Johnson 2005), non-maximum suppression one for each pair
of boxes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules.operators import (
    added_matmul,
    convolution,
    first,
    per_input_element,
    per_output_element,
    spread,
)
from cnnbench.counting.rules.work import Rule, Shaped, Work

_MIXED = {0: {4: 4, 5: 8}, 1: {4: 1, 5: 1}, 2: {4: 16}}  # values, by mode and by dimensions
_SAMPLES = 2  # of a bin's side, where a pooling chooses as many as its box asks for


def trilinear(
    out: Shaped,
    a: Shaped,
    b: Shaped,
    c: Shaped,
    only_bc: Sequence[int],
    only_ac: Sequence[int],
    only_ab: Sequence[int],
    summed: Sequence[int],
    *_: object,
) -> Work:
    """A product of three, as torch takes it: a with b first, then with c."""
    # nn.Bilinear: a [N, I], b [O, I, J], c [N, J] -> out [N, O]: N O I J + N O J
    dims = a.dim() + len(only_bc)
    sides = [1] * dims
    for tensor, missing in ((a, only_bc), (b, only_ac), (c, only_ab)):
        there = [dim for dim in range(dims) if dim not in missing]
        for dim, side in zip(there, tensor.shape, strict=True):
            sides[dim] = max(sides[dim], side)
    in_ab = [dim for dim in range(dims) if dim not in only_bc or dim not in only_ac]
    of_ab = math.prod(sides[dim] for dim in in_ab)
    gone = {dim for dim in summed if dim in only_ab}
    of_c = math.prod(side for dim, side in enumerate(sides) if dim not in gone)
    weight = tuple(b.shape)
    return Work(Kind.LINEAR, macs=of_ab + of_c, activations=out.numel(), weight=weight)


def added_batches(out: Shaped, c: Shaped, a: Shaped, b: Shaped, **_: object) -> Work:
    """C + the sum over the batch of A B."""
    # c [N, P], a [B, N, M], b [B, M, P] -> out [N, P]
    return Work(Kind.MATMUL, macs=out.numel() * a.shape[0] * a.shape[2])


def outer(out: Shaped, *_: object, **__: object) -> Work:
    """A product for each output element."""
    return Work(Kind.MATMUL, macs=out.numel())


def time_convolution(out: Shaped, x: Shaped, weight: Shaped, *_: object) -> Work:
    """`conv_tbc`: a convolution over time, channels last."""
    # x [T, N, C], weight [k, C, K] -> out [T', N, K]
    window, depth, filters = weight.shape
    return Work(
        Kind.CONVOLUTION,
        macs=out.numel() * depth * window,
        activations=out.numel(),
        weight=(filters, depth, window),
        kernel=(window,),
        stride=(1,),
    )


def distances(out: Shaped, a: Shaped, *_: object) -> Work:
    """A difference, squared and summed, of every coordinate."""
    # a [..., P, M], b [..., R, M] -> out [..., P, R]
    return Work(Kind.MATMUL, macs=out.numel() * a.shape[-1])


def transform(out: Shaped, x: Shaped, dim: Sequence[int], *_: object) -> Work:
    """A Fourier transform of real or complex numbers along some dimensions."""
    larger = out if out.numel() > x.numel() else x
    n = math.prod(larger.shape[d] for d in dim)
    times = larger.numel() // n if n else 0
    return Work(Kind.OTHER, elementwise_flops=fourier_flops(times, n))


def fourier_flops(times: int, n: int) -> int:
    """FLOPs of so many fast Fourier transforms of n numbers."""
    return round(times * 5 * n * math.log2(n)) if n > 1 else 0


def deformable(
    out: Shaped,
    x: Shaped,
    weight: Shaped,
    offset: Shaped,
    mask: Shaped,
    bias: Shaped,
    *more: int | bool,
) -> Work:
    """A convolution of values that are sampled bilinearly, four mixed for each."""
    # x [N, C, H, W], weight [K, C/g, *k], offset [N, 2 d k, H', W'] -> out [N, K, H', W']
    strides, groups, masked = more[:2], int(more[6]), bool(more[8])
    window = tuple(weight.shape[2:])
    places = out.shape[0] * math.prod(out.shape[2:]) * x.shape[1] * math.prod(window)
    return Work(
        Kind.CONVOLUTION,
        macs=out.numel() * weight.shape[1] * math.prod(window),
        elementwise_flops=places * (4 + masked),
        activations=out.numel(),
        weight=tuple(weight.shape),
        kernel=window,
        stride=tuple(map(int, strides)),
        dilation=tuple(map(int, more[4:6])),
        groups=groups,
    )


def grid_sample(out: Shaped, x: Shaped, grid: Shaped, mode: int, *_: object) -> Work:
    """Values mixed at each place: 4 bilinear, 8 in three dimensions, 16 bicubic, 1 nearest."""
    return Work(Kind.OTHER, elementwise_flops=out.numel() * _MIXED[mode][out.dim()])


def affine_grid(out: Shaped, theta: Shaped, *_: object) -> Work:
    """The matrix times each place of the grid."""
    # theta [N, 2, 3] -> out [N, H, W, 2]
    return Work(Kind.MATMUL, macs=out.numel() * theta.shape[-1])


def pooled_boxes(
    out: Shaped | tuple[Shaped, ...],
    x: Shaped,
    boxes: Shaped,
    scale: float,
    height: int,
    width: int,
    samples: int = 0,
    *_: object,
) -> Work:
    """RoI align: each bin a mean of samples^2 places, of four values each.

    There are two samples a side where the box's size decides.
    """
    places = (samples if samples > 0 else _SAMPLES) ** 2
    return Work(Kind.POOLING, elementwise_flops=first(out).numel() * places * 4)


def suppression(out: Shaped, boxes: Shaped, *_: object) -> Work:
    """The overlap of each pair of boxes."""
    n = boxes.shape[0]
    return Work(Kind.OTHER, elementwise_flops=n * (n - 1) // 2)


def fractional_pool(
    out: tuple[Shaped, ...], x: Shaped, window: int | Sequence[int], *_: object
) -> Work:
    """The window's size per output element."""
    kernel = spread(window, 2)
    return Work(Kind.POOLING, elementwise_flops=out[0].numel() * math.prod(kernel), kernel=kernel)


def _antialiased(taps: int) -> Rule:
    def rule(out: Shaped, x: Shaped, *_: object, **__: object) -> Work:
        """Two passes, along the rows and then the columns, with a window that grows with scale."""
        # x [N, C, H, W] -> [N, C, H, W'] -> out [N, C, H', W']
        before, after = x.shape[-2:], out.shape[-2:]
        tall, wide = (taps * max(1.0, a / b) for a, b in zip(before, after, strict=True))
        planes = out.shape[0] * out.shape[1]
        flops = planes * (before[0] * after[1] * wide + after[0] * after[1] * tall)
        return Work(Kind.OTHER, elementwise_flops=round(flops))

    return rule


def quantised_linear(out: Shaped, x: Shaped, *_: object, **__: object) -> Work:
    """A linear layer of packed int8 weights."""
    features = x.shape[-1]
    weight = (out.shape[-1], features)
    return Work(Kind.LINEAR, macs=out.numel() * features, activations=out.numel(), weight=weight)


def quantised_convolution(out: Shaped, x: Shaped, packed: Any, *_: object, **__: object) -> Work:
    """A convolution of packed int8 weights."""
    weight, _bias = packed.unpack()
    stride, dilation, groups = packed.stride(), packed.dilation(), packed.groups()
    return convolution(out, x, weight, None, stride, dilation=dilation, groups=groups)


def bag(out: object, table: Shaped, indices: Shaped, *_: object, **__: object) -> Work:
    """`embedding_bag`: a row of the table is added for each index."""
    return Work(Kind.OTHER, elementwise_flops=indices.numel() * table.shape[-1])


# A box's size decides how many values a bin of RoI pooling has, so it counts as one.
largest_in_boxes = per_output_element(Kind.POOLING, 1)
# One FLOP for each number that is added, each target's score, each number that a loss looks at.
scattered = per_input_element(Kind.OTHER, 2)
added_rows = per_input_element(Kind.OTHER, 3)
likelihood = per_input_element(Kind.OTHER, 1)
lost = per_input_element(Kind.OTHER)

_QUANTISED = "linear linear_relu linear_dynamic linear_relu_dynamic linear_leaky_relu".split()
SPECIAL: dict[str, Rule] = {
    **{f"quantized::{name}": quantised_linear for name in _QUANTISED},
    **{
        f"quantized::conv{dims}d{relu}": quantised_convolution
        for dims in (1, 2, 3)
        for relu in ("", "_relu")
    },
    **{
        f"quantized::{name}": per_output_element(Kind.OTHER, 1)
        for name in "add add_relu mul mul_relu".split()
    },
    **{
        f"quantized::{name}": per_output_element(Kind.ACTIVATION, 1)
        for name in "hardswish leaky_relu sigmoid".split()
    },
    "quantized::cat": per_output_element(Kind.OTHER, 0),
    "_trilinear": trilinear,
    "addbmm": added_batches,
    "addr": outer,
    "_sparse_addmm": added_matmul,
    "conv_tbc": time_convolution,
    **dict.fromkeys(("_cdist_forward", "_euclidean_dist", "_pdist_forward"), distances),
    **dict.fromkeys(("_fft_r2c", "_fft_c2c", "_fft_c2r"), transform),
    "grid_sampler_2d": grid_sample,
    "grid_sampler_3d": grid_sample,
    "affine_grid_generator": affine_grid,
    "fractional_max_pool2d": fractional_pool,
    "_upsample_bilinear2d_aa": _antialiased(2),
    "_upsample_bicubic2d_aa": _antialiased(4),
    **dict.fromkeys(("scatter_add", "scatter_reduce"), scattered),
    **dict.fromkeys(("_embedding_bag", "_embedding_bag_forward_only"), bag),
    "index_reduce": added_rows,
    **dict.fromkeys("nll_loss_forward nll_loss2d_forward nll_loss nll_loss2d".split(), likelihood),
    **dict.fromkeys(
        "mse_loss smooth_l1_loss huber_loss binary_cross_entropy binary_cross_entropy_with_logits "
        "soft_margin_loss".split(),
        lost,
    ),
    "torchvision::deform_conv2d": deformable,
    "torchvision::roi_align": pooled_boxes,
    "torchvision::ps_roi_align": pooled_boxes,
    "torchvision::roi_pool": largest_in_boxes,
    "torchvision::ps_roi_pool": largest_in_boxes,
    "torchvision::nms": suppression,
}
