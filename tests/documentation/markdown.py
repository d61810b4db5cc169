"""Markdown that is made from data: tables, and the blocks of a page that hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: str = "") -> str:
    """A table; `right` names the headings whose columns hold numbers."""
    rules = ["---:" if heading in right.split() else "---" for heading in headings]
    lines = (headings, rules, *([cell.replace("|", "\\|") for cell in row] for row in rows))
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def code(*words: str) -> str:
    """Words as they are typed: `a`, `b`."""
    return ", ".join(f"`{word}`" for word in words)
