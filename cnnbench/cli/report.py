"""`cnnbench report`: what a sweep has found, as one page, tables, figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError, OutputError
from cnnbench.files import check_writable, write
from cnnbench.reports.charts import style as drawing
from cnnbench.reports.formats.emit import emit

if TYPE_CHECKING:
    from cnnbench.reports.sweep.page import Figure

_PAGE = ".html"
_FIGURES = (".svg", ".png")
_WIDTH = 640  # pixels of a figure


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", help="Stores of sweeps.", show_default=False),
    ],
    compare: Annotated[
        bool,
        typer.Option("--compare", help="What changed between two runs."),
    ] = False,
    figures: Annotated[
        Path | None,
        typer.Option(
            "--figures",
            metavar="DIR",
            help="Write every chart into this folder too, as .svg and .png.",
            show_default=False,
        ),
    ] = None,
    form: opt.FormatOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to a file instead of stdout; .html is one page with charts and a table, "
            "which needs no network.",
            show_default=False,
        ),
    ] = None,
    debug: opt.Debug = False,
) -> None:
    """Show what a sweep has found: one page to look at, or its numbers.

    Each configuration stands once a device, as it was measured last.

    With --compare times are ratios of two runs, or of two devices, with intervals.

    cnnbench report run1 --output report.html

    cnnbench report run1 --figures figures --format csv --output run1.csv

    cnnbench report --compare run0 run1
    """
    if compare and len(folders) != 2:
        raise CnnbenchError(f"--compare takes two runs, not {len(folders)}: the earlier one first")
    is_page = output is not None and output.suffix.lower() == _PAGE
    if is_page and form is not None:
        raise CnnbenchError(f"{output} is a page; give it or --format {form}, not both")
    if output is not None and output.suffix.lower() in _FIGURES:
        raise CnnbenchError(f"a report has many charts; give --figures {output.stem} instead")
    check_writable(output)
    if figures is not None and figures.exists() and not figures.is_dir():
        raise OutputError(f"cannot write into {figures}: it is no folder; give another --figures")
    if is_page or figures:
        drawing.require_altair()
    with heavy_imports():
        from cnnbench.reports.sweep import changes as report_compare
        from cnnbench.reports.sweep import page as pages
        from cnnbench.reports.sweep import tables as report_tables
        from cnnbench.sweeps.results import read
        from cnnbench.sweeps.store import Store
    stores = [Store(folder) for folder in folders]
    with bar(0) as shown:
        shown.say("reading")
        if compare:
            first, second = (read([store]) for store in stores)
            names = report_compare.names(*folders)
            found, page = report_compare.compared(first, second, *names)
        else:
            found, page = report_tables.reported(read(stores), [str(path) for path in folders])
        if is_page and output is not None:
            shown.say("drawing the page")
            write(output, pages.html(page))
        if figures is not None:
            _draw(pages.figures(page.sections), figures, shown.say)
    if not is_page:
        emit(found, form, output)
    elif output is not None:
        rows, charts = len(page.table.rows), len(pages.figures(page.sections))
        typer.echo(
            f"{output}: {units.number(rows, 'configuration')}, {units.number(charts, 'chart')}"
        )


def _draw(charts: Sequence[Figure], folder: Path, say: Callable[[str], None]) -> None:
    """Each as SVG and PNG, at the width of a page of print."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror or error}") from error
    for figure in charts:
        say(f"drawing {figure.name}")
        chart = drawing.styled(figure.draw(_WIDTH))
        for suffix in _FIGURES:
            drawing.save(chart, folder / f"{figure.name}{suffix}")
