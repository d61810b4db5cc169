"""What a command hands over to be shown: records for programs, tables for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """A record's key, its heading, how a value reads and in what style it stands out.

    Where a table is wider than the terminal, an `under` column moves below the one before it, and a
    `left` one breaks unless it is to stay `whole`.
    """

    key: str
    header: str
    show: Callable[[Any], str] = str
    left: bool = False
    under: bool = False
    style: Callable[[Any], str] = lambda value: ""
    whole: bool = False


@dataclass(frozen=True)
class Table:
    """Records under columns; `total` is a last row, told apart."""

    columns: tuple[Column, ...]
    rows: list[dict[str, Any]]
    title: str = ""
    total: dict[str, Any] | None = None


@dataclass(frozen=True)
class Report:
    """A command's answer: `results` is the JSON, `records` the CSV, `tables` are for people.

    `notes` are lines below the tables.
    """

    command: str
    results: list[dict[str, Any]]
    tables: list[Table]
    notes: list[str] = field(default_factory=list)
    environment: dict[str, Any] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
