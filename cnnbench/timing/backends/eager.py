"""`eager`: the network as PyTorch runs it, an operator after the other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from cnnbench.counting.tracing.running import outputs_of, trainable
from cnnbench.devices.clocks import Run
from cnnbench.devices.device import Device
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.setting import Setting


def check(setting: Setting, device: Device) -> None:
    """Nothing: it runs whatever can be run."""


def prepare(network: Network, setting: Setting, given: Arguments) -> Run:
    """The forward pass, or the training step."""
    run = passing(network.net, network.net, setting, given)
    run()
    return run


def passing(
    called: Callable[..., object], net: nn.Module, setting: Setting, given: Arguments
) -> Run:
    """One call of a network, or in training a step: forward, and backward from every output.

    `called` is the network, or what stands for it. A step has no loss and no optimiser.
    """
    positional, named = given.positional, given.named
    if not setting.train:
        return lambda: called(*positional, **named)
    parameters = [p for p in net.parameters() if p.requires_grad]

    def step() -> None:
        for parameter in parameters:
            parameter.grad = None
        targets = trainable(outputs_of(called(*positional, **named)))
        torch.autograd.backward(targets, [torch.ones_like(t) for t in targets])

    return step
