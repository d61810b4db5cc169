"""One pass over shapes alone, recording every operator that really runs.

The pass runs the network's own Python on the meta device under a dispatch mode: torch hands over
each operator before it computes, so nothing is computed from the input, and no parameter or buffer
is written. (What a forward computes from constants and weights alone is computed, since Python may
branch on it.)
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from cnnbench.counting.cost import Trace
from cnnbench.counting.rules import added
from cnnbench.counting.rules.shapes import SHAPES
from cnnbench.counting.tracing.ledger import Ledger
from cnnbench.counting.tracing.recorder import Recorder
from cnnbench.counting.tracing.restoring import evaluate, restored, without_values
from cnnbench.counting.tracing.running import gradients, outputs_of, paths, trainable
from cnnbench.counting.tracing.tensors import shape_only
from cnnbench.errors import InputError
from cnnbench.models.nesting import modules, room


def trace(
    net: nn.Module,
    inputs: Sequence[Tensor],
    named: Mapping[str, Tensor] | None = None,
    *,
    train: bool = False,
    shape_rules: bool = True,
    restore: bool = True,
) -> Trace:
    """Count one evaluation pass of `net` on the shapes of its inputs, leaving `net` as it was.

    `train` counts a training step instead: forward in training mode and backward from every output
    to every trainable parameter, without a loss and an optimiser. Training flags, hooks,
    attributes, parameters and buffers are the same afterwards, whatever its forward assigns or
    raises; InputError says at which layer it raised. Without `shape_rules` every output shape
    comes from torch's meta kernels: slower to start, equal in result. Without `restore` the network
    is left as the pass leaves it, which serves one that nobody else has.
    """
    added.load()
    undo = restored(net) if restore else nullcontext()
    with room(), _gradients(train), undo, paths(modules(net)) as running, uncompiled():
        if train:
            without_values(net)
        else:
            evaluate(net)
        arguments = [shape_only(tensor) for tensor in inputs]
        keywords = {name: shape_only(tensor) for name, tensor in (named or {}).items()}
        ledger = Ledger(net, [*arguments, *keywords.values()])
        recorder = Recorder(ledger, running, SHAPES if shape_rules else {})
        try:
            if train:
                net.train()  # as the network itself has it
            with recorder:
                kept = outputs_of(net(*arguments, **keywords))
                if not all(map(ledger.knows, kept)):
                    raise InputError("its output was computed in another thread, out of sight")
                if train:
                    recorder.backward = True
                    targets = trainable(kept)
                    torch.autograd.backward(targets, [torch.ones_like(t) for t in targets])
                    kept += gradients(net)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever a network's own code may raise
            raise InputError(recorder.failures.explained(error)) from error
        return ledger.result(kept)


@contextmanager
def _gradients(wanted: bool) -> Iterator[Any]:
    """Autograd on, or torch's leanest mode, in which operators arrive whole."""
    with torch.inference_mode(not wanted), torch.set_grad_enabled(wanted):
        yield


@contextmanager
def uncompiled() -> Iterator[None]:
    """Keep layers that are compiled from compiling our hooks and modes with them."""
    if "torch._dynamo" not in sys.modules:  # nothing is compiled; and importing it takes a second
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using `torch.compile")
        yield
