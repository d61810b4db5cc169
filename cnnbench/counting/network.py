"""Count a network of torch's: found by its spec, or one that stands before us."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from cnnbench import units
from cnnbench.counting.cost import Trace
from cnnbench.counting.tracing.asked import ValuesAsked
from cnnbench.counting.tracing.ledger import OUT_OF_SIGHT
from cnnbench.counting.tracing.trace import trace
from cnnbench.counting.zeros import zero_params
from cnnbench.devices.device import find_device
from cnnbench.errors import InputError, MemoryShortage, ShapeError
from cnnbench.models.build import surroundings
from cnnbench.models.given import Inputs, On
from cnnbench.models.network import Model, Network, copied, load


def count_model(
    model: Model,
    given: Inputs | None,
    *,
    batch: int = 1,
    dtype: str | None = None,
    train: bool = False,
    values: bool = False,
    seed: int = 0,
) -> tuple[Network, Trace]:
    """The network beside its trace, with `values` one that can run; the rest as for `count`."""
    if isinstance(model, nn.Module) and given is None:
        raise InputError("count(module) needs an input shape: count(net, (3, 224, 224))")
    if isinstance(model, nn.Module) and dtype is not None:
        raise ShapeError("a module has a dtype already: convert it with net.to(dtype)")
    with surroundings():
        network = load(model, given, dtype=dtype, values=values, seed=seed)
        return network, count_network(network, batch, train=train, seed=seed)


def count_network(
    network: Network,
    batch: int = 1,
    *,
    train: bool = False,
    channels_last: bool = False,
    seed: int = 0,
) -> Trace:
    """Count a pass of a network, which is left as it was.

    On shapes, and where it asks for values on random normal ones, in a real pass on the CPU.
    InputError says that it cannot take its inputs, and why; MemoryShortage that values do not fit.
    """
    given = network.shapes(batch)
    given = given.channels_last() if channels_last else given
    try:
        try:
            if network.given.on is On.VALUES:
                raise ValuesAsked(InputError(""), "", 0)
            alone = not network.values and not train  # it was built for this, by ourselves
            found = trace(
                network.net, given.positional, given.named, train=train, restore=not alone
            )
        except ValuesAsked as asked:
            if network.given.on is On.SHAPES:
                raise
            real = _with_values(network, asked, seed)
            given = real.arguments(batch, torch.device("cpu"), seed)
            given = given.channels_last() if channels_last else given
            wary = OUT_OF_SIGHT in str(asked)
            found = trace(
                real.net, given.positional, given.named, train=train, values=True, wary=wary
            )
            found = replace(found, values_asked_at=asked.place)
    except InputError as error:
        raise network.refusal(error, batch, train=train) from error
    return replace(found, zero_params=zeros) if (zeros := zero_params(network.net)) else found


def _with_values(network: Network, asked: ValuesAsked, seed: int) -> Network:
    """The network on the CPU with its weights; MemoryShortage where a pass does not fit."""
    weights = sum(p.numel() * p.element_size() for p in network.net.parameters())
    placed = network.is_real and all(p.device.type == "cpu" for p in network.net.parameters())
    needed, free = asked.live_bytes + (0 if placed else weights), find_device("cpu").free_bytes()
    if free is not None and needed > free:
        raise MemoryShortage(
            f"{network.name} is to be counted on values, as {asked.place or '--on-values'} asks "
            f"for them, and takes at least {units.size(needed)}; there are {units.size(free)} free"
        )
    if placed:
        return network
    if network.is_real:
        return replace(network, net=copied(network.net, network.name).cpu())
    given = network.given if network.asked else None
    return load(network.name, given, dtype=str(network.dtype), own=False, seed=seed)
