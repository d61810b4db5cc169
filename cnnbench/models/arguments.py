"""The arguments of a forward pass, from what a caller wrote to tensors that a network can take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from operator import index

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cnnbench.errors import InputError, NoInputError, ShapeError, reason_of
from cnnbench.models.inputs import Input, Shape, batched, check_dtype, checked, parse_input

Inputs = str | Sequence[int] | Sequence[str | Input]


@dataclass(frozen=True)
class Arguments:
    """Positional and keyword arguments, batch first."""

    positional: list[Tensor]
    named: dict[str, Tensor]

    def each(self, convert: Callable[[Tensor], Tensor]) -> Arguments:
        """The same arguments, every tensor converted."""
        return Arguments(
            [convert(x) for x in self.positional],
            {name: convert(x) for name, x in self.named.items()},
        )

    def channels_last(self) -> Arguments:
        """The same arguments, images [N, C, H, W] as NHWC in memory."""
        last = torch.channels_last
        return self.each(lambda x: x.contiguous(memory_format=last) if x.dim() == 4 else x)


def read(given: Inputs | None, carried: Shape | None, name: str) -> tuple[Input, ...]:
    """What a caller wrote, else what the network carries; InputError where neither is."""
    if given is None and carried is None:
        raise NoInputError(f"{name} does not say what input it takes; give it: --input 3x224x224")
    if given is None:
        given = carried
    if isinstance(given, str):
        return (parse_input(given),)
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise ShapeError(f"{given!r} is no input shape; write (3, 224, 224) or '3x224x224'")
    items = list(given)
    if not items:
        raise InputError(f"{name} needs an input; an empty list is none")
    if all(isinstance(item, (str, Input)) for item in items):
        parsed = (parse_input(item) if isinstance(item, str) else item for item in items)
        return checked(tuple(parsed))  # type: ignore[arg-type]
    try:
        return (Input(tuple(map(index, items))),)  # type: ignore[arg-type]
    except TypeError as error:
        raise ShapeError(f"sides are whole numbers, which {tuple(items)} are not") from error


def shapes_of(inputs: Sequence[Input], batch: int, dtype: torch.dtype) -> Arguments:
    """Tensors without values, on the meta device."""
    made = [
        torch.empty(
            batched(given.shape, batch),
            dtype=getattr(torch, given.dtype) if given.dtype else dtype,
            device="meta",
        )
        for given in inputs
    ]
    both = list(zip(inputs, made, strict=True))
    return Arguments(
        [tensor for given, tensor in both if not given.name],
        {given.name: tensor for given, tensor in both if given.name},
    )


def values_for(arguments: Arguments, seed: int = 0) -> Arguments:
    """Real tensors of those shapes: normal numbers, or zeros where they are whole (indices)."""
    generator = torch.Generator().manual_seed(seed)

    def real(x: Tensor) -> Tensor:
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


def without_lazy_layers(net: nn.Module, arguments: Arguments, name: str) -> nn.Module:
    """The network, or where it has lazy layers a copy that has really run once."""
    if not any(map(is_lazy, (*net.parameters(), *net.buffers()))):
        return net
    real = values_for(arguments)
    try:
        net = deepcopy(net).eval()
        with torch.no_grad():
            net(*real.positional, **real.named)
    except Exception as error:  # whatever a network's own forward may raise
        reason = reason_of(error)
        raise InputError(f"{name} has lazy layers, which cannot take this: {reason}") from error
    return net
