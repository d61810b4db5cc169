"""A network made ready to run on a device: built or copied, converted, fused, moved."""

from __future__ import annotations

import warnings
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn

from cnnbench.counting.count import read_dtype
from cnnbench.counting.tracing.running import outputs_of
from cnnbench.devices.device import Device
from cnnbench.errors import InputError, SpecError, reason_of
from cnnbench.models import arguments as args
from cnnbench.models.build import load, surroundings
from cnnbench.models.foreign import failing
from cnnbench.models.inputs import Input
from cnnbench.models.sources.building import converted
from cnnbench.models.spec import AnySpec, SourceSpec, Spec, parse
from cnnbench.timing.setting import Setting

Model = str | AnySpec | nn.Module


@dataclass(frozen=True)
class Network:
    """A network that nobody else holds, on its device, and the inputs it takes."""

    name: str
    net: nn.Module
    inputs: tuple[Input, ...]

    def arguments(self, batch: int, device: torch.device, seed: int) -> args.Arguments:
        """Random normal arguments of its dtype on the device, the same for the same seed."""
        shapes = args.shapes_of(self.inputs, batch, args.real_dtype(self.net))
        return args.values_for(shapes, seed).each(lambda x: x.to(device))


def ready(
    model: Model, given: args.Inputs | None, setting: Setting, device: Device, seed: int = 0
) -> Network:
    """Build or copy a network and convert it as the setting says, whose batch does not matter.

    InputError where it cannot be converted, fused, or moved to the device.
    """
    name = name_of(model)
    net, carried = _own(model, seed)
    inputs = args.read(given, carried, name)
    net = args.without_lazy_layers(net, args.shapes_of(inputs, 1, args.real_dtype(net)), name)
    net = converted(net, None if setting.dtype is None else read_dtype(setting.dtype))
    net.train(setting.train)
    network = Network(name, net, inputs)
    if setting.fuse:
        net = fused(network, seed)
    with failing(name, f"be moved to {device}"):
        net = net.to(device.torch)
        if setting.channels_last:
            net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Network(name, net, inputs)


def name_of(model: Model) -> str:
    """How the output calls it."""
    if isinstance(model, nn.Module):
        return type(model).__name__
    if not isinstance(model, (str, Spec, SourceSpec)):
        raise SpecError(f"cannot time a {type(model).__name__}; give a spec or a torch.nn.Module")
    return str(parse(model) if isinstance(model, str) else model)


def _own(model: Model, seed: int) -> tuple[nn.Module, tuple[int, ...] | None]:
    """A network with values that nobody else holds, the same for the same seed."""
    if isinstance(model, nn.Module):
        modules = model._modules if isinstance(model._modules, dict) else {}
        return _copied(modules.get("_orig_mod") or model, name_of(model)), None
    spec = parse(model) if isinstance(model, str) else model
    with surroundings(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not the GPU's, which is not forked
        net, carried = load(spec)
    return (_copied(net, str(spec)) if isinstance(spec, SourceSpec) else net), carried


def _copied(net: nn.Module, name: str) -> nn.Module:
    """A copy, since a module of the user's may hold it."""
    try:
        return deepcopy(net)
    except Exception as error:  # whatever it holds
        raise InputError(f"{name} cannot be copied: {reason_of(error)}") from error


def fused(network: Network, seed: int = 0) -> nn.Module:
    """Fold every batch norm into the convolution before it, as inference engines do.

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
