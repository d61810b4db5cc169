"""A network written to a file: a graph of ONNX, or a program of torch.export."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from cnnbench import files
from cnnbench.errors import MissingError, SourceError, reason_of
from cnnbench.models.arguments import Arguments
from cnnbench.models.foreign import quiet
from cnnbench.models.network import Network

_SAMPLE = 2  # images that it is traced with, where the batch is left open: 1 would be built in
_EXPORTER = ("onnx", "onnxscript")  # what torch writes ONNX with


def write(network: Network, file: Path, batch: int | None = None) -> None:
    """Write it as it evaluates, with that batch built in; without one the batch is left open.

    The file appears whole or not at all. MissingError says what to install, SourceError why it
    cannot be exported so.
    """
    if file.suffix == ".onnx":
        for name in _EXPORTER:
            if find_spec(name) is None:
                raise MissingError(f"{name} is not installed; type: pip install 'cnnbench[onnx]'")
    given = network.arguments(_SAMPLE if batch is None else batch, torch.device("cpu"))
    if batch is None and not (network.given.batched and _plain(given)):
        raise SourceError(f"{network.name} takes more than tensors with a batch")
    with quiet(), tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"net{file.suffix}"
        written(network.name, network.net.eval(), given, target, dynamic=batch is None)
        files.write(file, target.read_bytes())


def _plain(given: Arguments) -> bool:
    """Whether it is nothing but tensors by position."""
    return not given.named and all(
        isinstance(one, torch.Tensor) and one.dim() for one in given.positional
    )


def written(
    name: str, net: torch.nn.Module, given: Arguments, file: Path, *, dynamic: bool
) -> None:
    """Write a network as a file's suffix says, the batch left open where it is `dynamic`.

    It has no traces of who called what, which hold this machine's paths. SourceError says why it
    cannot be exported so.
    """
    batch = torch.export.Dim("batch")
    shapes: Any = tuple({0: batch} for _ in given.positional) if dynamic else None
    inputs = tuple(given.positional)
    try:
        if file.suffix == ".pt2":
            made = torch.export.export(net, inputs, given.named or None, dynamic_shapes=shapes)
            for part in made.graph_module.modules():  # a cond's branches are parts
                for node in part.graph.nodes if isinstance(part, torch.fx.GraphModule) else ():
                    node.meta.pop("stack_trace", None)
            torch.export.save(made, file)
            return
        program = torch.onnx.export(
            net,
            inputs,
            kwargs=given.named or None,
            dynamo=True,
            verbose=False,
            dynamic_shapes=shapes,
        )
        assert program is not None
        for node in program.model.graph.all_nodes():
            node.metadata_props.pop("pkg.torch.onnx.stack_trace", None)
        program.save(file, external_data=False)
    except Exception as error:  # whatever an exporter cannot follow
        raise SourceError(f"{name} cannot be exported: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """What its first cause says: exporters wrap it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return reason_of(error)
