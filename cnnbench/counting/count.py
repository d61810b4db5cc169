"""Count a model by its spec, or a network that stands before us."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from cnnbench import units
from cnnbench.counting.cost import Trace
from cnnbench.counting.trace import trace
from cnnbench.errors import InputError, ShapeError, SpecError, nearest
from cnnbench.models.build import outline
from cnnbench.models.spec import Dtype, Shape, Spec, batched, parse


def count(
    model: str | Spec | nn.Module,
    input_shape: Sequence[int] | None = None,
    *,
    batch: int = 1,
    dtype: str | None = None,
) -> Trace:
    """Count the exact static cost of one evaluation pass; everything static is a view of it.

    `model` is a spec such as `resnet50`, or a module, which is left exactly as it was.
    `input_shape` has no batch: (3, 224, 224); a spec has a default, a module needs one. `dtype`
    (float32 by default) is the spec's network's; a module keeps its own. SpecError, ShapeError
    and InputError say in one line what is wrong.
    """
    if isinstance(model, nn.Module):
        net, name = getattr(model, "_orig_mod", model), type(model).__name__  # a compiled one's own
        if input_shape is None:
            raise InputError("count(module) needs an input shape: count(net, (3, 224, 224))")
        if dtype is not None:
            raise ShapeError("a module has a dtype already: convert it with net.to(dtype)")
        if any(map(is_lazy, (*net.parameters(), *net.buffers()))):
            raise InputError(f"{name} has lazy layers: run it once, then count it")
        torch_dtype = next((p.dtype for p in net.parameters()), torch.float32)
    elif isinstance(model, (str, Spec)):
        spec = parse(model) if isinstance(model, str) else model
        torch_dtype = read_dtype(dtype or "float32")
        input_shape = spec.input_shape if input_shape is None else input_shape
        net, name = outline(spec, torch_dtype), str(spec)
    else:
        raise SpecError(f"cannot count a {type(model).__name__}; give a spec or a torch.nn.Module")
    given: Shape = batched(tuple(input_shape), batch)
    try:
        return trace(net, [torch.empty(given, dtype=torch_dtype, device="meta")])
    except InputError as error:
        raise InputError(f"{name} cannot take {units.shape(given[1:])}: {error}") from error


def read_dtype(name: str) -> torch.dtype:
    """`float16` -> torch.float16; ShapeError where it is no Dtype."""
    name = str(name).removeprefix("torch.")
    if name not in list(Dtype):
        raise ShapeError(f"unknown dtype {name!r}{nearest(name, Dtype)}; use {', '.join(Dtype)}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype
