"""A page to look at: charts, a table to sort and filter, facts; one file that needs no network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cnnbench import harmless
from cnnbench.errors import OutputError
from cnnbench.files import write
from cnnbench.reports.assets import file, rendered
from cnnbench.reports.charts.style import Drawing, Width, require_altair
from cnnbench.reports.report import Table

_FILES = (".svg", ".png")
_WIDTH = 640  # pixels of a figure in a file


@dataclass(frozen=True)
class Figure:
    """A chart of any width; `name` is its file's, and the caption says how to read it."""

    name: str
    title: str
    caption: str
    draw: Callable[[Width], Any]


@dataclass(frozen=True)
class Section:
    """Figures under one heading."""

    title: str
    figures: list[Figure]


@dataclass(frozen=True)
class Page:
    """What a page shows, in its order; `facts` are terms with what they are here.

    `about` is the heading of facts. `picture` draws SVG in which every name is text; `tree` stands
    beside it: the names of `costs`, and nodes with `name`, `values` and `children`.
    """

    title: str
    lead: list[str]
    find: Callable[[], list[Section]]
    table: Table
    facts: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    about: str = "Measured on"
    picture: Callable[[], str] | None = None
    tree: Callable[[], dict[str, Any]] | None = None

    @cached_property
    def sections(self) -> list[Section]:
        """Its figures, which need altair."""
        return self.find()

    def save(self, path: Path) -> None:
        """Write it whole, with all that it needs inside."""
        write(path, html(self))


def html(page: Page) -> str:
    """Render it, with all that draws and sorts inside. OutputError without the extra `report`."""
    require_altair()
    import altair as alt
    import vl_convert

    charts = [
        Drawing(figure.draw("container")).to_dict(validate=False)  # every row, which takes seconds
        for section in page.sections
        for figure in section.figures
    ]
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    return rendered(
        "page.html",
        page=page,
        picture=page.picture() if page.picture else "",
        tree=_embedded(page.tree() if page.tree else None),
        viewer=file("network.js"),
        icicle=file("icicle.js"),
        script=file("page.js"),
        vega=vl_convert.javascript_bundle(vl_version=version),  # type: ignore[call-arg]
        charts=_embedded(charts),
        table=_embedded(_columns(page.table)),
    )


def _embedded(value: Any) -> str:
    """JSON that no name in it can end: a script's text has no other escape."""
    text = harmless.json(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return text.replace("<", "\\u003c")


def _columns(table: Table) -> list[dict[str, Any]]:
    """Each column's heading, what is shown, and what it is sorted by: numbers in base units."""
    return [
        {
            "header": harmless.line(column.header.replace("-\n", "").replace("\n", " ")),
            "left": column.left,
            "shown": [column.cell(row) for row in table.rows],
            "values": [_sortable(row.get(column.key)) for row in table.rows],
        }
        for column in table.columns
    ]


def _sortable(value: Any) -> Any:
    """A number as it is; the rest as the text that is shown."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def figures(page: Page) -> list[Figure]:
    """All of them in order, each with a name of its own."""
    seen: dict[str, int] = {}
    found = []
    for figure in (figure for section in page.sections for figure in section.figures):
        seen[figure.name] = number = seen.get(figure.name, 0) + 1
        name = figure.name if number == 1 else f"{figure.name}-{number}"
        found.append(Figure(name, figure.title, figure.caption, figure.draw))
    return found


def draw(page: Page, folder: Path, say: Callable[[str], None]) -> None:
    """Each as SVG and PNG, at the width of a page of print."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror or error}") from error
    for figure in figures(page):
        say(f"drawing {figure.name}")
        chart = Drawing(figure.draw(_WIDTH))
        for suffix in _FILES:
            chart.save(folder / f"{figure.name}{suffix}")
