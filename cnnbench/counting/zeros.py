"""How many of a network's weights are zero, which a dense layer multiplies all the same."""

from __future__ import annotations

from torch import Tensor, nn

from cnnbench.counting.tracing.tensors import is_plain

# Of larger weights one element in so many is looked at first: odd, so that no pattern hides.
_LARGE, _SAMPLED = 2**16, 499


def zero_params(net: nn.Module) -> int:
    """Elements of kernels and matrices that are zero, or masked by `torch.nn.utils.prune`.

    0 where weights have no values. A bias, or a weight of normalisation, may begin as zero, so
    these are not looked at. Of a large weight without zeros in a sample none are counted.
    """
    buffers = dict(net.named_buffers())
    found = 0
    for name, parameter in net.named_parameters():
        mask = buffers.get(name.removesuffix("_orig") + "_mask") if name.endswith("_orig") else None
        weight = parameter.detach() if mask is None else mask
        if weight.dim() > 1 and not weight.is_meta and weight.is_floating_point():
            found += _zeros(weight)
    return found


def _zeros(weight: Tensor) -> int:
    if not is_plain(weight):
        return 0
    if weight.numel() > _LARGE and weight.is_contiguous() and weight.view(-1)[::_SAMPLED].all():
        return 0
    return weight.numel() - int(weight.count_nonzero())
