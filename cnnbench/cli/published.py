"""`cnnbench published`: the papers' own figures beside the counted ones."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.completion import complete_spec
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.counting.metrics import Metric
from cnnbench.files import check_writable
from cnnbench.reports import columns as col
from cnnbench.reports.formats.emit import emit
from cnnbench.reports.report import Column, Report, Table

TABLE = (
    col.MODEL,
    Column("resolution", "px", str, left=True, under=True),
    Column("metric", "figure", lambda value: Metric(value).words, left=True),
    Column("printed", "published"),
    Column("counted", "counted", units.exact),
    Column("difference", "difference", units.difference),
    Column("met", "", style=lambda value: "green" if value == "✓" else "yellow"),
    Column("source", "source", left=True),
)


def published(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL…",
            help="Their figures alone, those of their variants and modules too; default: all.",
            autocompletion=complete_spec,
            show_default=False,
        ),
    ] = None,
    form: opt.FormatOption = None,
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Show every figure of the papers' tables beside the counted one, and why they differ.

    A figure is met (✓) where the counted one could be printed so: rounded, or truncated.

    Nothing is tuned to agree; below the table stands why where they differ.

    cnnbench published

    cnnbench published resnet50 googlenet
    """
    check_writable(output)
    opt.no_picture(output)
    with heavy_imports():
        from cnnbench.counting.rules import convention
        from cnnbench.reports.environment import software
        from cnnbench.studies.papers.published import compared, figures_of
    asked = figures_of(models or [])
    rows = []
    with bar(0) as shown:
        for number, figure in enumerate(asked):
            shown.counted(number, len(asked))
            rows.append(compared(figure))
    met = sum(row["agrees"] for row in rows)
    told = dict.fromkeys(
        f"{row['model']}, {Metric(row['metric']).words} {row['printed']}: {row['note']}"
        for row in rows
        if not row["agrees"]
    )
    emit(
        Report(
            command="published",
            results=rows,
            tables=[Table(TABLE, [{**row, "met": "✓" if row["agrees"] else "≠"} for row in rows])],
            notes=[
                f"{met} of {units.number(len(rows), 'figure')} met as printed (✓)",
                *told,
                convention.FOOTER,
            ],
            environment=software(),
        ),
        form,
        output,
    )
