"""A report as tables on a terminal, at any width, with or without colour."""

from __future__ import annotations

import re

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from cnnbench.reports.report import Column, Report, Table


def render(report: Report, width: int) -> RenderableType:
    """Everything a report says, one below the other."""
    parts: list[RenderableType] = []
    for table in report.tables:
        parts.extend((_table(table, width), Text()))
    parts.extend(Text(note, style="dim") for note in report.notes)
    return Group(*parts)


def plain(report: Report, width: int = 120) -> str:
    """Render the same as text without colour, for a file."""
    console = Console(width=width, no_color=True, force_terminal=False, highlight=False)
    with console.capture() as capture:
        console.print(render(report, width))
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def _table(table: Table, width: int) -> RichTable:
    rows = [[column.show(row[column.key]) for column in table.columns] for row in table.rows]
    last = [column.show(table.total[column.key]) for column in table.columns] if table.total else []
    lines = [*rows, last] if last else rows
    narrow = _natural_width(table.columns, lines) > width
    shown, headers = list(table.columns), {c.key: c.header for c in table.columns}
    if narrow:
        shown = []
        for column in table.columns:
            if column.under and shown:
                headers[shown[-1].key] += f"\n{column.header}"
            else:
                shown.append(column)
    title = Text(table.title, style="bold") if table.title else None
    rich = RichTable(
        box=box.SIMPLE_HEAD,
        padding=(0, 0 if narrow else 1, 0, 0),
        title=title,
        title_justify="left",
        pad_edge=False,
        show_edge=False,
    )
    for index, column in enumerate(shown):
        rich.add_column(
            headers[column.key],
            justify="left" if column.left else "right",
            no_wrap=not column.left,
            overflow="fold",
            style="cyan" if index == 0 else "",
        )
    for line in lines:
        if line is last:
            rich.add_section()
        cells: list[Text] = []
        for column, cell in zip(table.columns, line, strict=True):
            if narrow and column.under:
                cells[-1].append(f"\n{cell}", style="dim")
            else:
                shown_cell = _broken(cell) if narrow else cell
                cells.append(Text(shown_cell, style="bold" if line is last else ""))
        rich.add_row(*cells)
    return rich


def _broken(cell: str) -> str:
    """Break a long spec where a reader would: before its options and after each comma."""
    return re.sub(r"(?=@)|(?<=,)(?=\S)", "\n", cell) if len(cell) > 20 else cell


def _natural_width(columns: tuple[Column, ...], lines: list[list[str]]) -> int:
    """Width at which nothing wraps, two spaces between columns."""
    widths = [
        max(len(part) for text in (column.header, *cells) for part in text.split("\n"))
        for column, *cells in zip(columns, *lines, strict=True)
    ]
    return sum(widths) + 2 * (len(widths) - 1)
