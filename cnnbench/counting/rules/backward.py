"""The work of gradient operators: what the forward operator costs, per element of the gradient.

Only products are exact statements; the elementwise ones are the convention's, as in forward.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules import convention
from cnnbench.counting.rules.operators import (
    adaptive_pool,
    generic_convolution,
    per_input_element,
    per_output_element,
    pool,
)
from cnnbench.counting.rules.special import grid_sample
from cnnbench.counting.rules.work import Rule, Shaped, Work


def convolution_backward(
    out: Sequence[Shaped | None],
    gradient: Shaped,
    x: Shaped,
    weight: Shaped,
    bias_sizes: Sequence[int] | None,
    stride: Sequence[int],
    padding: object,
    dilation: Sequence[int],
    transposed: bool,
    output_padding: object,
    groups: int,
    wanted: Sequence[bool],
) -> Work:
    """The input's gradient costs the forward MACs, the weight's too; grouped or not.

    Both multiply the pairs that the forward pass multiplied: each output with its window.
    """
    # gradient [N, K, *S'], x [N, C, *S], weight [K, C/g, *k] -> [N, C, *S], [K, C/g, *k], [K]
    forward = generic_convolution(
        gradient, x, weight, None, stride, padding, dilation, transposed, output_padding, groups
    )
    of_input, of_weight, of_bias = wanted
    return replace(
        forward,
        macs=forward.macs * (of_input + of_weight),
        activations=0,  # a gradient is none
        elementwise_flops=gradient.numel() * convention.ARITHMETIC if of_bias else 0,
    )


def pool_backward(
    out: Shaped, gradient: Shaped, x: Shaped, window: Sequence[int], stride: Sequence[int], *_: Any
) -> Work:
    """Every gradient is shared out over its window."""
    return pool(gradient, x, window, stride)


def adaptive_pool_backward(out: Shaped, gradient: Shaped, x: Shaped) -> Work:
    """Every gradient is shared out over its window."""
    return adaptive_pool(gradient, x, gradient.shape[2:])


def max_pool_backward(out: Shaped, gradient: Shaped, *_: Any) -> Work:
    """Every gradient is added where its maximum was."""
    return Work(Kind.POOLING, elementwise_flops=gradient.numel() * convention.ARITHMETIC)


def interpolation_backward(pixels: int) -> Rule:
    """Every gradient is shared out over the pixels it was made of."""

    def rule(out: Shaped, gradient: Shaped, *_: Any) -> Work:
        return Work(Kind.OTHER, elementwise_flops=pixels * gradient.numel())

    return rule


def attention_backward(
    out: Any, gradient: Shaped, query: Shaped, key: Shaped, value: Shaped, *_: Any, **__: Any
) -> Work:
    """The gradients of values, scores, queries and keys: two products each with E, with V.

    A fused kernel computes the scores again, which by definition are there.
    """
    # query [..., L, E], key [..., S, E], value [..., S, V]
    *batch, queries, depth = query.shape
    scores = math.prod(batch) * queries * key.shape[-2]
    return Work(
        Kind.MATMUL,
        macs=scores * 2 * (depth + value.shape[-1]),
        elementwise_flops=scores * convention.ACTIVATION,
    )


def sampling_backward(
    out: object, gradient: Shaped, x: Shaped, grid: Shaped, mode: int, *_: object
) -> Work:
    """Every gradient is shared out over the values that were mixed."""
    return grid_sample(gradient, x, grid, mode)


def bag_backward(out: object, gradient: Shaped, indices: Shaped, *_: object, **__: object) -> Work:
    """Every index's row of the table is added to."""
    return Work(Kind.OTHER, elementwise_flops=indices.numel() * gradient.shape[-1])


GRADIENTS: dict[str, Rule] = {
    **{f"grid_sampler_{dims}d_backward": sampling_backward for dims in (2, 3)},
    "_embedding_bag_backward": bag_backward,
    **dict.fromkeys(
        "mse_loss_backward smooth_l1_loss_backward huber_loss_backward "
        "binary_cross_entropy_backward soft_margin_loss_backward".split(),
        per_input_element(Kind.OTHER, 1),
    ),
    **dict.fromkeys(("nll_loss_backward", "nll_loss2d_backward"), per_input_element(Kind.OTHER, 2)),
    "convolution_backward": convolution_backward,
    **{f"avg_pool{d}d_backward": pool_backward for d in (2, 3)},
    **{f"_adaptive_avg_pool{d}d_backward": adaptive_pool_backward for d in (2, 3)},
    **{f"max_pool{d}d_with_indices_backward": max_pool_backward for d in (2, 3)},
    **{f"adaptive_max_pool{d}d_backward": max_pool_backward for d in (2, 3)},
    **{
        f"{name}_backward": interpolation_backward(pixels)
        for name, pixels in convention.INTERPOLATIONS.items()
    },
    **{
        f"_scaled_dot_product_{how}_backward": attention_backward
        for how in ("flash_attention", "flash_attention_for_cpu", "efficient_attention")
    },
    **dict.fromkeys(
        "native_batch_norm_backward cudnn_batch_norm_backward miopen_batch_norm_backward "
        "batch_norm_backward native_group_norm_backward native_layer_norm_backward "
        "_weight_norm_interface_backward".split(),
        per_output_element(Kind.NORMALISATION, convention.NORMALISATION),
    ),
    **dict.fromkeys(
        "threshold_backward hardtanh_backward leaky_relu_backward elu_backward gelu_backward "
        "silu_backward mish_backward hardswish_backward hardsigmoid_backward sigmoid_backward "
        "tanh_backward softplus_backward glu_backward log_sigmoid_backward hardshrink_backward "
        "softshrink_backward rrelu_with_noise_backward _prelu_kernel_backward "
        "_softmax_backward_data _log_softmax_backward_data".split(),
        per_output_element(Kind.ACTIVATION, convention.ACTIVATION),
    ),
    "native_dropout_backward": per_output_element(Kind.OTHER, convention.ARITHMETIC),
    **dict.fromkeys(
        "embedding_dense_backward slice_backward select_backward reflection_pad2d_backward "
        "replication_pad2d_backward upsample_nearest1d_backward upsample_nearest2d_backward "
        "upsample_nearest3d_backward unfold_backward".split(),
        per_output_element(Kind.OTHER, 0),
    ),
}
