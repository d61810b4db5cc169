"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnbench.cli.completion import complete_spec
from cnnbench.models.spec import Shape, batched, parse_shape
from cnnbench.reports.emit import Format

Specs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL…", help="Model specs: NAME or NAME@key=value,…", autocompletion=complete_spec
    ),
]
OneSpec = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model spec: NAME or NAME@key=value,…", autocompletion=complete_spec
    ),
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="CxHxW", help="Input shape without the batch; default: the model's own."
    ),
]
Batch = Annotated[int, typer.Option("--batch", "-b", help="Images in one forward pass.")]
Dtype = Annotated[
    str, typer.Option("--dtype", help="float32, float16, bfloat16 or float64; decides bytes.")
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


def read_input(text: str | None, batch: int) -> Shape | None:
    """Read --input and check it together with --batch, before anything heavy is imported."""
    shape = parse_shape(text) if text is not None else None
    batched(shape or (), batch)
    return shape
