"""A report as tables on a terminal, at any width, with or without colour."""

from __future__ import annotations

import re
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from cnnbench import harmless
from cnnbench.reports.report import Column, Report, Table


def coloured(report: Report) -> str:
    """Render for the terminal that stdout is; where it is none, without colour."""
    return _rendered(report, Console(highlight=False))


def plain(report: Report, width: int = 120) -> str:
    """Render as text without colour, for a file."""
    console = Console(width=width, no_color=True, force_terminal=False, highlight=False)
    text = _rendered(report, console)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _rendered(report: Report, console: Console) -> str:
    """Tables, then notes; wider than the terminal rather than with a number cut short."""
    tables = [_table(table, console.width) for table in report.tables]
    console.width = max([console.width, *(least for _, least in tables)])
    with console.capture() as capture:
        if report.alert:
            console.print(Text(f"{harmless.line(report.alert)}\n", style="bold red"))
        for (drawn, _), table in zip(tables, report.tables, strict=True):
            if table.text:
                console.print(Text(harmless.line(table.title), style="bold"))
                console.print(Text(harmless.line(table.text)))
                console.print()
            console.print(drawn)
            console.print()
        for style, lines in (("", report.findings), ("dim", report.notes)):
            for line in lines:
                words = [_short(word, console.width) for word in harmless.line(line).split(" ")]
                console.print(Text(" ".join(words), style=style))
            if lines is report.findings and lines and report.notes:
                console.print()
    return harmless.lines(capture.get())


def _table(table: Table, width: int) -> tuple[RichTable, int]:
    """Build the table, and the least width at which it shows every number whole."""
    rows = [_shown(table, row) for row in table.rows]
    last = _shown(table, table.total) if table.total else []
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
    above = table.title and not table.text  # else its title stands above its text
    title = Text(harmless.line(table.title), style="bold") if above else None
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
            Text("\n".join(map(harmless.line, headers[column.key].split("\n")))),
            justify="left" if column.left else "right",
            no_wrap=column.whole or not column.left,
            overflow="fold",
            style="cyan" if index == 0 else "",
        )
    for line, record in zip(lines, [*table.rows, table.total], strict=False):
        if line is last:
            rich.add_section()
        cells: list[Text] = []
        for column, cell in zip(table.columns, line, strict=True):
            style = "bold" if line is last else column.style((record or {}).get(column.key))
            if narrow and column.under:
                cells[-1].append(f"\n{cell}", style="dim")
                cells[-1].rstrip()
            else:
                shown_cell = _broken(cell) if narrow and column.left else cell
                cells.append(Text(shown_cell, style=style))
        rich.add_row(*cells)
    return rich, _least_width(table.columns, shown, lines) + (len(shown) - 1) * (1 if narrow else 2)


def _shown(table: Table, row: dict[str, Any]) -> list[str]:
    return [column.cell(row) for column in table.columns]


_LEFT = 12  # columns to which a name may fold


def _least_width(columns: tuple[Column, ...], shown: list[Column], lines: list[list[str]]) -> int:
    """Widths of the shown columns, with what stands under them; a name may fold."""
    widths: list[int] = []
    for column in columns:
        width = _widest(column, lines, columns)
        width = min(_LEFT, width) if column.left and not column.whole else width
        if column in shown:
            widths.append(width)
        else:
            widths[-1] = max(widths[-1], width)
    return sum(widths)


def _widest(column: Column, lines: list[list[str]], columns: tuple[Column, ...]) -> int:
    index = columns.index(column)
    cells = (column.header, *(line[index] for line in lines))
    return max(len(part) for cell in cells for part in cell.split("\n"))


def _broken(cell: str) -> str:
    """Break a long spec before its options and after each comma, a long path at its dots."""
    if len(cell) <= 20:
        return cell
    if re.fullmatch(r"[\w.]+", cell):
        return re.sub(r"(.{1,19}\.)(?=.)", r"\1\n", cell)
    return re.sub(r"(?=@)|(?<=,)(?=\S)", "\n", cell)


def _short(word: str, width: int) -> str:
    """Break what is longer than a line after commas: a number cut in two reads as another."""
    lines = [""]
    for part in re.findall(r"[^,]*,|[^,]+", word):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _natural_width(columns: tuple[Column, ...], lines: list[list[str]]) -> int:
    """Width at which nothing wraps, two spaces between columns."""
    widths = [_widest(column, lines, columns) for column in columns]
    return sum(widths) + 2 * (len(widths) - 1)
