"""Networks written to files, and what their files must count."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnnbench.counting.cost import Trace
from cnnbench.counting.network import count_network
from cnnbench.models.network import load

# Operators of torch's that an exporter folds into the convolution in front of them.
_NORM, _PRODUCTS = "batch_norm", ("conv2d", "conv1d", "conv3d")


@dataclass(frozen=True)
class Exported:
    """A network's own count, and the parameters that its file must have."""

    trace: Trace
    file: Path
    params: int


def exported(model: Any, folder: Path, given: Any = None, *, old: bool = False) -> Exported:
    """Write a network to a file of ONNX, with random parameters, of which no two are equal."""
    torch.manual_seed(0)
    network = load(model, given)
    net = network.net.eval()
    trace = count_network(network)
    different(net)
    file = folder / f"{network.name.replace(':', '_').replace('/', '_')[:60]}.onnx"
    arguments = network.arguments(1, torch.device("cpu"))
    written(net, arguments.positional, arguments.named, file, old=old)
    return Exported(trace, file, params_of(net, trace))


def written(
    net: nn.Module, inputs: Sequence[Any], named: Any, file: Path, *, old: bool = False
) -> None:
    """Export it, whatever the exporter says meanwhile."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            tuple(inputs),
            str(file),
            kwargs=dict(named) or None,
            dynamo=not old,
            verbose=False,
            external_data=False,
        )


def different(net: nn.Module) -> None:
    """Exporters store equal tensors once, as those are that initialise a network."""
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            if tensor.is_floating_point() and tensor.dim():
                tensor.uniform_(0.5, 1.5)


def params_of(net: nn.Module, trace: Trace) -> int:
    """Parameters of the file: batch norm's scale goes where it is folded, a shift becomes a bias.

    Buffers of real numbers look like parameters there, but batch norm's own statistics.
    """
    modules = dict(net.named_modules())
    found = trace.total.params - trace.idle_params
    for before, op in zip(trace.operators, trace.operators[1:], strict=False):
        if op.operator == _NORM and before.operator in _PRODUCTS and op.inputs[0] == before.output:
            channels = op.output[1]
            biased = getattr(modules[before.path], "bias", None) is not None
            found -= channels * (1 + biased) if op.cost.params else 0
    for name, buffer in net.named_buffers():
        own = name.rpartition(".")[2] in ("running_mean", "running_var", "num_batches_tracked")
        found += buffer.numel() if buffer.is_floating_point() and buffer.dim() and not own else 0
    return found
