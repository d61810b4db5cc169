"""A network found once: built, or copied where somebody else holds it, with the inputs it takes.

Counting, timing and auditing start from there.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn

from cnnbench import units
from cnnbench.errors import CnnbenchError, InputError, SpecError, reason_of
from cnnbench.models import arguments as args
from cnnbench.models import examples, lookup
from cnnbench.models.arguments import Arguments
from cnnbench.models.build import construct, surroundings
from cnnbench.models.examples import Example
from cnnbench.models.given import Given, Inputs, read
from cnnbench.models.inputs import Input
from cnnbench.models.sources.building import converted
from cnnbench.models.spec import AnySpec, SourceSpec, Spec, parse

_NO_GPU = re.compile(r"not compiled with CUDA|NVIDIA driver|no CUDA GPUs|HIP GPUs")
_OTHER_FORM = re.compile(
    r"argument|unpack|subscript|indices|has no attribute|not iterable|takes \d|dimension|KeyError"
)

Model = str | AnySpec | nn.Module


@dataclass(frozen=True)
class Network:
    """A network and the inputs it takes; `asked` tells whether a user chose them.

    `by_name` tells whether its name finds it again, in another process; `values` is False of one
    that was built to be counted alone.
    """

    name: str
    net: nn.Module
    given: Given
    asked: bool = True
    by_name: bool = False
    values: bool = True
    example: Example | None = None

    @property
    def inputs(self) -> tuple[Input, ...]:
        """Shapes that it takes; none where an example says it."""
        return self.given.inputs

    @property
    def is_real(self) -> bool:
        """Whether its weights have values."""
        return self.values and not any(p.is_meta for p in self.net.parameters())

    @property
    def dtype(self) -> torch.dtype:
        """What its weights are."""
        return args.real_dtype(self.net)

    def shapes(self, batch: int) -> Arguments:
        """Arguments without values, on the meta device."""
        return arguments_of(self.given, self.example, batch, self.dtype)

    def arguments(self, batch: int, device: torch.device, seed: int = 0) -> Arguments:
        """Random normal arguments of its dtype on the device, the same for the same seed."""
        return args.values_for(self.shapes(batch), seed).each(lambda x: x.to(device))

    def refusal(self, error: InputError, batch: int, *, train: bool = False) -> InputError:
        """The error that says that it cannot take its inputs, and what to type where known."""
        hint = _hint(self.name, self.inputs, batch, error) or self._passing(error, batch)
        return InputError(f"{self.name} cannot take {self.given or 'its example'}: {error}{hint}")

    def _passing(self, error: InputError, batch: int) -> str:
        """What was passed, and which option passes something else, where that may be the matter."""
        if not _OTHER_FORM.search(str(error)):
            return ""
        try:
            passed = self.shapes(batch)
        except CnnbenchError:
            return ""
        shapes = ", ".join(units.shape(tuple(x.shape)) for x in passed.tensors)
        return (
            f"; it was passed {shapes}: --input NAME={units.shape((3, 8, 8))} names an argument, "
            "--no-batch leaves the batch out, --example FILE.py:NAME passes anything"
        )


def load(
    model: Model,
    given: Inputs | None = None,
    *,
    dtype: str | None = None,
    values: bool = True,
    own: bool = True,
    seed: int = 0,
) -> Network:
    """A network, with values that are the same for the same seed; where `own`, nobody else's.

    Without `values` it is for counting alone: on the meta device where that can be, and not copied.
    Lazy layers have run once. CnnbenchError says in one line what cannot be found, built or copied.
    """
    name, wanted = name_of(model), None if dtype is None else args.read_dtype(dtype)
    model = parse(model) if isinstance(model, str) else model
    if isinstance(model, nn.Module):
        net, carried = _unwrapped(model), None
    else:
        net, carried = _built(model, wanted, values, seed)
    if values and own and not isinstance(model, Spec) and not _is_file(model):  # others may hold it
        net = copied(net, name)
    taken, example = read(given, name), None
    if taken.example:
        example = examples.named(taken.example)
    elif not taken.inputs:
        example = examples.carried(net) if carried is None else None
        taken = taken if example else args.completed(taken, carried, name)
    net = args.without_lazy_layers(net, lambda dtype: arguments_of(taken, example, 1, dtype), name)
    by_name = not isinstance(model, nn.Module)
    real = values or not isinstance(model, Spec)
    net = converted(net, wanted)
    return Network(name, net, taken, given is not None, by_name, real, example)


def _is_file(model: SourceSpec | nn.Module) -> bool:
    """Whether it is read from a file each time."""
    return isinstance(model, SourceSpec) and bool(model.source) and not model.name


def arguments_of(
    given: Given, example: Example | None, batch: int, dtype: torch.dtype
) -> Arguments:
    """Arguments as given, of an example its own values; real numbers are of the dtype."""
    if example is None:
        return args.shapes_of(given, batch, dtype)
    positional, named = example(batch)
    made = Arguments(positional, {**named, **dict(given.flags)})
    return made.each(lambda x: x.to(dtype) if x.is_floating_point() else x)


def name_of(model: Model) -> str:
    """How the output calls it."""
    if isinstance(model, nn.Module):
        return type(model).__name__
    if not isinstance(model, (str, Spec, SourceSpec)):
        raise SpecError(f"{type(model).__name__} is no model; give a spec or a torch.nn.Module")
    return str(parse(model) if isinstance(model, str) else model)


def _unwrapped(net: nn.Module) -> nn.Module:
    """The network that a compiled one wraps, or itself; a scripted one has other modules."""
    modules = net._modules if isinstance(net._modules, dict) else {}
    return modules.get("_orig_mod") or net


def _built(
    spec: AnySpec, dtype: torch.dtype | None, values: bool, seed: int
) -> tuple[nn.Module, Inputs | None]:
    with surroundings(), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # not the GPU's, which is not forked
        if values:
            net, carried = construct(spec)
        else:  # somebody else's may be counted on its values all the same
            net, carried = construct(spec, shapes_only=True, dtype=dtype)
    return _unwrapped(net), carried


def copied(net: nn.Module, name: str) -> nn.Module:
    """A copy that nobody else holds; InputError where it cannot be copied."""
    try:
        return deepcopy(net)
    except Exception as error:  # whatever it holds
        raise InputError(f"{name} cannot be copied: {reason_of(error)}") from error


def _hint(name: str, inputs: tuple[Input, ...], batch: int, error: InputError) -> str:
    """What to type instead, where that is known.

    A model of ours whose classifier fits one input side has an option to build another; batch norm
    has no statistics of a single value; a forward may name a device that is not there.
    """
    if batch == 1 and "more than 1 value per channel" in str(error):
        return "; give --batch 2"
    if _NO_GPU.search(str(error)):
        return "; its forward asks for a GPU by name; make it ask for x.device"
    model = lookup.MODELS_BY_NAME.get(name)
    sides = inputs[0].shape[1:] if inputs else ()
    if model is None or len(sides) != 2 or len(set(sides)) != 1:
        return ""
    if model.option("resolution") is None or "(linear) expects" not in str(error):
        return ""
    return f"; {name}@resolution={sides[0]} is built for it"
