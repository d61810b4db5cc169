"""The convention as Markdown: what operators of each kind cost, and which those are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules import convention, operators, special
from cnnbench.counting.rules.table import RULES
from cnnbench.counting.rules.work import Rule

from .markdown import code, table

Row = tuple[str, str, frozenset[str]]  # kind, cost, operators

_OUTPUT = "per output"
_INTERNAL = re.compile(r"^_|^(native|cudnn|miopen)_|_(with_indices|with_noise|forward)$")
_DIMENSIONS = re.compile(r"^(.*)(\dd)$")


def products() -> str:
    """Operators that multiply and accumulate."""
    return table(("operator", "multiply-accumulates", "operators of torch"), _shown(product_rows()))


def elementwise() -> str:
    """Operators that do not, and what an element costs."""
    return table(("kind", "FLOPs", "operators of torch"), _shown(elementwise_rows()))


def product_rows() -> list[Row]:
    """What each product costs; outputs and inputs are elements."""
    return [
        (
            "convolution",
            "outputs x input channels / groups x window",
            _of(
                operators.convolution,
                operators.generic_convolution,
                special.quantised_convolution,
            ),
        ),
        (
            "transposed",
            "inputs x output channels / groups x window",
            _of(operators.transposed_convolution),
        ),
        (
            "linear layer",
            "outputs x input features",
            _of(operators.linear, special.quantised_linear),
        ),
        (
            "matrix product",
            "outputs x the length of each sum; of a sparse matrix numbers that it holds x columns",
            _of(operators.matmul, operators.added_matmul),
        ),
        (
            "matrix product, summed over the batch",
            "outputs x the batch x the length of each sum",
            _of(special.added_batches),
        ),
        ("outer product", "outputs", _of(special.outer)),
        (
            "bilinear layer",
            "outputs x first inputs x second inputs, + outputs x second inputs",
            _of(special.trilinear),
        ),
        ("distance", "outputs x coordinates", _of(special.distances)),
        (
            "convolution over time",
            "outputs x input channels x window",
            _of(special.time_convolution),
        ),
        ("affine grid", "outputs x columns of the matrix", _of(special.affine_grid)),
        (
            "deformable convolution",
            "outputs x input channels / groups x window; 4 FLOPs per value sampled, 5 with a mask",
            _of(special.deformable),
        ),
        (
            "attention",
            f"scores x (size of key + value); softmax: {convention.ACTIVATION} FLOP per score",
            _of(operators.attention),
        ),
    ]


def elementwise_rows() -> list[Row]:
    """The convention's own table, row by row."""
    reductions = convention.REDUCTIONS
    averages = frozenset(name for name, kind in reductions.items() if kind is Kind.POOLING)
    return [
        (Kind.NORMALISATION, _per(convention.NORMALISATION), convention.NORMALISATIONS),
        (Kind.ACTIVATION, _per(convention.ACTIVATION), convention.ACTIVATIONS),
        (Kind.POOLING, f"its window {_OUTPUT}", _of(operators.pool, operators.max_pool)),
        (Kind.POOLING, f"its own window {_OUTPUT}", _of(operators.adaptive_pool)),
        (Kind.POOLING, "1 per input", averages),
        ("arithmetic", _per(convention.ARITHMETIC), convention.ARITHMETICS),
        ("reduction", "1 per input", frozenset(reductions) - averages),
        *(
            ("interpolation", _per(pixels), frozenset({name}))
            for name, pixels in convention.INTERPOLATIONS.items()
        ),
        (
            "interpolation, antialiased",
            "along rows, then columns: 2 (bicubic 4) x the scale down, per output",
            frozenset({"_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"}),
        ),
        (
            "sampling",
            "4 per output; 8 in three dimensions, 16 bicubic, 1 nearest",
            _of(special.grid_sample),
        ),
        (Kind.POOLING, f"its window {_OUTPUT}, at random places", _of(special.fractional_pool)),
        (
            "pooling of boxes",
            "4 x samples² per output; where a box decides, 2 samples a side",
            _of(special.pooled_boxes),
        ),
        ("largest in boxes", _per(1), _of(special.largest_in_boxes)),
        ("non-maximum suppression", "1 per pair of boxes", _of(special.suppression)),
        ("Fourier transform", "5 n log2 n, of n numbers", _of(special.transform)),
        ("scattered sum", "1 per number added", _of(special.scattered, special.added_rows)),
        ("bag of embeddings", "1 per number added", _of(special.bag)),
        ("loss", "1 per input", _of(special.lost)),
        ("likelihood", "1 per target", _of(special.likelihood)),
        (
            "dropout",
            f"{_per(convention.ARITHMETIC)} where it drops, else 0",
            convention.DROPOUTS,
        ),
        ("move", "0; its bytes count", convention.MOVES),
        ("view", "0; it moves no bytes", convention.VIEWS),
    ]


def _per(flops: int) -> str:
    return f"{flops} {_OUTPUT}"


def _of(*rules: Rule) -> frozenset[str]:
    return frozenset(name for name, rule in RULES.items() if rule in rules)


def _shown(rows: Iterable[Row]) -> list[tuple[str, str, str]]:
    return [(str(kind), cost, code(*short(names))) for kind, cost, names in rows]


def short(names: Iterable[str]) -> list[str]:
    """The names that people call, in the alphabet's order; those of 1, 2, 3 dimensions as one."""
    dimensions: dict[str, list[str]] = {}
    for name in sorted(name for name in names if not _INTERNAL.search(name)):
        found = _DIMENSIONS.match(name)
        stem, size = (found[1], found[2]) if found else (name, "")
        dimensions.setdefault(stem, []).append(size)
    return [stem + "/".join(filter(None, sizes)) for stem, sizes in dimensions.items()]
