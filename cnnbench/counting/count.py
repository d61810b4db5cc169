"""Count a model by its spec, or a network that stands before us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from cnnbench.counting.cost import Trace
from cnnbench.counting.tracing.trace import trace
from cnnbench.errors import InputError, ShapeError, SpecError, nearest
from cnnbench.models import arguments as args
from cnnbench.models import registry
from cnnbench.models.build import load, surroundings
from cnnbench.models.inputs import Dtype, Input, Shape
from cnnbench.models.spec import AnySpec, SourceSpec, Spec, parse


@dataclass(frozen=True)
class Pass:
    """A pass that has been counted: the network, what it was given, and its trace."""

    net: nn.Module
    arguments: args.Arguments
    trace: Trace


def count(
    model: str | AnySpec | nn.Module,
    input_shape: args.Inputs | None = None,
    *,
    batch: int = 1,
    dtype: str | None = None,
    train: bool = False,
) -> Trace:
    """Count the exact static cost of one evaluation pass; everything static is a view of it.

    `train` counts a training step instead: forward in training mode, and backward from every
    output to every trainable parameter, without a loss and an optimiser.

    `model` is a spec such as `resnet50`, or a module, which is left exactly as it was.
    `input_shape` has no batch: (3, 224, 224), or what --input takes, once or in a list:
    ["3x224x224", "mask:bool=224x224"]. A spec of ours has a default, a module needs one. `dtype`
    (float32 by default) is the spec's network's; a module keeps its own. CnnbenchError says in one
    line what is wrong.
    """
    if isinstance(model, nn.Module):
        if input_shape is None:
            raise InputError("count(module) needs an input shape: count(net, (3, 224, 224))")
        if dtype is not None:
            raise ShapeError("a module has a dtype already: convert it with net.to(dtype)")
        name = type(model).__name__
        return counted(model, None, name, input_shape, batch=batch, train=train).trace
    if not isinstance(model, (str, Spec, SourceSpec)):
        raise SpecError(f"cannot count a {type(model).__name__}; give a spec or a torch.nn.Module")
    spec = parse(model) if isinstance(model, str) else model
    wanted = None if dtype is None else read_dtype(dtype)
    with surroundings():
        net, carried = load(spec, shapes_only=True, dtype=wanted)
        return counted(net, carried, str(spec), input_shape, batch=batch, train=train).trace


def counted(
    net: nn.Module,
    carried: Shape | None,
    name: str,
    given: args.Inputs | None,
    *,
    batch: int,
    train: bool = False,
    real: bool = False,
) -> Pass:
    """Count `net` on the inputs `given`, else on the one that it carries.

    With `real` the arguments have values. InputError says that `name` cannot take them, and why.
    """
    if isinstance(net._modules, dict):  # a scripted network has another
        net = net._modules.get("_orig_mod") or net  # a compiled one's own
    inputs = args.read(given, carried, name)
    arguments = args.shapes_of(inputs, batch, args.real_dtype(net))
    net = args.without_lazy_layers(net, arguments, name)
    arguments = args.values_for(arguments) if real else arguments
    try:
        result = trace(net, arguments.positional, arguments.named, train=train)
    except InputError as error:
        shapes = " ".join(map(str, inputs))
        what = hint(name, inputs, batch, error) if given is not None or train else ""
        raise InputError(f"{name} cannot take {shapes}: {error}{what}") from error
    return Pass(net, arguments, result)


def read_dtype(name: str) -> torch.dtype:
    """`float16` -> torch.float16; ShapeError where it is no Dtype."""
    name = str(name).removeprefix("torch.")
    if name not in list(Dtype):
        raise ShapeError(f"unknown dtype {name!r}{nearest(name, Dtype)}; use {', '.join(Dtype)}")
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def hint(name: str, inputs: Sequence[Input], batch: int, error: InputError) -> str:
    """What to type instead, where that is known.

    A model of ours whose classifier fits one input side has an option to build another; batch norm
    has no statistics of a single value.
    """
    if batch == 1 and "more than 1 value per channel" in str(error):
        return "; give --batch 2"
    model = registry.MODELS_BY_NAME.get(name)
    sides = inputs[0].shape[1:]
    if model is None or len(sides) != 2 or len(set(sides)) != 1:
        return ""
    if model.option("resolution") is None or "(linear) expects" not in str(error):
        return ""
    return f"; {name}@resolution={sides[0]} is built for it"
