"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnbench.cli.completion import complete_spec
from cnnbench.errors import ShapeError
from cnnbench.models.spec import Dtype, Shape, Spec, batched, parse_shape
from cnnbench.reports.emit import Format

Specs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL", help="Model specs: NAME or NAME@key=value,…", autocompletion=complete_spec
    ),
]
OneSpec = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model spec: NAME or NAME@key=value,…", autocompletion=complete_spec
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input", metavar="CxHxW", help="Input shape without the batch; default: the model's own."
    ),
]
Batch = Annotated[int, typer.Option("--batch", "-b", help="Images in one forward pass.")]
DtypeOption = Annotated[Dtype, typer.Option("--dtype", help="Of weights and activations.")]
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


def read_input(given: list[str] | None, batch: int, specs: list[Spec]) -> Shape | None:
    """Read --input; check it with --batch and the specs before anything heavy is imported."""
    if given and len(given) > 1:
        raise ShapeError(f"these networks take one input; --input is given {len(given)} times")
    shape = parse_shape(given[0]) if given else None
    for spec in specs:
        if shape is not None and "resolution=" in str(spec):
            raise ShapeError(f"{spec} has a resolution already; give it or --input, not both")
        batched(shape or spec.input_shape, batch)
    return shape
