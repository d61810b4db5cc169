"""Why one network gets less out of a MAC than another, from what their passes spent time on."""

from __future__ import annotations

from cnnbench import units
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.timing.by_layer.causes import NAMES, WORDS, Causes, verb

AS_PROMISED = 1.25  # a speed-up within so much of the ratio of MACs is about what they promise
_NAMED, _STANDS_OUT = 2, 0.15  # how many causes are named, from what share of all that is too much


def evidence(row: Comparison, speedup: float) -> str:
    """What decides a measured speed-up; nothing where it is not known what both sides spent."""
    a, b = row.a, row.b
    if a.causes is None or b.causes is None or not (a.causes.adds_up and b.causes.adds_up):
        return ""
    if row.is_of_one:
        return _changes(a.causes, b.causes)
    if not row.macs_ratio:
        return "; ".join(_most(side.name, side.causes) for side in (a, b) if side.causes)
    kept = speedup / row.macs_ratio
    if 1 / AS_PROMISED <= kept <= AS_PROMISED:
        promised = "about what the MACs promise; " if (speedup > 1) is (row.macs_ratio > 1) else ""
        return promised + "; ".join(_most(side.name, side.causes) for side in (a, b) if side.causes)
    slow, fast = (b, a) if kept < 1 else (a, b)
    longer = units.ratio(max(kept, 1 / kept))
    return f"a MAC of {slow.name} takes {longer} as long; {_too_much(slow, fast)}"


def _too_much(slow: Side, fast: Side) -> str:
    """The causes that take more of the slow side than its share of the MACs would of the fast."""
    if slow.causes is None or fast.causes is None:
        return ""
    share = slow.cost.macs / fast.cost.macs
    excess = {name: slow.causes.seconds(name) - share * fast.causes.seconds(name) for name in NAMES}
    least = _STANDS_OUT * sum(seconds for seconds in excess.values() if seconds > 0)
    most = sorted(excess, key=lambda name: -excess[name])[:_NAMED]
    parts = [
        f"{WORDS[name]} {verb(name)} {_duration(slow.causes.seconds(name))} "
        f"({fast.name}: {_duration(fast.causes.seconds(name))})"
        for place, name in enumerate(most)
        if not place or excess[name] > least
    ]
    return f"of its {units.duration(slow.causes.whole_s)} {', '.join(parts)}"


def _most(name: str, causes: Causes) -> str:
    """The one or two causes that take the most of a pass."""
    first, second = sorted(NAMES, key=lambda one: -causes.seconds(one))[:2]
    parts = [first, second] if causes.share(second) > _STANDS_OUT else [first]
    words = [f"{WORDS[one]} {verb(one)} {_duration(causes.seconds(one))}" for one in parts]
    return f"of {name}'s {units.duration(causes.whole_s)} {', '.join(words)}"


def _changes(before: Causes, after: Causes) -> str:
    """Where the time of one network goes in two settings: what changed the most."""
    differences = {name: after.seconds(name) - before.seconds(name) for name in NAMES}
    most = sorted(differences, key=lambda name: -abs(differences[name]))
    least = _STANDS_OUT * abs(after.whole_s - before.whole_s)
    return ", ".join(
        f"{WORDS[name]} {_duration(before.seconds(name))} → {_duration(after.seconds(name))}"
        for place, name in enumerate(most[: _NAMED + 1])
        if not place or abs(differences[name]) > least
    )


def _duration(seconds: float) -> str:
    """A cause's; what clocks took off too much is none."""
    return units.duration(max(0.0, seconds))
