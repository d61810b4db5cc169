"""Frames around what stands for several equal blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cnnbench.counting.flow import Fold
from cnnbench.reports.pictures.labels import LINE
from cnnbench.reports.pictures.layout import Box
from cnnbench.reports.pictures.picture import text

AROUND = 7.0  # pixels of a frame around what is in it
BESIDE, _GAP = 32.0, 8.0  # pixels of a fold's number, and between it and the frame


@dataclass(frozen=True)
class Frame:
    """The dashed frame of a fold and where its number stands, each around those of inner folds."""

    fold: Fold
    box: Box
    number: Box

    @classmethod
    def around(cls, fold: Fold, inner: int, placed: Sequence[Box]) -> Frame:
        """The frame around a fold's parts, wider where it holds `inner` such frames."""
        boxes, wide = placed[fold.first : fold.last + 1], AROUND * (1 + inner)
        left, right = min(b.left for b in boxes) - wide, max(b.right for b in boxes) + wide
        top, bottom = min(b.top for b in boxes) - wide, max(b.bottom for b in boxes) + wide
        box = Box((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
        beside = right + _GAP + BESIDE * inner
        number = Box(beside + BESIDE / 2, top + LINE / 2, BESIDE - _GAP, LINE)
        return cls(fold, box, number)

    def drawn(self) -> Iterator[str]:
        """It as SVG."""
        box, number = self.box, self.number
        yield (
            f'<rect class="fold" x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" '
            f'height="{box.height:.1f}" rx="8"/>'
        )
        yield text(f"x {self.fold.repeats}", number.left, number.bottom - 2)
