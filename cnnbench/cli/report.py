"""`cnnbench report`: what a sweep has found, as one page, tables, figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.frame import Written, command
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError, OutputError
from cnnbench.reports.charts import style
from cnnbench.reports.formats.emit import say


@dataclass(frozen=True)
class _Page(Written):
    """How a sweep's report is handed out."""

    output: Annotated[
        Path | None,
        opt.output("; .html is one page with charts and a table"),
    ] = None
    apart: ClassVar[dict[str, str]] = {".html": "a page"}

    def __post_init__(self) -> None:
        """CnnbenchError for one picture of many charts."""
        if self.output is not None and self.output.suffix.lower() in (".svg", ".png"):
            name = self.output.stem
            raise CnnbenchError(f"a report has many charts; give --figures {name} instead")
        super().__post_init__()


@command
def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="RUN…", help="Folders that sweeps have written."),
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
        ),
    ] = None,
    written: _Page = _Page(),
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
    if figures is not None and figures.exists() and not figures.is_dir():
        raise OutputError(f"cannot write into {figures}: it is no folder; give another --figures")
    if written.is_apart or figures:
        style.require_altair()
    with heavy_imports():
        from cnnbench.reports import page
        from cnnbench.reports.sweep import changes, tables
        from cnnbench.sweeps.reading import read
        from cnnbench.sweeps.store import Store
    stores = [Store(folder) for folder in folders]
    with bar() as shown:
        shown.say("reading")
        if compare:
            first, second = (read([store]) for store in stores)
            found, shows = changes.compared(first, second, *changes.names(*folders))
        else:
            found, shows = tables.reported(read(stores), [str(path) for path in folders])
        if written.is_apart and written.output is not None:
            shown.say("drawing the page")
            shows.save(written.output)
        if figures is not None:
            page.draw(shows, figures, shown.say)
    if not written.is_apart:
        written.hand_over(found)
        return
    rows = units.number(len(shows.table.rows), "configuration")
    say(f"{written.output}: {rows}, {units.number(len(page.figures(shows)), 'chart')}")
