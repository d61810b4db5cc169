"""Batch norm folded into the convolution before it, as inference engines do."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from cnnbench.counting.tracing.running import outputs_of
from cnnbench.errors import InputError, reason_of
from cnnbench.models.network import Network


def fused(network: Network, seed: int = 0) -> nn.Module:
    """The network with every batch norm folded.

    InputError where the forward cannot be followed, or the fused network computes something else.
    """
    from torch.fx.experimental import optimization

    name, net = network.name, network.net.cpu()
    given = network.arguments(1, torch.device("cpu"), seed)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            done: nn.Module = optimization.fuse(net)
            before = net(*given.positional, **given.named)
            after = done(*given.positional, **given.named)
    except Exception as error:  # whatever its forward does that cannot be followed
        raise InputError(f"--fuse cannot follow {name}'s forward: {reason_of(error)}") from error
    if not _close(before, after):
        raise InputError(f"--fuse changes what {name} computes; it cannot be fused")
    return done


def _close(before: object, after: object) -> bool:
    """Whether two outputs agree within a hundredth of the largest number in them."""
    pairs = list(zip(outputs_of(before), outputs_of(after), strict=True))
    return all(
        bool(((a - b).abs() <= 1e-2 * a.abs().max()).all())
        for a, b in pairs
        if a.is_floating_point() and a.numel() and bool(a.isfinite().all())
    )
