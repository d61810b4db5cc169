"""How a variant's place among published ones reads, and an accuracy that is estimated of it."""

from __future__ import annotations

from collections.abc import Iterator

from cnnbench import units
from cnnbench.studies.choosing.neighbours import FEWEST, NEAR, Estimate, Place
from cnnbench.studies.choosing.published import Published
from cnnbench.studies.papers.accuracy import WORDS

_BETWEEN = 1.005  # times; what is nearer lies on a line between two


def lines(place: Place, *, estimated: bool, quantised: bool = False) -> Iterator[str]:
    """Where it lies, and if asked what its accuracy may be."""
    yield _where(place) + (", in float32; nothing is known of int8" if quantised else "")
    if place.estimate is not None:
        yield _estimate(place.estimate)
    elif estimated and place.itself is None and place.distance is not None:
        yield f"no accuracy is estimated: {_why_not(place)}"


def _where(place: Place) -> str:
    if place.itself is not None:
        return f"it is published: {place.itself.accuracy.words}"
    if place.distance is None:
        return "no accuracy of its family on a single crop of ImageNet is published"
    if place.distance > NEAR:
        return (
            f"it is {units.ratio(place.distance)} away from what lies between published variants, "
            "in width, depth or resolution, so their accuracies say nothing of it"
        )
    ends = [_named(one) for one in (place.below, place.above) if one is not None]
    if len(ends) > 1:
        found = f"by MACs it lies between {' and '.join(ends)}"
    else:
        found = f"by MACs it lies {'above' if place.below else 'below'} {ends[0]}"
    if place.distance > _BETWEEN:
        found += (
            f"; {units.ratio(place.distance)} away from what lies between published ones in "
            "width, depth or resolution"
        )
    return found


def _named(one: Published) -> str:
    """`efficientnet_b1 (top-1 79.1%)`."""
    return f"{one.spec} ({WORDS[one.accuracy.metric]} {one.accuracy.percent:.1f}%)"


def _estimate(found: Estimate) -> str:
    return (
        f"its top-1 was not tested; by MACs, in the mean of {found.variants} published variants, "
        f"it is estimated at {found.percent:.1f}%, {found.low:.1f} to {found.high:.1f}: each but "
        f"the ends, left out, was off by {found.typical:.2g} points in the median, "
        f"{found.worst:.2g} at most, and {units.percent(found.confidence)} of such errors lie "
        "within the interval"
    )


def _why_not(place: Place) -> str:
    if not place.is_near:
        return "nothing near it is published"
    if place.below is None or place.above is None:
        return "it has fewer or more MACs than all that is published"
    return f"fewer than {FEWEST} variants of its family are published"
