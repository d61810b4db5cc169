"""Options that several commands share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from cnnbench.cli.completion import complete_spec
from cnnbench.errors import ShapeError
from cnnbench.models.inputs import Dtype, Input, batched, parse_inputs
from cnnbench.models.spec import AnySpec, Spec
from cnnbench.reports.emit import Format

_SPEC = "NAME@key=value,… or package.module:NAME, path/file.py:NAME, timm:NAME, torchvision:NAME"
Specs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help=f"Model specs: {_SPEC}.",
        autocompletion=complete_spec,
    ),
]
OneSpec = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help=f"A model spec: {_SPEC}.",
        autocompletion=complete_spec,
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="SHAPE",
        help="Input shape without the batch: 3x224x224. Once an argument; NAME=SHAPE for a keyword,"
        " NAME:DTYPE=SHAPE for ids:int64=128. Default: the model's own.",
        show_default=False,
    ),
]
Batch = Annotated[int, typer.Option("--batch", "-b", help="Images in one forward pass.")]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(
        "--dtype",
        help="Of weights and activations; default: float32, or what your own network has.",
        show_default=False,
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        help="How to print; default: table, or what the suffix of --output says.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of stdout."),
]


Debug = Annotated[  # read by `run`, which meets the errors
    bool, typer.Option("--debug", help="Show the traceback of an error in a network's own code.")
]


def read_inputs(
    given: list[str] | None, batch: int, specs: Sequence[AnySpec]
) -> tuple[Input, ...] | None:
    """Read --input; check it with --batch and the specs before anything heavy is imported."""
    inputs = parse_inputs(given) if given else None
    for spec in specs:
        if inputs is None:
            batched(spec.input_shape if isinstance(spec, Spec) else (), batch)
            continue
        for item in inputs:
            batched(item.shape, batch)
        if isinstance(spec, Spec) and "resolution=" in str(spec):
            raise ShapeError(f"{spec} has a resolution already; give it or --input, not both")
        if isinstance(spec, Spec) and inputs[0].dtype:
            raise ShapeError(f"{spec} takes real numbers; give --dtype, and --input without one")
        if isinstance(spec, Spec) and len(inputs) > 1:
            raise ShapeError(f"{spec} takes one input; --input is given {len(inputs)} times")
    return inputs


@contextmanager
def their_code() -> Iterator[None]:
    """Run somebody else's network: what it prints goes to stderr, away from the data."""
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(output, 1)
        os.close(output)
