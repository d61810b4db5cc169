"""Output shapes of the commonest operators, without running them.

torch's own meta kernels give the same shapes for every operator, but the first call of most of
them imports a compiler (over a second). These few rules spare nearly every network that; each
returns None wherever it is not certain, and torch decides. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from cnnbench.counting.rules.operators import spread
from cnnbench.models.inputs import Shape

ShapeRule = Callable[..., Shape | None]


def _windows(
    sides: Sequence[int],
    kernel: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    ceil_mode: bool = False,
) -> Shape | None:
    """Positions of a window along each side; None where one does not fit."""
    if not len(sides) == len(kernel) == len(stride) == len(padding) == len(dilation):
        return None
    out = []
    for size, k, s, p, d in zip(sides, kernel, stride, padding, dilation, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        if room < 0 or s < 1 or k < 1 or d < 1 or p < 0:
            return None
        positions = room // s + 1
        # Rounding up may not start a window beyond the input and its left padding.
        if ceil_mode and room % s and positions * s < size + p:
            positions += 1
        out.append(positions)
    return tuple(out)


def convolution(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] | str = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> Shape | None:
    """[N, C, *S], [K, C/g, *k] -> [N, K, *S']."""
    dims = weight.dim() - 2
    filters, depth, *window = weight.shape
    if x.dim() != dims + 2 or x.shape[1] != depth * groups or filters % groups:
        return None
    if x.dtype != weight.dtype:
        return None
    if bias is not None and tuple(bias.shape) != (filters,):
        return None
    if isinstance(padding, str):
        if padding == "same":  # only at stride 1
            same = set(spread(stride, dims)) == {1}
            return (x.shape[0], filters, *x.shape[2:]) if same else None
        padding = 0
    sides = _windows(
        x.shape[2:],
        tuple(window),
        spread(stride, dims),
        spread(padding, dims),
        spread(dilation, dims),
    )
    return None if sides is None else (x.shape[0], filters, *sides)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Shape | None:
    """[..., I], [O, I] -> [..., O]."""
    if (
        weight.dim() != 2
        or x.dim() < 1
        or x.shape[-1] != weight.shape[1]
        or x.dtype != weight.dtype
    ):
        return None
    if bias is not None and tuple(bias.shape) != (weight.shape[0],):
        return None
    return (*x.shape[:-1], weight.shape[0])


def batch_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, mean: Tensor | None, *_: object
) -> Shape | None:
    """[N, C, *S] -> [N, C, *S]."""
    known = [t for t in (weight, bias, mean) if t is not None]
    if x.dim() < 2 or any(tuple(t.shape) != (x.shape[1],) for t in known):
        return None
    return tuple(x.shape)


def _pool(
    x: Tensor,
    kernel: int | Sequence[int],
    stride: int | Sequence[int] | None,
    padding: int | Sequence[int],
    dilation: int | Sequence[int],
    ceil_mode: bool,
    dims: int,
) -> Shape | None:
    if x.dim() != dims + 2:
        return None
    window = spread(kernel, dims)
    pad = spread(padding, dims)
    if any(2 * p > k for p, k in zip(pad, window, strict=False)):
        return None
    step, spacing = spread(stride, dims, window), spread(dilation, dims)
    sides = _windows(x.shape[2:], window, step, pad, spacing, ceil_mode)
    return None if sides is None else (*x.shape[:2], *sides)


def _max_pool(dims: int) -> ShapeRule:
    def rule(
        x: Tensor,
        kernel: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Shape | None:
        return _pool(x, kernel, stride, padding, dilation, ceil_mode, dims)

    return rule


def _avg_pool(dims: int) -> ShapeRule:
    def rule(
        x: Tensor,
        kernel: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Shape | None:
        return _pool(x, kernel, stride, padding, 1, ceil_mode, dims)

    return rule


def _adaptive_pool(dims: int) -> ShapeRule:
    def rule(x: Tensor, size: int | Sequence[int]) -> Shape | None:
        sides = spread(size, dims)
        if x.dim() != dims + 2 or len(sides) != dims or min(sides) < 1:
            return None
        return (*x.shape[:2], *sides)

    return rule


def mean(
    x: Tensor, dim: int | Sequence[int] | None = None, keepdim: bool = False, **options: object
) -> Shape | None:
    """[…] -> […] without the dimensions averaged over, or with them of size 1."""
    if dim is None or options.get("dtype") is not None or not x.is_floating_point():
        return None
    given = [dim] if isinstance(dim, int) else list(dim)
    if any(not -x.dim() <= d < x.dim() for d in given):
        return None
    gone = {d % x.dim() for d in given} or set(range(x.dim()))
    if keepdim:
        return tuple(1 if i in gone else side for i, side in enumerate(x.shape))
    return tuple(side for i, side in enumerate(x.shape) if i not in gone)


def same(x: Tensor, *_: object, **__: object) -> Shape | None:
    """[…] -> […]."""
    return tuple(x.shape) if x.is_floating_point() else None


def broadcast(a: object, b: object, *, alpha: object = 1) -> Shape | None:
    """Two floating tensors of one dtype, or one and a number."""
    if not isinstance(a, Tensor) or not a.is_floating_point():
        return None
    if isinstance(b, (int, float)):
        return tuple(a.shape)
    if not isinstance(b, Tensor) or a.dtype != b.dtype:
        return None
    short, long = sorted((tuple(a.shape), tuple(b.shape)), key=len)
    short = (1,) * (len(long) - len(short)) + short
    if any(p != q and 1 not in (p, q) for p, q in zip(short, long, strict=True)):
        return None
    return tuple(q if p == 1 else p for p, q in zip(short, long, strict=True))


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Shape | None:
    """Equal but along `dim`, where the sides add."""
    first = tensors[0]
    if not -first.dim() <= dim < first.dim() or len({t.dtype for t in tensors}) != 1:
        return None
    dim %= first.dim()
    rest = {(*t.shape[:dim], *t.shape[dim + 1 :]) for t in tensors}
    if len(rest) != 1 or any(t.dim() != first.dim() for t in tensors):
        return None
    side = sum(t.shape[dim] for t in tensors)
    return (*first.shape[:dim], side, *first.shape[dim + 1 :])


def index_select(x: Tensor, dim: int, index: Tensor) -> Shape | None:
    """[…, S, …] -> […, indices, …]."""
    if index.dim() != 1 or not -x.dim() <= dim < x.dim():
        return None
    dim %= x.dim()
    return (*x.shape[:dim], index.shape[0], *x.shape[dim + 1 :])


_UNARY = (
    *("relu", "relu6", "leaky_relu", "elu", "gelu", "silu", "mish", "hardswish", "hardsigmoid"),
    *("hardtanh", "sigmoid", "tanh", "softplus"),
    *("neg", "square", "sqrt", "rsqrt", "exp", "abs"),
)
SHAPES: dict[str, ShapeRule] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolution),
    "linear": linear,
    "batch_norm": batch_norm,
    **{f"max_pool{d}d": _max_pool(d) for d in (1, 2, 3)},
    **{f"avg_pool{d}d": _avg_pool(d) for d in (1, 2, 3)},
    **{f"adaptive_avg_pool{d}d": _adaptive_pool(d) for d in (1, 2, 3)},
    "mean": mean,
    **dict.fromkeys(_UNARY, same),
    **dict.fromkeys(("add", "sub", "mul", "div", "pow"), broadcast),
    "sum": mean,
    "cat": cat,
    "index_select": index_select,
}
