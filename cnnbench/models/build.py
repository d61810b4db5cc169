"""Networks from specs: `build` gives a trainable one, `outline` one that only has shapes."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch
from torch import nn

from cnnbench.errors import InputError, reason_of
from cnnbench.models.nesting import room
from cnnbench.models.sources import building as sources
from cnnbench.models.sources.source import Carried
from cnnbench.models.spec import AnySpec, Spec, parse
from cnnbench.models.zoo.chain import Chain, Piece, assemble
from cnnbench.models.zoo.layers import raw_parameters


def build(spec: str | AnySpec) -> nn.Module:
    """Build a trainable network in training mode with its paper's initialisation.

    SpecError where the spec is not a model's; InputError where its options leave no network;
    SourceError where somebody else's network cannot be imported or built.
    """
    return construct(spec)[0]


def outline(spec: str | AnySpec, dtype: torch.dtype | None = None) -> nn.Module:
    """Build the same network on the meta device: every shape, no memory, no values."""
    return construct(spec, shapes_only=True, dtype=dtype)[0]


def construct(
    spec: str | AnySpec, *, shapes_only: bool = False, dtype: torch.dtype | None = None
) -> tuple[nn.Module, Carried | None]:
    """Build a network; with it, the input shape that it is for, where it says so.

    With `shapes_only` it is on the meta device, unless it comes from a module or a file, whose code
    may need values. `dtype` is float32 by default, or what somebody else's network has.
    """
    spec = parse(spec) if isinstance(spec, str) else spec
    if not isinstance(spec, Spec):
        net, shape = sources.load(spec, shapes_only=shapes_only)
        return sources.converted(net, dtype), shape
    device = torch.device("meta") if shapes_only else torch.get_default_device()
    default = torch.float32 if shapes_only else torch.get_default_dtype()
    with _constructing(str(spec), device, dtype or default):
        net = _built(spec)
    if not shapes_only:
        with torch.no_grad():
            _file(spec).initialise(net)
    return net, spec.input_shape


def chain_of(spec: Spec) -> Chain:
    """What the network is made of, of a model that can be scaled; nothing is built."""
    chain: Chain = _file(spec).chain(spec.model.name, **dict(spec.options))
    return chain


def outline_piece(piece: Piece, dtype: torch.dtype) -> nn.Module:
    """Build a piece of a chain on the meta device."""
    with _constructing("a piece", torch.device("meta"), dtype):
        return piece.build()


@contextmanager
def surroundings() -> Iterator[None]:
    """Room for deep networks; undo what somebody else's module changes: default dtype, folder."""
    dtype, folder = torch.get_default_dtype(), os.getcwd()
    try:
        with room():
            yield
    finally:
        torch.set_default_dtype(dtype)
        os.chdir(folder)


@contextmanager
def _constructing(name: str, device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Within it, modules are built there with parameters of that dtype, uninitialised."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with raw_parameters(), device:
            yield
    except RuntimeError as error:  # a tensor larger than torch can describe, or than memory
        raise InputError(f"{name} is too large to build: {reason_of(error)}") from error
    finally:
        torch.set_default_dtype(before)


def _built(spec: Spec) -> nn.Module:
    """What its file builds: a chain, where it says no more."""
    file = _file(spec)
    if not hasattr(file, "build"):
        return assemble(chain_of(spec))
    net: nn.Module = file.build(spec.model.name, **dict(spec.options))
    return net


def _file(spec: Spec) -> ModuleType:
    return importlib.import_module(f"cnnbench.models.zoo.{spec.model.paper.module}")
