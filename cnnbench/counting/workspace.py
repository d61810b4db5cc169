"""What a CPU's convolutions hold for themselves while they run, beside the activations.

oneDNN computes in a layout of its own, with channels in blocks of 16: it copies the input and the
weight into it, and the output out of it. torch's allocator holds these copies until the operator
returns. Of what is not in this layout already, torch's eager mode copies anew in every pass.
"""

from __future__ import annotations

import math

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.models.inputs import Shape

_BLOCK, _PLAIN = 16, 3  # channels of a block (AVX-512); images of so few are read as they are
_FLOAT32 = 4


def workspace_bytes(trace: Trace) -> int:
    """Bytes by which these copies raise the peak; of float32 convolutions over two dimensions.

    It follows from shapes alone, as torch's x86 builds have it with several threads (with one, they
    do not hand 1x1 kernels to oneDNN). What single kernels take in addition (1x1 with a stride, for
    each thread) is not in it. Another dtype's is not known, nor another runtime's: 0 of a file.
    """
    if trace.dtype != "float32" or trace.file:
        return 0
    held = max((op.live_bytes + _copies(op) for op in trace.operators), default=0)
    return max(0, held - trace.peak_activation_bytes)


def _copies(op: OpCost) -> int:
    """The most that a convolution holds beside all that is alive when it has its output."""
    if op.weight is None or len(op.kernel) != 2 or not op.inputs:
        return 0
    weight = _FLOAT32 * math.prod(op.weight)
    if not op.backward:
        if op.output[1:2] != op.weight[:1]:  # a transposed one
            return 0
        out, own = _size(op.output), _blocked(op.output)
        return max(own, _read(op.inputs[0]) + _packed(op) + own - out)
    if len(op.inputs) < 2:
        return 0
    gradient, x = op.inputs[:2]
    own = _read(x)
    of_weight = max(_blocked(gradient) + own + _packed(op) - weight, weight)
    if op.output != x:  # the input's gradient is not asked for
        return of_weight
    of_input = _blocked(gradient) + _packed(op) + own - _size(x) - weight
    return max(of_weight, of_input)


def _size(shape: Shape) -> int:
    return _FLOAT32 * math.prod(shape)


def _read(image: Shape) -> int:
    """Bytes of the copy that an input is read from, none where it is read as it is."""
    return 0 if image[1] <= _PLAIN else _blocked(image)


def _blocked(image: Shape) -> int:
    """Bytes of a map [N, C, H, W] whose channels are in whole blocks."""
    return _FLOAT32 * image[0] * _whole(image[1]) * math.prod(image[2:])


def _packed(op: OpCost) -> int:
    """Bytes of a weight [K, C/g, h, w] in blocks of both channels, or of its groups."""
    filters, channels, *kernel = op.weight or ()
    if channels > _PLAIN:
        channels = _whole(channels)
    return _FLOAT32 * _whole(filters) * channels * math.prod(kernel)


def _whole(channels: int) -> int:
    return -(-channels // _BLOCK) * _BLOCK
