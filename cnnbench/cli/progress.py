"""What takes over a second says on stderr what it is doing; nothing where that is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Columns

from cnnbench import units
from cnnbench.harmless import line
from cnnbench.progress import SILENT, Progress

_REFRESH_S = 0.2


class _Bar:
    """A line of text, and while rounds are sampled a bar of the time they may take."""

    def __init__(self, columns: Columns, limit: float, precision: float | None) -> None:
        """`limit` is the seconds that sampling may take, `precision` the width asked for."""
        self._columns = columns
        self._limit = limit
        self._precision = precision
        self._shown = 0.0
        self._task = columns.add_task("", total=None, visible=False)

    def say(self, text: str) -> None:
        """Tell what is being done."""
        self._columns.update(self._task, description=line(text), total=None, visible=bool(text))
        self._columns.refresh()

    def part(self, text: str, done: float, of: float) -> None:
        """Tell what is being done, and how much of it."""
        if (now := monotonic()) - self._shown > _REFRESH_S:
            self._columns.update(
                self._task, description=line(text), total=of, completed=done, visible=True
            )
            self._columns.refresh()
            self._shown = now

    def rounds(
        self, number: int, seconds: float, width: float | None, median: float | None
    ) -> None:
        """Tell how many rounds there are, the median, and how narrow the widest interval is."""
        text = f"round {number}" if number else "warming up"
        if median is not None:
            text += f": {units.duration(median)}"
        if width is not None and self._precision is not None:
            reached = "?" if width == float("inf") else units.precision(width)
            text += f", {reached}, until {units.precision(self._precision)}"
        self.part(text, min(seconds, self._limit), self._limit)


@contextmanager
def bar(limit: float = 0, precision: float | None = None) -> Iterator[Progress]:
    """Show it meanwhile."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield SILENT
        return
    words, left = TextColumn("{task.description}", markup=False), TimeRemainingColumn(compact=True)
    # A thread that refreshes by itself would do so within samples.
    with Columns(
        words, BarColumn(), left, console=console, transient=True, auto_refresh=False
    ) as shown:
        one = _Bar(shown, limit, precision)
        yield Progress(one.say, one.part, one.rounds)
