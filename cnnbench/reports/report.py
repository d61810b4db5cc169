"""What a command hands over to be shown: records for programs, tables for people."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import accumulate
from textwrap import wrap
from typing import Any

from cnnbench import harmless

_LINES, _WIDTH = 3, 80  # of notes, unless all are asked for


@dataclass(frozen=True)
class Column:
    """A record's key, its heading, how a value reads and in what style it stands out.

    Where a table is wider than the terminal, an `under` column moves below the one before it, and a
    `left` one breaks unless it is to stay `whole`. A `wide` one is shown where it is asked for.
    """

    key: str
    header: str
    show: Callable[[Any], str] = str
    left: bool = False
    under: bool = False
    style: Callable[[Any], str] = lambda value: ""
    whole: bool = False
    wide: bool = False

    def cell(self, record: dict[str, Any]) -> str:
        """How a record's value reads, line breaks of its layout and no others; may be nothing."""
        value = record.get(self.key)
        if value is None:
            return ""
        shown = self.show(harmless.line(value) if isinstance(value, str) else value)
        return "\n".join(map(harmless.line, shown.split("\n")))


@dataclass(frozen=True)
class Table:
    """Records under columns; `total` is a last row, told apart, `text` what is said above them."""

    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    title: str = ""
    total: dict[str, Any] | None = None
    text: str = ""

    def narrowed(self) -> Table:
        """The table without columns that few need, or that have no value."""
        rows = [*self.rows, *([self.total] if self.total else [])]
        columns = tuple(
            column
            for column in self.columns
            if not column.wide and any(row.get(column.key) is not None for row in rows)
        )
        return replace(self, columns=columns) if rows else self


@dataclass(frozen=True)
class Report:
    """A command's answer: `results` is the JSON, `records` the CSV, `tables` are for people.

    `alert` is the first line, above the tables: why nothing below is to be used. Below the tables
    stand `findings`, sentences that answer what was asked, and `notes`, what a reader must know of
    the numbers, the most important first. `topic` is the guide's page of it, where that is not the
    command's.
    """

    command: str
    results: list[dict[str, Any]]
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    alert: str = ""
    topic: str = ""

    def narrowed(self) -> Report:
        """The report without columns that few need."""
        return replace(self, tables=[table.narrowed() for table in self.tables])

    def brief(self, more: str) -> Report:
        """The report with as many notes as fit three lines, and `more`, what shows the others."""
        lines = list(accumulate(map(_lines, self.notes)))
        if not lines or lines[-1] <= _LINES:
            return self
        kept = self.notes[: max(1, bisect_right(lines, _LINES - 1))]
        left = len(self.notes) - len(kept)
        notes = "1 more note" if left == 1 else f"{left} more notes"
        return replace(self, notes=[*kept, f"{notes}: {more}"] if left else kept)


def _lines(note: str) -> int:
    return len(wrap(note, _WIDTH))
