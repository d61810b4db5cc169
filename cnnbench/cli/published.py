"""`cnnbench published`: the papers' own figures beside the counted ones."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench.cli.completion import complete_spec
from cnnbench.cli.frame import Written, command
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports


@command
def published(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL…",
            help="Only figures of these models, their variants and modules. Default: all.",
            autocompletion=complete_spec,
        ),
    ] = None,
    written: Written = Written(),
) -> None:
    """Show every figure of the papers' tables beside the counted one, and why they differ.

    A figure is met (✓) where the counted one could be printed so: rounded, or truncated.

    Nothing is tuned to agree; below the table stands why where they differ.

    cnnbench published

    cnnbench published resnet50 googlenet
    """
    with heavy_imports():
        from cnnbench.reports.published import report_of
        from cnnbench.studies.papers.published import compared, figures_of
    asked = figures_of(models or [])
    rows = []
    with bar() as shown:
        for number, figure in enumerate(asked):
            shown.counted(number, len(asked))
            rows.append(compared(figure))
    written.hand_over(report_of(rows))
