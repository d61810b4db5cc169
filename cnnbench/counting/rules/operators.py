"""The work of each operator: one function a family, its shapes as a comment above, one table.

A rule is called with the operator's output and its own arguments, of which it reads shapes alone;
those of torch need no torch, so that a file's operators are counted by them too. An operator that
no rule and no convention knows is named to the user, never counted as zero in silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules import convention
from cnnbench.counting.rules.work import Rule, Shaped, Work
from cnnbench.models.inputs import Shape


def first(out: Any) -> Any:
    """An operator's output, or the first of several."""
    return out[0] if isinstance(out, (tuple, list)) else out


def spread(value: int | Sequence[int] | None, dims: int, default: Shape = ()) -> Shape:
    """A window argument as one number a dimension: 2 -> (2, 2); empty or None -> `default`."""
    if value is None or (isinstance(value, Sequence) and not value):
        return default
    if isinstance(value, int):
        return (value,) * dims
    return tuple(value) * dims if len(value) == 1 else tuple(value)


def convolution(
    out: Shaped,
    x: Shaped,
    weight: Shaped,
    bias: Shaped | None = None,
    stride: int | Sequence[int] = 1,
    padding: object = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Work:
    """Every output element is a dot product over C/g channels and the kernel."""
    # x [N, C, *S], weight [K, C/g, *k] -> out [N, K, *S']
    return _convolved(out, out.numel(), weight, stride, groups, dilation)


def transposed_convolution(
    out: Shaped,
    x: Shaped,
    weight: Shaped,
    bias: Shaped | None = None,
    stride: int | Sequence[int] = 1,
    padding: object = 0,
    output_padding: object = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> Work:
    """Every input element is multiplied with K/g filters' kernels, whatever the stride."""
    # x [N, C, *S], weight [C, K/g, *k] -> out [N, K, *S']
    return _convolved(out, x.numel(), weight, stride, groups, dilation)


def _convolved(
    out: Shaped,
    elements: int,
    weight: Shaped,
    stride: int | Sequence[int],
    groups: int,
    dilation: int | Sequence[int],
) -> Work:
    """Multiply each of `elements` with a kernel of every channel of its group."""
    depth, *window = weight.shape[1:]
    if groups > 1 and depth == 1:
        kind = Kind.DEPTHWISE
    else:
        kind = Kind.POINTWISE if set(window) == {1} else Kind.CONVOLUTION
    return Work(
        kind,
        macs=elements * depth * math.prod(window),
        activations=out.numel(),
        weight=tuple(weight.shape),
        kernel=tuple(window),
        stride=spread(stride, len(window)),
        dilation=spread(dilation, len(window)),
        groups=groups,
    )


def generic_convolution(
    out: Shaped,
    x: Shaped,
    weight: Shaped,
    bias: Shaped | None,
    stride: Sequence[int],
    padding: object,
    dilation: Sequence[int],
    transposed: bool,
    output_padding: object,
    groups: int,
    *flags: bool,
) -> Work:
    """`aten.convolution`, which both kinds become below autograd."""
    if transposed:
        return transposed_convolution(
            out, x, weight, bias, stride, groups=groups, dilation=dilation
        )
    return convolution(out, x, weight, bias, stride, dilation=dilation, groups=groups)


def linear(out: Shaped, x: Shaped, weight: Shaped, bias: Shaped | None = None) -> Work:
    """Every output element is a dot product over the input features."""
    # x [..., I], weight [O, I] -> out [..., O]
    return Work(
        Kind.LINEAR,
        macs=out.numel() * weight.shape[-1],
        activations=out.numel(),
        weight=tuple(weight.shape),
    )


def matmul(out: Shaped, a: Any, b: Shaped, **_: object) -> Work:
    """Every output element is a dot product over the shared dimension."""
    # a [..., M, K], b [..., K, N] -> out [..., M, N]
    if "sparse" in str(a.layout):  # a product of each number that it holds with a row
        return Work(Kind.MATMUL, macs=a._nnz() * b.shape[-1])
    return Work(Kind.MATMUL, macs=out.numel() * a.shape[-1])


def added_matmul(out: Shaped, c: Shaped, a: Shaped, b: Shaped, **_: object) -> Work:
    """C + A B: the addition is where the accumulator starts."""
    # c [..., N], a [..., M, K], b [..., K, N] -> out [..., M, N]
    return matmul(out, a, b)


def pool(
    out: Shaped | tuple[Shaped, ...],
    x: Shaped,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    *_: object,
    **__: object,
) -> Work:
    """The window's size per output element, for a maximum as for an average."""
    # x [N, C, *S] -> out [N, C, *S']
    result = first(out)
    dims = 1 if isinstance(window, int) else len(window)
    kernel = spread(window, max(dims, result.dim() - 2))
    return Work(
        Kind.POOLING,
        elementwise_flops=result.numel() * math.prod(kernel),
        kernel=kernel,
        stride=spread(stride, len(kernel), kernel),
        dilation=(1,) * len(kernel),
    )


def max_pool(
    out: Shaped | tuple[Shaped, ...],
    x: Shaped,
    window: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: object = 0,
    dilation: int | Sequence[int] = 1,
    *_: object,
    **__: object,
) -> Work:
    """The window's size per output element, its places as far apart as asked."""
    found = pool(out, x, window, stride)
    return replace(found, dilation=spread(dilation, len(found.kernel)))


def adaptive_pool(out: Shaped | tuple[Shaped, ...], x: Shaped, size: int | Sequence[int]) -> Work:
    """Windows from floor(i S / S') to ceil((i + 1) S / S'), which may overlap."""
    # x [..., *S] -> out [..., *S']
    result = first(out)
    dims = 1 if isinstance(size, int) else len(size)
    sides = list(zip(x.shape[-dims:], result.shape[-dims:], strict=True))
    flops = math.prod(result.shape[:-dims])
    for before, after in sides:
        flops *= sum(-(-(i + 1) * before // after) - i * before // after for i in range(after))
    kernel = tuple(-(-before // after) for before, after in sides)
    return Work(Kind.POOLING, elementwise_flops=flops, kernel=kernel)


def attention(
    out: Shaped | tuple[Shaped, ...],
    query: Shaped,
    key: Shaped,
    value: Shaped,
    *_: object,
    **__: object,
) -> Work:
    """Q K^T and its product with V; the softmax counts as an activation of each score."""
    # query [..., L, E], key [..., S, E], value [..., S, V] -> out [..., L, V]
    *batch, queries, depth = query.shape
    return scored(math.prod(batch) * queries * key.shape[-2], depth, value.shape[-1])


def scored(scores: int, depth: int, out_depth: int, projected: int = 0) -> Work:
    """Attention by its number of scores: each a product, its softmax, its part of the output."""
    return Work(
        Kind.MATMUL,
        macs=scores * (depth + out_depth) + projected,
        elementwise_flops=scores * convention.ACTIVATION,
    )


def hardtanh(out: Shaped, x: Shaped, low: float = -1.0, high: float = 1.0) -> Work:
    """`nn.ReLU6` is one from 0 to 6."""
    name = "relu6" if (low, high) == (0, 6) else ""
    return Work(Kind.ACTIVATION, elementwise_flops=out.numel() * convention.ACTIVATION, name=name)


def per_output_element(kind: Kind, flops: int) -> Rule:
    """The same work for every element of the output, or of the first of several."""

    def rule(out: Any, *_: object, **__: object) -> Work:
        return Work(kind, elementwise_flops=flops * first(out).numel())

    return rule


def per_input_element(kind: Kind, position: int = 0) -> Rule:
    """One FLOP for every element of the input at that place."""

    def rule(out: Any, *inputs: Any, **__: object) -> Work:
        return Work(kind, elementwise_flops=inputs[position].numel())

    return rule
