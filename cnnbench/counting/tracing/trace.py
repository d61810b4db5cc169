"""One pass, over shapes alone where that can be, recording every operator that really runs.

The pass runs the network's own Python on the meta device under a dispatch mode: torch hands over
each operator before it computes, so nothing is computed from the input, and no parameter or buffer
is written. (What a forward computes from constants and weights alone is computed, since Python may
branch on it.) A network that asks for other values is counted on a real pass, if told to.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

import torch
from torch import Tensor, nn

from cnnbench.counting.cost import Trace
from cnnbench.counting.rules import added
from cnnbench.counting.rules.shapes import SHAPES, ShapeRule
from cnnbench.counting.tracing import higher
from cnnbench.counting.tracing.asked import (
    ValuesAsked,
    asks_for_gradients,
    asks_for_values,
    noticing,
)
from cnnbench.counting.tracing.computing import OnShapes, OnValues
from cnnbench.counting.tracing.constants import Constants
from cnnbench.counting.tracing.ledger import Ledger
from cnnbench.counting.tracing.recorder import Recorder
from cnnbench.counting.tracing.restoring import (
    evaluate,
    in_mode,
    restored,
    seed,
    undrawn,
    without_values,
)
from cnnbench.counting.tracing.running import gradients, outputs_of, paths, trainable
from cnnbench.counting.tracing.tensors import shape_only
from cnnbench.errors import InputError
from cnnbench.models.examples import mapped, tensors
from cnnbench.models.given import On
from cnnbench.models.nesting import modules, room


def trace(
    net: nn.Module,
    inputs: Sequence[Any],
    named: Mapping[str, Any] | None = None,
    *,
    train: bool = False,
    shape_rules: bool = True,
    restore: bool = True,
    values: bool = False,
    wary: bool = False,
) -> Trace:
    """Count one evaluation pass of `net` on the shapes of its inputs, leaving `net` as it was.

    `train` counts a training step instead: forward in training mode and backward from every output
    to every trainable parameter, without a loss and an optimiser. Training flags, hooks,
    attributes, parameters and buffers are the same afterwards, whatever its forward assigns or
    raises; InputError says at which layer it raised. Without `shape_rules` every output shape
    comes from torch's meta kernels: slower to start, equal in result. Without `restore` the network
    is left as the pass leaves it, which serves one that nobody else has.

    ValuesAsked where the network asks for values that do not follow from shapes and constants. With
    `values` the pass is a real one, on inputs that have them; what it writes is undone too. It is
    `wary` where another thread is known to compute.
    """
    added.load()
    higher.load()
    wanted = Wanted(inputs, named or {}, train, restore, SHAPES if shape_rules else {}, wary)
    if values:
        try:
            found = _seeded(net, wanted, How.VALUES)
        except InputError as error:
            if not asks_for_gradients(error) or train:
                raise
            found = _seeded(net, wanted, How.GRADIENTS)
        return replace(found, counted_on=On.VALUES)
    try:
        return _seeded(net, wanted, How.SHAPES)
    except ValuesAsked:
        return _seeded(net, wanted, How.CAREFULLY)


class How(Enum):
    """How outputs are found: of shapes, also of constants made on the input's device, or run.

    With GRADIENTS they are run so that the forward may take gradients of its own.
    """

    SHAPES = auto()
    CAREFULLY = auto()
    VALUES = auto()
    GRADIENTS = auto()

    @property
    def real(self) -> bool:
        """Whether operators are run."""
        return self in (How.VALUES, How.GRADIENTS)


@dataclass(frozen=True)
class Wanted:
    """What is asked of a pass, whichever way it is taken."""

    inputs: Sequence[Any]
    named: Mapping[str, Any]
    train: bool
    restore: bool
    rules: dict[str, ShapeRule]
    wary: bool = False

    def arguments(self, how: How) -> tuple[list[Any], dict[str, Any]]:
        """Its inputs: of the pass's own, which the network may write."""
        own = Tensor.clone if how.real else shape_only
        return mapped(list(self.inputs), own), mapped(dict(self.named), own)


def _seeded(net: nn.Module, wanted: Wanted, how: How) -> Trace:
    """One pass, and where it draws random numbers another, to see whether they decide its cost."""
    found, drawn = _traced(net, wanted, how, 0)
    if not drawn or not wanted.restore:
        return found
    try:
        other, _ = _traced(net, wanted, how, 1)
    except InputError:  # it takes a branch that fails
        return replace(found, random=True)
    return replace(found, random=other.operators != found.operators)


@room()
@undrawn()
def _traced(net: nn.Module, wanted: Wanted, how: How, number: int) -> tuple[Trace, bool]:
    """One pass from that seed, and whether it has drawn random numbers.

    ValuesAsked where it cannot be taken so, and another way may do.
    """
    train = wanted.train
    own, net = net, in_mode(net, train)
    undo = restored(net) if wanted.restore else nullcontext()
    with (
        _gradients(train, how),
        undo,
        paths(modules(net)) as running,
        uncompiled(),
        _slow_attention(),
        ExitStack() as stack,
    ):
        if train and not how.real:
            without_values(net)
        if not train and net is own:
            evaluate(net)
        drawn = seed(number)
        arguments, keywords = wanted.arguments(how)
        ledger = Ledger(net, tensors([arguments, keywords]))
        computing = stack.enter_context(closing(_computing(net, ledger, wanted, how)))
        recorder = Recorder(ledger, running, computing)
        try:
            if train:
                net.train()  # as the network itself has it
            if isinstance(computing, OnShapes):
                stack.enter_context(noticing(computing.note))
            with recorder, Constants() if how is How.CAREFULLY else nullcontext():
                outputs = outputs_of(net(*arguments, **keywords))
                if not computing.saw(outputs):
                    raise InputError("its output was computed in another thread, out of sight")
                if train:
                    recorder.backward = True
                    targets = trainable(outputs)
                    torch.autograd.backward(targets, [torch.ones_like(t) for t in targets])
            if computing.refused is not None:  # though its code has gone on
                raise computing.refused
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a network's own code may raise
            reason = recorder.failures.explained(error)
            if not how.real and asks_for_values(error):
                raise ValuesAsked(error, reason, ledger.live_bytes) from error
            raise InputError(reason) from error
        return ledger.result(outputs, gradients(net) if train else []), drawn()


def _computing(net: nn.Module, ledger: Ledger, wanted: Wanted, how: How) -> OnShapes | OnValues:
    if how.real:
        return OnValues(ledger, list(net.buffers()), wary=wanted.wary)
    return OnShapes(ledger, wanted.rules, careful=how is How.CAREFULLY)


@contextmanager
def _gradients(wanted: bool, how: How) -> Iterator[Any]:
    """Autograd on, or torch's leanest mode, in which operators arrive whole."""
    leanest = not wanted and how is not How.GRADIENTS
    with torch.inference_mode(leanest), torch.set_grad_enabled(not leanest):
        yield


@contextmanager
def _slow_attention() -> Iterator[None]:
    """Transformer layers as the operators that they are made of, not as torch's own fused one."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


@contextmanager
def uncompiled() -> Iterator[None]:
    """Keep layers that are compiled from compiling our hooks and modes with them."""
    if "torch._dynamo" not in sys.modules:  # nothing is compiled; and importing it takes a second
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using `torch.compile")
        yield
