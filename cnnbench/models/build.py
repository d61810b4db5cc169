"""From a spec to a network: `build` gives a trainable one, `outline` one that only has shapes."""

from __future__ import annotations

import importlib
from types import ModuleType

import torch
from torch import nn

from cnnbench.errors import InputError
from cnnbench.models.layers import raw_parameters
from cnnbench.models.spec import Spec, parse


def build(spec: str | Spec) -> nn.Module:
    """Build a trainable network in training mode with its paper's initialisation.

    SpecError where the spec is not a model's; InputError where its options leave no network.
    """
    spec = parse(spec) if isinstance(spec, str) else spec
    net = _construct(spec, torch.get_default_device())
    with torch.no_grad():
        _file(spec).initialise(net)
    return net


def outline(spec: str | Spec, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Build the same network on the meta device: every shape, no memory, no values."""
    spec = parse(spec) if isinstance(spec, str) else spec
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return _construct(spec, torch.device("meta"))
    finally:
        torch.set_default_dtype(before)


def _construct(spec: Spec, device: torch.device) -> nn.Module:
    with raw_parameters(), device:
        try:
            net: nn.Module = _file(spec).build(spec.model.name, **dict(spec.options))
        except RuntimeError as error:  # a tensor larger than torch can describe, or than memory
            reason = str(error).splitlines()[0]
            raise InputError(f"{spec} is too large to build: {reason}") from error
    return net


def _file(spec: Spec) -> ModuleType:
    return importlib.import_module(f"cnnbench.models.{spec.model.paper.module}")
