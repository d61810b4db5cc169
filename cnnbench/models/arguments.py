"""The arguments of a forward pass, from what a caller wrote to tensors that a network can take."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cnnbench.errors import InputError, NoInputError, reason_of
from cnnbench.models.examples import from_file, mapped, tensors
from cnnbench.models.given import Given, Inputs, read
from cnnbench.models.inputs import Input, batched, check_dtype


@dataclass(frozen=True)
class Arguments:
    """Positional and keyword arguments, batch first: tensors, what holds them, flags."""

    positional: list[Any]
    named: dict[str, Any]

    def each(self, convert: Callable[[Tensor], Tensor]) -> Arguments:
        """The same arguments, every tensor converted."""
        return Arguments(mapped(self.positional, convert), mapped(self.named, convert))

    @property
    def tensors(self) -> list[Tensor]:
        """Every tensor, in order."""
        return tensors([self.positional, self.named])

    def channels_last(self) -> Arguments:
        """The same arguments, images [N, C, H, W] as NHWC in memory."""
        last = torch.channels_last
        return self.each(lambda x: x.contiguous(memory_format=last) if x.dim() == 4 else x)


def completed(given: Given, carried: Inputs | None, name: str) -> Given:
    """It, with the input that the network carries; NoInputError where that is none."""
    if carried is None:
        raise NoInputError(
            f"{name} does not say what input it takes; give it: --input 3x224x224, or "
            "--example FILE.py:NAME"
        )
    return replace(given, inputs=read(carried, name).inputs)


def shapes_of(given: Given, batch: int, dtype: torch.dtype) -> Arguments:
    """Tensors without values, on the meta device; those of files have them."""
    given.check_batch(batch)
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for one in given.inputs:
        made = _made(one, batch, dtype, given.batched)
        if not one.name:
            positional.append(made)
            continue
        *outer, last = one.name.split(".")
        place = named
        for key in outer:
            place = place.setdefault(key, {})
        place[last] = made
    return Arguments(positional, {**named, **dict(given.flags)})


def _made(one: Input, batch: int, dtype: torch.dtype, with_batch: bool) -> Any:
    """What stands for one input: a tensor, or a list of them."""
    kind = getattr(torch, one.dtype) if one.dtype else dtype
    if one.file:
        value = from_file(one.file)
        value = value.to(dtype) if value.is_floating_point() else value
        return value.expand(batch, *value.shape).clone() if with_batch else value.clone()
    if one.items:  # the list is the batch
        shapes = [shape for _ in range(batch) for shape in one.items]
        for shape in one.items:
            batched(shape, batch)
        return [torch.empty(shape, dtype=kind, device="meta") for shape in shapes]
    batched(one.shape, batch)
    return torch.empty((batch, *one.shape) if with_batch else one.shape, dtype=kind, device="meta")


def values_for(arguments: Arguments, seed: int = 0) -> Arguments:
    """Real tensors of those shapes: normal numbers, or zeros where they are whole (indices)."""
    generator = torch.Generator().manual_seed(seed)

    def real(x: Tensor) -> Tensor:
        if not x.is_meta:
            return x.clone()
        if not x.is_floating_point():
            return torch.zeros(x.shape, dtype=x.dtype)
        return torch.randn(x.shape, generator=generator).to(x.dtype)

    return arguments.each(real)


def read_dtype(name: str) -> torch.dtype:
    """`float16` -> torch.float16; ShapeError where it is no Dtype."""
    dtype: torch.dtype = getattr(torch, check_dtype(name))
    return dtype


def real_dtype(net: nn.Module) -> torch.dtype:
    """The dtype of a network's first real parameter."""
    return next((p.dtype for p in net.parameters() if p.is_floating_point()), torch.float32)


def without_lazy_layers(
    net: nn.Module, arguments: Callable[[torch.dtype], Arguments], name: str
) -> nn.Module:
    """The network, or where it has lazy layers a copy that has really run once."""
    if not any(map(is_lazy, (*net.parameters(), *net.buffers()))):
        return net
    real = values_for(arguments(real_dtype(net)))
    try:
        net = deepcopy(net).eval()
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            net(*real.positional, **real.named)
    except Exception as error:  # whatever a network's own forward may raise
        reason = reason_of(error)
        raise InputError(f"{name} has lazy layers, which cannot take this: {reason}") from error
    return net
