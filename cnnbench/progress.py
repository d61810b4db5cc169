"""Progress: whom to tell what is being done. By itself it tells nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Who hears what is being done: `say` a text, `part` how much of it, too.

    `rounds` hears how many there are, their seconds, how narrow the widest interval is, and of one
    network its median so far.
    """

    say: Callable[[str], None] = lambda text: None
    part: Callable[[str, float, float], None] = lambda text, done, of: None
    rounds: Callable[[int, float, float | None, float | None], None] = (
        lambda number, seconds, width, median: None
    )

    def counted(self, done: int, of: int) -> None:
        """Tell how many networks have been counted."""
        self.part(f"network {done} of {of}", done, of)


SILENT = Progress()
