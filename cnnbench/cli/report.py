"""`cnnbench report`: what a sweep has found, or all about a network: a page, tables, figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.frame import Written, command
from cnnbench.cli.passed import Passed
from cnnbench.cli.progress import bar
from cnnbench.cli.report_network import report_network
from cnnbench.cli.startup import heavy_imports
from cnnbench.cli.times import Times
from cnnbench.errors import CnnbenchError, OutputError
from cnnbench.models.spec import AnySpec, parse
from cnnbench.reports.charts import style
from cnnbench.reports.formats.emit import say


@dataclass(frozen=True)
class _Page(Written):
    """How a report is handed out that has a page of many charts."""

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


def _model(named: list[Path]) -> AnySpec | None:
    """The network that is named; None where folders of runs are.

    CnnbenchError for a name that is neither's.
    """
    if len(named) > 1 or named[0].is_dir():
        if len(named) > 1 and not any(path.exists() for path in named):
            try:
                _ = [parse(str(path)) for path in named]
            except CnnbenchError:  # folders that are missing
                return None
            raise CnnbenchError(f"one network at a time: cnnbench report {named[0]}")
        return None
    try:
        return parse(str(named[0]))
    except CnnbenchError as error:
        raise CnnbenchError(f"{named[0]} holds no records of a sweep; {error}") from error


@command
def report(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN…|MODEL", help="Folders that sweeps have written, or one network."
        ),
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
    measure: Annotated[
        bool,
        typer.Option("--time", help="Time a network here, too: its layers in each --backend."),
    ] = False,
    times: Times = Times(),
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = None,
    written: _Page = _Page(),
) -> None:
    """Show what a sweep has found, or all about one network: a page to look at, or its numbers.

    Each configuration stands once a device, as it was measured last. With --compare times are
    ratios of two runs, or of two devices, with intervals.

    A network's page has its picture, what costs what, memory over the pass and in training, what
    the papers print, every layer; with --time what its layers take here in each --backend, with
    --on what a device is predicted to take.

    cnnbench report run1 --output report.html

    cnnbench report run1 --figures figures --format csv --output run1.csv

    cnnbench report --compare run0 run1

    cnnbench report mobilenet_v2 --output net.html

    cnnbench report mobilenet_v2 --time --backend eager,onnxruntime --output net.html
    """
    if figures is not None and figures.exists() and not figures.is_dir():
        raise OutputError(f"cannot write into {figures}: it is no folder; give another --figures")
    model = None if compare else _model(folders)
    if model is not None:
        given = passed.given(batch, [model])
        report_network(model, given, batch, dtype, times, written, figures, measure=measure)
        return
    if measure or times != Times() or dtype is not None or batch != 1 or passed != Passed():
        raise CnnbenchError(f"{folders[0]} is a run; --on, --time and the like are of a network")
    if compare and len(folders) != 2:
        raise CnnbenchError(f"--compare takes two runs, not {len(folders)}: the earlier one first")
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
