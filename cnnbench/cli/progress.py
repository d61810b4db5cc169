"""What takes over a second says on stderr what it is doing; nothing where that is no terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cnnbench import units

_REFRESH_S = 0.2


class Bar:
    """A line of text, and while rounds are sampled a bar of the time they may take."""

    def __init__(self, progress: Progress | None, limit: float, precision: float | None) -> None:
        """`limit` is the seconds that sampling may take, `precision` the width asked for."""
        self._progress = progress
        self._limit = limit
        self._precision = precision
        self._shown = 0.0
        self._task = progress.add_task("", total=None, visible=False) if progress else None

    def say(self, text: str) -> None:
        """Tell what is being done."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, description=text, total=None, visible=bool(text))
            self._progress.refresh()

    def counted(self, done: int, of: int) -> None:
        """Tell how many networks have been counted."""
        self.part(f"network {done} of {of}", done, of)

    def part(self, text: str, done: int, of: int) -> None:
        """Tell what is being done, and how much of it."""
        if self._progress is None or self._task is None:
            return
        if (now := monotonic()) - self._shown > _REFRESH_S:
            self._progress.update(
                self._task, description=text, total=of, completed=done, visible=True
            )
            self._progress.refresh()
            self._shown = now

    def timed(self, done: int, of: int, seconds: float) -> None:
        """Tell how many configurations have been timed, and for how long the next ones."""
        if self._progress is None or self._task is None:
            return
        each = self._limit  # of one; those that converge sooner make the rest look shorter
        self._progress.update(
            self._task,
            description=f"timing {done + 1} of {of} on" if done < of else "",
            total=each * of,
            completed=min(each * done + seconds, each * of),
            visible=done < of,
        )
        if (now := monotonic()) - self._shown > _REFRESH_S:
            self._progress.refresh()
            self._shown = now

    def rounds(self, number: int, seconds: float, width: float | None) -> None:
        """Tell how many rounds there are, and how narrow the widest interval is."""
        if self._progress is None or self._task is None:
            return
        text = f"round {number}" if number else "warming up"
        if width is not None and self._precision is not None:
            reached = "?" if width == float("inf") else units.precision(width)
            text += f", {reached}, until {units.precision(self._precision)}"
        total, done = self._limit, min(seconds, self._limit)
        self._progress.update(
            self._task, description=text, total=total, completed=done, visible=True
        )
        if (now := monotonic()) - self._shown > _REFRESH_S:
            self._progress.refresh()
            self._shown = now


@contextmanager
def bar(limit: float, precision: float | None = None) -> Iterator[Bar]:
    """Show it meanwhile."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield Bar(None, limit, precision)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(compact=True)
    # A thread that refreshes by itself would do so within samples.
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        yield Bar(progress, limit, precision)
