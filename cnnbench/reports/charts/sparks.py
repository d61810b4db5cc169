"""A series of numbers as a line of blocks, such as ▁▂▃▅▇."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

WIDTH = 27  # cells; of a longer series as many values, its ends among them
NONE = "·"  # no number, or none that the scale has
_LEVELS = "▁▂▃▄▅▆▇█"

Value = float | None


def ends(values: Iterable[Value]) -> tuple[float, float]:
    """The least and the greatest positive number among them; 1 and 1 where there are none."""
    positive = [value for value in values if value is not None and 0 < value < math.inf]
    return min(positive, default=1.0), max(positive, default=1.0)


def logarithmic(values: Sequence[Value], low: float, high: float) -> str:
    """Sparks from ▁ at `low` to █ at `high`, by equal factors."""
    whole = math.log(high / low) or 1.0
    steps = (
        math.log(v / low) / whole if v is not None and 0 < v < math.inf else None
        for v in _some(values)
    )
    return "".join(map(_cell, steps))


def linear(values: Sequence[Value], high: float) -> str:
    """Sparks from ▁ at 0 to █ at `high` and above, by equal steps."""
    steps = (v / high if v is not None and 0 <= v < math.inf else None for v in _some(values))
    return "".join(map(_cell, steps))


def bar(share: float, cells: int = 6) -> str:
    """A bar of so many cells at 1, in eighths of a cell; of a little the least that is seen."""
    eighths = min(max(round(8 * cells * share), 1 if share > 0 else 0), 8 * cells)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")


def _some(values: Sequence[Value]) -> list[Value]:
    """At most so many as there are cells, evenly from the first to the last."""
    if len(values) <= WIDTH:
        return list(values)
    return [values[round(cell * (len(values) - 1) / (WIDTH - 1))] for cell in range(WIDTH)]


def _cell(share: float | None) -> str:
    if share is None:
        return NONE
    return _LEVELS[min(max(int(share * len(_LEVELS)), 0), len(_LEVELS) - 1)]
