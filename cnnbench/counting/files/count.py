"""Count a file's graph by its path."""

from __future__ import annotations

from pathlib import Path

from cnnbench.counting.cost import Trace
from cnnbench.counting.files import format_of
from cnnbench.counting.files.passes import trace_of
from cnnbench.errors import CnnbenchError, InputError, ShapeError, SourceError, reason_of
from cnnbench.models.given import Given, Inputs, read
from cnnbench.models.sources.source import file_in
from cnnbench.models.spec import SourceSpec


def count_file(
    spec: SourceSpec,
    inputs: Inputs | None = None,
    *,
    batch: int = 1,
    dtype: str | None = None,
    train: bool = False,
) -> Trace:
    """Count one pass through a file's graph, which runs none of it and reads no weights.

    SourceError says what the file is instead, ShapeError or InputError what it can be given.
    """
    path, given = file_in(spec), read(inputs, str(spec))
    if train:
        raise SourceError(f"{path} has a forward pass alone; leave --train out")
    if dtype is not None:
        raise ShapeError(f"{path} has a dtype of its own; leave --dtype out")
    check_given(path, given, batch)
    try:
        return trace_of(format_of(spec).read(path, given, batch), path.suffix[1:].lower())
    except CnnbenchError:
        raise
    except Exception as error:  # a broken file may break any rule of its format
        raise SourceError(f"{path} is broken: {reason_of(error)}") from error


def check_given(path: Path, given: Given, batch: int) -> None:
    """InputError or ShapeError for what a graph cannot be given: it takes shapes, and numbers."""
    if given.example or given.on is not None:
        raise InputError(
            f"{path} is read and not run; give it shapes alone, without --example, --on-values or "
            "--on-shapes"
        )
    if any(one.file or one.items for one in given.inputs):
        raise ShapeError(f"{path} takes shapes alone: --input 3x224x224, or NAME=3x224x224")
    given.check_batch(batch)
