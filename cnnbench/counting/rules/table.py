"""The table of rules: the one place that says which operator is counted by which."""

from __future__ import annotations

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules import convention
from cnnbench.counting.rules.operators import (
    adaptive_pool,
    added_matmul,
    attention,
    convolution,
    generic_convolution,
    hardtanh,
    linear,
    matmul,
    max_pool,
    per_input_element,
    per_output_element,
    pool,
    transposed_convolution,
)
from cnnbench.counting.rules.special import SPECIAL
from cnnbench.counting.rules.work import Rule

# By the operator's base name: overloads and in-place forms share a rule.
RULES: dict[str, Rule] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolution),
    **dict.fromkeys(
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), transposed_convolution
    ),
    **dict.fromkeys(("convolution", "_convolution"), generic_convolution),
    "linear": linear,
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), added_matmul),
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "vdot"), matmul),
    **dict.fromkeys(
        [
            *(f"max_pool{d}d" for d in (1, 2, 3)),
            *(f"max_pool{d}d_with_indices" for d in (2, 3)),
        ],
        max_pool,
    ),
    **dict.fromkeys([f"avg_pool{d}d" for d in (1, 2, 3)], pool),
    **dict.fromkeys(
        [
            *(f"adaptive_{kind}_pool{d}d" for kind in ("avg", "max") for d in (1, 2, 3)),
            *(f"_adaptive_avg_pool{d}d" for d in (2, 3)),
        ],
        adaptive_pool,
    ),
    **dict.fromkeys(
        (
            "scaled_dot_product_attention",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
        ),
        attention,
    ),
    **dict.fromkeys(
        convention.NORMALISATIONS,
        per_output_element(Kind.NORMALISATION, convention.NORMALISATION),
    ),
    **dict.fromkeys(
        convention.ACTIVATIONS, per_output_element(Kind.ACTIVATION, convention.ACTIVATION)
    ),
    **dict.fromkeys(convention.ARITHMETICS, per_output_element(Kind.OTHER, convention.ARITHMETIC)),
    "hardtanh": hardtanh,
    **{name: per_input_element(kind) for name, kind in convention.REDUCTIONS.items()},
    **{
        name: per_output_element(Kind.OTHER, pixels)
        for name, pixels in convention.INTERPOLATIONS.items()
    },
    **dict.fromkeys(convention.DROPOUTS, per_output_element(Kind.OTHER, convention.ARITHMETIC)),
    **dict.fromkeys(convention.MOVES, per_output_element(Kind.OTHER, 0)),
    **SPECIAL,
}
