"""The convention table: what one output element of each operator costs beside MACs.

The one place that states it. A bias is where its accumulator starts and costs nothing; views,
copies, concatenation and padding move bytes and compute nothing; a pooling costs its window. What
is no operator of torch's is counted by those it is made of: a local response normalisation over n
channels comes to n + 5.
"""

from __future__ import annotations

from cnnbench.counting.cost import Kind

FOOTER = "FLOPs = 2 x MACs; elementwise per output: norm 2, activation/add 1, pool window"

# FLOPs per output element: normalisation is one scale and one shift.
NORMALISATION = 2
NORMALISATIONS = frozenset(
    "batch_norm layer_norm group_norm instance_norm rms_norm native_batch_norm native_layer_norm "
    "native_group_norm cudnn_batch_norm miopen_batch_norm "
    "_native_batch_norm_legit_no_training _native_batch_norm_legit _weight_norm_interface".split()
)

ACTIVATION = 1
ACTIVATIONS = frozenset(
    "relu relu6 leaky_relu prelu _prelu_kernel rrelu rrelu_with_noise elu selu celu gelu silu mish "
    "hardswish hardsigmoid hardtanh sigmoid log_sigmoid log_sigmoid_forward tanh softplus glu "
    "threshold softmax _softmax _safe_softmax log_softmax _log_softmax hardshrink "
    "softshrink".split()
)

ARITHMETIC = 1
ARITHMETICS = frozenset(
    "add sub rsub mul div neg abs pow square sqrt rsqrt reciprocal exp log sin cos erf floor ceil "
    "round sign sgn clamp clamp_min clamp_max maximum minimum where eq ne lt le gt ge lerp "
    "addcmul addcdiv masked_fill expm1 log1p exp2 log2 atan bitwise_not logical_not "
    "bitwise_and bitwise_or logical_and logical_or index_add remainder floor_divide fmod "
    "acos acosh angle asin asinh atan2 atanh bitwise_xor copysign cosh deg2rad rad2deg digamma "
    "erfc erfinv fmax fmin frac heaviside hypot isinf isnan isneginf isposinf ldexp lgamma log10 "
    "logaddexp logaddexp2 logical_xor logit nan_to_num polar sinc sinh signbit tan trunc xlogy "
    "quantize_per_tensor quantize_per_channel _fused_moving_avg_obs_fq_helper dequantize "
    "bucketize searchsorted "
    "fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask "
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams".split()
)

# One FLOP per input element.
REDUCTIONS = {
    "mean": Kind.POOLING,
    "sum": Kind.OTHER,
    "amax": Kind.OTHER,
    "amin": Kind.OTHER,
    "max": Kind.OTHER,
    "min": Kind.OTHER,
    "prod": Kind.OTHER,
    "var": Kind.OTHER,
    "std": Kind.OTHER,
    "var_mean": Kind.OTHER,
    "argmax": Kind.OTHER,
    "cumsum": Kind.OTHER,
    "linalg_vector_norm": Kind.OTHER,
    "logsumexp": Kind.OTHER,
    "argmin": Kind.OTHER,
    "any": Kind.OTHER,
    "all": Kind.OTHER,
    **dict.fromkeys(
        "aminmax count_nonzero cumprod cummax cummin logcumsumexp _logcumsumexp nansum median "
        "nanmedian mode kthvalue sort topk trace bincount histc equal _is_all_true _is_any_true "
        "unique_consecutive _unique2 _unique unique_dim nonzero multinomial "
        "linalg_norm".split(),
        Kind.OTHER,
    ),
    "norm": Kind.OTHER,
}

# Bytes are moved, nothing is computed.
MOVES = frozenset(
    "cat stack pad constant_pad_nd reflection_pad2d replication_pad2d clone copy _to_copy "
    "contiguous index_select index gather repeat roll flip embedding pixel_shuffle "
    "pixel_unshuffle channel_shuffle fill zero tril triu one_hot repeat_interleave "
    "resize slice_scatter select_scatter index_put scatter masked_select im2col col2im "
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d native_channel_shuffle "
    "_unsafe_index new_empty_strided zeros_like ones_like empty_like full_like rand_like "
    "randn_like new_zeros new_ones new_full new_empty bernoulli uniform normal random "
    "reflection_pad1d reflection_pad3d replication_pad1d replication_pad3d diag_embed index_copy "
    "index_fill masked_scatter take put rot90 max_unpool2d max_unpool3d exponential poisson "
    "_to_dense _to_sparse _coalesce complex _index_put_impl unfold_copy expand_copy randint_like "
    "as_strided_scatter diagonal_scatter _unsafe_masked_index _pack_padded_sequence "
    "_pad_packed_sequence _sparse_coo_tensor_with_dims_and_tensors".split()
)

# Interpolation: one FLOP for each pixel that an output pixel is made of.
INTERPOLATIONS = {
    "upsample_linear1d": 2,
    "upsample_bilinear2d": 4,
    "upsample_bicubic2d": 16,
    "upsample_trilinear3d": 8,
}

# Views that torch does not mark as such, in-place ones among them.
VIEWS = frozenset(
    "detach alias lift_fresh _unsafe_view unsafe_split unsafe_chunk "
    "transpose t squeeze unsqueeze swapaxes swapdims as_strided".split()
)

# In evaluation they hand their input on, unless told to drop all the same.
DROPOUTS = frozenset("dropout feature_dropout alpha_dropout feature_alpha_dropout".split())
