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
    accuracies: Annotated[
        bool,
        typer.Option(
            "--accuracies", help="Show the accuracies that are printed, beside counted costs."
        ),
    ] = False,
    written: Written = Written(),
) -> None:
    """Show every figure of the papers' tables beside the counted one, and why they differ.

    A figure is met (✓) where the counted one could be printed so: rounded, or truncated.

    Nothing is tuned to agree; below the table stands why where they differ.

    With --accuracies: those that papers and releases print, a row for each way of testing, beside
    what a pass on one image costs.

    cnnbench published

    cnnbench published resnet50 googlenet

    cnnbench published mobilenet_v1 --accuracies
    """
    with heavy_imports():
        from cnnbench.reports.published import report_of, report_of_accuracies
        from cnnbench.studies.choosing.trials import counted, trials_of
        from cnnbench.studies.papers.published import compared, figures_of
    if accuracies:
        known = trials_of(models or [])
        with bar() as shown:
            found = counted(known, shown.counted)
        written.hand_over(report_of_accuracies(found))
        return
    asked = figures_of(models or [])
    rows = []
    with bar() as shown:
        for number, figure in enumerate(asked):
            shown.counted(number, len(asked))
            rows.append(compared(figure))
    written.hand_over(report_of(rows))
