"""The shapes of what TensorFlow Lite's operators give, as its runtime allocates them.

Sources: the operators' `Prepare` in TensorFlow Lite's kernels, and its schema's comments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from cnnbench.counting.files.graph import UnknownShape
from cnnbench.counting.files.tflite import numbers
from cnnbench.counting.files.tflite.operator import Operator
from cnnbench.counting.files.tflite.tables import LIKE, POOLS, REDUCING, SPREAD
from cnnbench.models.inputs import Shape

Rule = Callable[[Operator], list[Shape]]
_SAME = 0  # the schema's padding


class ImpossibleError(ValueError):
    """An operator that no runtime takes with these inputs."""


def shapes_of(operator: Operator) -> list[Shape] | None:
    """The outputs' shapes; None where they do not follow from what is known.

    ImpossibleError where no runtime would run it so, of the operators that are known well.
    """
    rule = RULES.get(operator.name)
    if rule is None:
        return None
    try:
        found = rule(operator)
    except UnknownShape:
        return None
    except (LookupError, ValueError, TypeError, ArithmeticError) as error:
        if operator.name in KNOWN_WELL:
            raise ImpossibleError from error
        return None
    if all(side >= 0 for shape in found for side in shape):
        return found
    if operator.name in KNOWN_WELL:
        raise ImpossibleError
    return None


def like(index: int) -> Rule:
    """An input's shape."""
    return lambda op: [op.shape(index)] * op.number


def spread(op: Operator) -> list[Shape]:
    """The shape that all inputs are spread to."""
    return [np.broadcast_shapes(*(op.shape(index) for index in range(len(op.inputs))))]


def _window(
    op: Operator, sides: Sequence[int], kernel: Sequence[int], names: str = "HW"
) -> list[int]:
    """A window's places along each side: all with padding, else those where it fits."""
    found = []
    for side, size, name in zip(sides, kernel, names, strict=True):
        stride = op.options[f"Stride{name}"]
        if stride < 1 or size < 1:
            raise ValueError("no window")
        spread = (op.option(f"Dilation{name}Factor") or 1) * (size - 1)
        found.append(-(-(side if op.option("Padding") == _SAME else side - spread) // stride))
    if min(found) < 1:
        raise ValueError("a map smaller than its window")
    return found


def convolution(op: Operator) -> list[Shape]:
    """`CONV_2D`: x [N, H, W, C], weight [K, h, w, C/g] -> [N, H', W', K]."""
    batch, *sides, channels = op.shape(0)
    filters, *kernel, depth = op.shape(1)
    if channels % depth or filters % (channels // depth):
        raise ValueError("no groups of channels")
    return [(batch, *_window(op, sides, kernel), filters)]


def depthwise(op: Operator) -> list[Shape]:
    """`DEPTHWISE_CONV_2D`: x [N, H, W, C], weight [1, h, w, C m] -> [N, H', W', C m]."""
    batch, *sides, channels = op.shape(0)
    _, *kernel, filters = op.shape(1)
    if filters % channels:
        raise ValueError("no filters for each channel")
    return [(batch, *_window(op, sides, kernel), filters)]


def convolution_3d(op: Operator) -> list[Shape]:
    """`CONV_3D`: x [N, D, H, W, C], weight [d, h, w, C, K] -> [N, D', H', W', K]."""
    batch, *sides, _ = op.shape(0)
    *kernel, _, filters = op.shape(1)
    return [(batch, *_window(op, sides, kernel, "DHW"), filters)]


def pool(op: Operator) -> list[Shape]:
    """A pooling: x [N, H, W, C] -> [N, H', W', C]."""
    batch, *sides, channels = op.shape(0)
    kernel = (op.option("FilterHeight"), op.option("FilterWidth"))
    return [(batch, *_window(op, sides, kernel), channels)]


def pool_of_any_sides(op: Operator) -> list[Shape]:
    """`STABLEHLO_REDUCE_WINDOW`: a window over every side, padded before and after each."""
    names = ("WindowDimensions", "WindowStrides", "WindowDilations", "BaseDilations", "Padding")
    window, strides, holes, gaps, around = (op.options[name] for name in names)
    found = []
    for at, side in enumerate(op.shape(0)):
        padded = (side - 1) * gaps[at] + 1 + around[2 * at] + around[2 * at + 1]
        found.append((padded - holes[at] * (window[at] - 1) - 1) // strides[at] + 1)
    return [tuple(found)] * op.number


def linear(op: Operator) -> list[Shape]:
    """`FULLY_CONNECTED`: x [..., I], weight [K, I] -> [..., K], or [N, K] of rows of I."""
    filters, features = op.shape(1)
    if math.prod(op.shape(0)) % features:
        raise ValueError("no rows of so many features")
    if op.option("KeepNumDims"):
        return [(*op.shape(0)[:-1], filters)]
    return [(math.prod(op.shape(0)) // features, filters)]


def product(op: Operator) -> list[Shape]:
    """`BATCH_MATMUL`: a [..., M, K], b [..., K, N], each transposed where it says so."""
    a, b = op.shape(0), op.shape(1)
    rows = a[-1] if op.option("AdjX") else a[-2]
    columns = b[-2] if op.option("AdjY") else b[-1]
    return [(*np.broadcast_shapes(a[:-2], b[:-2]), rows, columns)]


def reshape(op: Operator) -> list[Shape]:
    """`RESHAPE`: as its second input says, or its options; -1 is what is left."""
    wanted = op.whole(1) if op.has(1) else [int(side) for side in op.options["NewShape"]]
    elements = math.prod(op.shape(0))
    if wanted == [0] and elements == 1:  # as older files say that it is one number
        wanted = []
    if -1 in wanted:
        left = math.prod(side for side in wanted if side != -1)
        wanted[wanted.index(-1)] = elements // left if left else 0
    if math.prod(wanted) != elements:
        raise ValueError("another number of elements")
    return [tuple(wanted)]


def concatenated(op: Operator) -> list[Shape]:
    """`CONCATENATION` along an axis."""
    sides = list(op.shape(0))
    axis = op.option("Axis") or 0
    sides[axis] = sum(op.shape(index)[axis] for index in range(len(op.inputs)))
    return [tuple(sides)]


def packed(op: Operator) -> list[Shape]:
    """`PACK`: inputs side by side along a new axis."""
    sides = list(op.shape(0))
    axis = op.option("Axis") or 0
    sides.insert(axis + len(sides) + 1 if axis < 0 else axis, len(op.inputs))
    return [tuple(sides)]


def gathered(op: Operator) -> list[Shape]:
    """`GATHER`: indices in the place of an axis."""
    x, index = op.shape(0), op.shape(1)
    axis, batch = (op.option("Axis") or 0) % len(x), op.option("BatchDims") or 0
    return [(*x[:axis], *index[batch:], *x[axis + 1 :])]


def gathered_nd(op: Operator) -> list[Shape]:
    """`GATHER_ND`: each row of indices is a place."""
    x, index = op.shape(0), op.shape(1)
    return [(*index[:-1], *x[index[-1] :])]


def looked_up(op: Operator) -> list[Shape]:
    """`EMBEDDING_LOOKUP`: indices, a table [rows, ...]."""
    return [(*op.shape(0), *op.shape(1)[1:])]


def padded(op: Operator) -> list[Shape]:
    """`PAD` and its forms: before and after each side."""
    around = op.whole(1)
    return [
        tuple(
            side + before + after
            for side, before, after in zip(op.shape(0), around[::2], around[1::2], strict=True)
        )
    ]


def tiled(op: Operator) -> list[Shape]:
    """`TILE`: each side so often."""
    return [tuple(side * times for side, times in zip(op.shape(0), op.whole(1), strict=True))]


def reduced(op: Operator) -> list[Shape]:
    """A reduction over axes, which stay as 1 or go."""
    sides = op.shape(0)
    axes = {axis % len(sides) for axis in op.whole(1)} if sides else set()
    if op.option("KeepDims"):
        return [tuple(1 if at in axes else side for at, side in enumerate(sides))]
    return [tuple(side for at, side in enumerate(sides) if at not in axes)]


def best(op: Operator) -> list[Shape]:
    """`ARG_MAX`, `ARG_MIN`: without their axis."""
    sides, (axis, *_) = list(op.shape(0)), op.whole(1)
    del sides[axis]
    return [tuple(sides)]


def largest(op: Operator) -> list[Shape]:
    """`TOPK_V2`: the last side is k."""
    return [(*op.shape(0)[:-1], op.whole(1)[0])] * op.number


def resized(op: Operator) -> list[Shape]:
    """`RESIZE_...`: [N, H, W, C] -> [N, H', W', C]."""
    batch, *_, channels = op.shape(0)
    return [(batch, *op.whole(1), channels)]


def blocks(grow: int) -> Rule:
    """`DEPTH_TO_SPACE` (1) and `SPACE_TO_DEPTH` (-1): channels for pixels."""

    def rule(op: Operator) -> list[Shape]:
        batch, height, width, channels = op.shape(0)
        block = op.option("BlockSize")
        if grow > 0:
            return [(batch, height * block, width * block, channels // block**2)]
        return [(batch, height // block, width // block, channels * block**2)]

    return rule


def to_batch(op: Operator) -> list[Shape]:
    """`SPACE_TO_BATCH_ND`: pixels, padded, for images."""
    block, around = op.whole(1), op.whole(2)
    batch, *rest = op.shape(0)
    sides = [
        (side + before + after) // size
        for side, size, before, after in zip(rest, block, around[::2], around[1::2], strict=False)
    ]
    return [(batch * math.prod(block), *sides, *rest[len(block) :])]


def from_batch(op: Operator) -> list[Shape]:
    """`BATCH_TO_SPACE_ND`: images for pixels, then cropped."""
    block, crops = op.whole(1), op.whole(2)
    batch, *rest = op.shape(0)
    sides = [
        side * size - before - after
        for side, size, before, after in zip(rest, block, crops[::2], crops[1::2], strict=False)
    ]
    return [(batch // math.prod(block), *sides, *rest[len(block) :])]


def one_hot(op: Operator) -> list[Shape]:
    """`ONE_HOT`: a side of that depth at an axis."""
    sides, (depth, *_) = list(op.shape(0)), op.whole(1)
    axis = op.option("Axis")
    sides.insert(len(sides) if axis in (None, -1) else axis, depth)
    return [tuple(sides)]


def as_given(index: int) -> Rule:
    """A shape that is an input."""
    return lambda op: [tuple(op.whole(index))]


def ranged(op: Operator) -> list[Shape]:
    """`RANGE`: from, to, by."""
    (start,), (end,), (step,) = op.whole(0), op.whole(1), op.whole(2)
    return [(max(0, -(-(end - start) // step)),)]


def recurrent(op: Operator) -> list[Shape]:
    """Recurrent layers: x [..., I] -> [..., H]; both ways, two of them, or one of both."""
    if op.name == "SVDF":
        return [(op.shape(0)[0], op.shape(1)[0] // (op.option("Rank") or 1))]
    ways = 2 if op.name.startswith("BIDIRECTIONAL") else 1
    lstm = op.name.endswith("LSTM")
    places = (16, 33) if lstm else ()  # of projections
    first = (2, 19) if lstm else (1, 5)
    hidden = [
        op.shape(places[way] if lstm and op.has(places[way]) else first[way])[0]
        for way in range(ways)
    ]
    if op.option("MergeOutputs"):
        hidden = [sum(hidden)]
    return [(*op.shape(0)[:-1], size) for size in hidden]


# Of these every form is known: where a rule fails, a runtime would, too.
KNOWN_WELL = frozenset("CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED RESHAPE CONCATENATION".split())
KNOWN_WELL |= POOLS | SPREAD
RULES: dict[str, Rule] = {
    **{name: like(index) for name, index in LIKE.items()},
    **dict.fromkeys(SPREAD, spread),
    **dict.fromkeys(REDUCING, reduced),
    **dict.fromkeys(POOLS, pool),
    "STABLEHLO_REDUCE_WINDOW": pool_of_any_sides,
    **dict.fromkeys(numbers.CHOOSING, numbers.chosen),
    "SHAPE": lambda op: [(len(op.shape(0)),)],
    "RANK": lambda op: [()],
    "CONV_2D": convolution,
    "DEPTHWISE_CONV_2D": depthwise,
    "CONV_3D": convolution_3d,
    "TRANSPOSE_CONV": as_given(0),
    "CONV_3D_TRANSPOSE": as_given(0),
    "FULLY_CONNECTED": linear,
    "BATCH_MATMUL": product,
    "RESHAPE": reshape,
    "CONCATENATION": concatenated,
    "PACK": packed,
    "GATHER": gathered,
    "GATHER_ND": gathered_nd,
    "EMBEDDING_LOOKUP": looked_up,
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), padded),
    "TILE": tiled,
    **dict.fromkeys(("ARG_MAX", "ARG_MIN"), best),
    "TOPK_V2": largest,
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), resized),
    "DEPTH_TO_SPACE": blocks(1),
    "SPACE_TO_DEPTH": blocks(-1),
    "SPACE_TO_BATCH_ND": to_batch,
    "BATCH_TO_SPACE_ND": from_batch,
    "ONE_HOT": one_hot,
    "BROADCAST_TO": as_given(1),
    "FILL": as_given(0),
    "SCATTER_ND": as_given(2),
    "SPARSE_TO_DENSE": as_given(1),
    "RANDOM_UNIFORM": as_given(0),
    "RANDOM_STANDARD_NORMAL": as_given(0),
    "RANGE": ranged,
    **dict.fromkeys(
        (
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            "BIDIRECTIONAL_SEQUENCE_LSTM",
            "UNIDIRECTIONAL_SEQUENCE_RNN",
            "BIDIRECTIONAL_SEQUENCE_RNN",
            "RNN",
            "SVDF",
        ),
        recurrent,
    ),
}
