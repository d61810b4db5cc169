"""What follows from a pair in several settings: where it is fastest, where most is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cnnbench import units
from cnnbench.studies.comparison.ways import Way
from cnnbench.timing.samples.pairing import Verdict

_ALIKE = 1.1  # times the shortest time, up to which another way may be as fast
_SLOWER = 1.1  # times the reference's time as it is, above which a way is not good for it


def conclusions(found: Sequence[Way]) -> Iterator[str]:
    """Which ways b is fastest in, and in which most of the promise is kept."""
    first, (a, b) = found[0], (found[0].row.a.name, found[0].row.b.name)
    usable = [
        way for way in found if way.row.b.image_s and way.row.verdict is not Verdict.NOT_USABLE
    ]
    here = first.row.b.image_s
    if usable and here:
        best = min(usable, key=_image_s)
        seconds = _image_s(best)
        near = [way for way in usable if _image_s(way) <= _ALIKE * seconds]
        alike = [way for way in near if way is not best and _low_s(way) <= _high_s(best)]
        names = " or ".join(way.name for way in (best, *alike))
        faster = f", {units.ratio(here / seconds)} as fast as with {first.name}"
        told = "" if first in (best, *alike) else faster
        yield f"{b} is fastest with {names}: {units.duration(seconds)} an image{told}."
    if not first.kept:
        return
    most_s = _SLOWER * (first.row.a.image_s or math.inf)
    fair = [
        first,
        *(way for way in found if way.kept and (way.row.a.image_s or math.inf) <= most_s),
    ]
    most = max(fair, key=lambda way: way.kept or 0.0)
    kept = f"{units.percent(first.kept)} of what the MACs promise with {first.name}"
    there = (
        f"; where {a} is not slower than there, at most {units.percent(most.kept or 0.0)}, with "
        f"{most.name}"
    )
    yield f"Over {a} it keeps {kept}{'' if most is first else there}."


def _low_s(way: Way) -> float:
    """The least that another run's b is expected to take for an image."""
    found = way.row.b.latency
    return ((found and found.ci_low_s) or 0.0) / way.row.b.run_in.batch


def _high_s(way: Way) -> float:
    """The most."""
    found = way.row.b.latency
    return ((found and found.ci_high_s) or math.inf) / way.row.b.run_in.batch


def _image_s(way: Way) -> float:
    """What b takes for an image; without an end where it was not timed."""
    return way.row.b.image_s or math.inf
