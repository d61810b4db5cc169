"""Why the speed-up is not the FLOP ratio: one sentence, each word of it from numbers in the row.

What was measured is explained by what the passes spent time on, where that is known, else by what
was predicted.
"""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench import units
from cnnbench.counting.cost import Kind
from cnnbench.roofline.bound import Bound
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.studies.comparison.evidence import AS_PROMISED, evidence
from cnnbench.timing.samples.pairing import Verdict

_FORETOLD = 1.5  # a measured speed-up within so much of the predicted one may be explained by it
SAME = 1.005  # ratios that print as 1.00
_STANDS_OUT = 0.1  # of the time, beyond its share of the MACs, a kind of operator takes to be named
WORDS = {
    Bound.COMPUTE: "compute-bound",
    Bound.MEMORY: "memory-bound",
    Bound.OVERHEAD: "held by the cost of calls",
}


@dataclass(frozen=True)
class Share:
    """A kind of operator: its part of the MACs, and of the predicted time."""

    kind: str
    macs: float
    time: float


def shares(side: Side) -> list[Share]:
    """Every kind of operator that a side runs; none where nothing is predicted."""
    if side.predicted is None or not side.predicted.seconds:
        return []
    macs: dict[str, int] = {}
    seconds: dict[str, float] = {}
    for op in side.predicted.operators:
        kind = str(op.cost.kind)
        macs[kind] = macs.get(kind, 0) + op.cost.cost.macs
        seconds[kind] = seconds.get(kind, 0.0) + op.seconds
    whole = side.cost.macs or 1
    return [
        Share(kind, macs[kind] / whole, seconds[kind] / side.predicted.seconds) for kind in macs
    ]


def explain(row: Comparison) -> str:
    """What b saves, how much faster it is, and what decides that."""
    saved = _times(row.macs_ratio, "MACs")
    if row.verdict is Verdict.NOT_USABLE:
        return f"{saved}; its times are not usable, so nothing is said of them"
    if row.verdict is Verdict.NOT_CONVERGED:
        return f"{saved}; not enough rounds to tell whether it is faster; {_bounds(row)}"
    if row.measured is not None:
        speedup, runs = row.measured.median, "runs"
    elif row.predicted_speedup:
        speedup, runs = row.predicted_speedup, "should run"
    else:
        return f"{saved}, {_work_a_byte(row)}"
    if row.verdict is Verdict.INDISTINGUISHABLE:
        return f"{saved}, and no difference in time can be told; {_bounds(row)}"
    if row.verdict in (Verdict.FASTER_HERE, Verdict.SLOWER_HERE):
        alone = "in this run, which another need not confirm"
        return f"{saved}, {runs} {_faster(speedup)} {alone}; {_bounds(row)}"
    if row.measured is not None and (why := evidence(row, speedup)):
        return f"{saved}, {runs} {_faster(speedup)}: {why}"
    if not row.predicted_speedup and row.macs_ratio and not 1 / SAME < row.macs_ratio < SAME:
        kept = units.percent(speedup / row.macs_ratio)
        return f"{saved}, {runs} {_faster(speedup)}: {kept} of what the MACs promise"
    foretold = row.predicted_speedup or speedup
    if not 1 / _FORETOLD <= speedup / foretold <= _FORETOLD:
        where = f"where {_faster(foretold)} was predicted"
        return f"{saved}, {runs} {_faster(speedup)} {where}: what decides is not in the prediction"
    why = _why(row, speedup)
    return f"{saved}, {runs} {_faster(speedup)}{f': {why}' if why else ''}"


def _why(row: Comparison, speedup: float) -> str:
    """What decides the time of the side that gets less out of a MAC than the other."""
    if row.is_of_one:  # there is nothing to save
        return ""
    if not row.macs_ratio or not row.predicted_speedup:
        return _bounds(row)
    kept = speedup / row.macs_ratio
    if 1 / AS_PROMISED <= kept <= AS_PROMISED and (speedup > 1) is (row.macs_ratio > 1):
        return f"about what the MACs promise; {_bounds(row)}"
    slow, fast = (row.b, row.a) if kept < 1 else (row.a, row.b)
    each = f"a MAC of {slow.name} takes {units.ratio(max(kept, 1 / kept))} as long"
    return f"{each}; {_held(slow, fast)}"


def _held(slow: Side, fast: Side) -> str:
    """What holds the side that is slow for its MACs."""
    assert slow.predicted is not None
    which = slow.predicted.bound
    words = []
    if which is Bound.MEMORY:
        ridge, intensity = slow.predicted.ridge_point, slow.cost.intensity
        both = fast.predicted is not None and fast.predicted.bound is which
        words.append(f"{'both are' if both else 'it is'} {WORDS[which]}")
        if ridge and intensity < ridge:
            here, there = units.significant(intensity), units.significant(ridge)
            words[0] += f", at {here} FLOP for each byte where {there} would keep the device busy"
    calls = len(slow.trace.operators), len(fast.trace.operators)
    if which is Bound.OVERHEAD and calls[0] > calls[1]:
        words.append(f"it is {WORDS[which]}, {calls[0]} against {calls[1]}")
    named = [share for share in shares(slow) if share.kind != Kind.OTHER] or shares(slow)
    out = max(named, key=lambda share: share.time - share.macs)
    if out.time - out.macs > _STANDS_OUT:
        does = f"{units.percent(out.macs)} of its MACs" if out.macs else "none of its MACs"
        words.append(
            f"its {out.kind} does {does} and takes {units.percent(out.time)} of its predicted time"
        )
    if not words:
        rates = [units.rate(side.flops_per_s or 0.0, "FLOP/s") for side in (slow, fast)]
        words.append(f"it reaches {rates[0]} against {rates[1]}")
    return ", and ".join(words)


def _bounds(row: Comparison) -> str:
    a, b = (side.predicted.bound if side.predicted else None for side in (row.a, row.b))
    if a is None or b is None:
        return "nothing is known of what bounds them"
    if a is b:
        return f"both are {WORDS[a]}"
    return f"{row.a.name} is {WORDS[a]}, {row.b.name} {WORDS[b]}"


def _work_a_byte(row: Comparison) -> str:
    """Without a device: how much less arithmetic b does for each byte."""
    if not row.bytes_ratio:
        return "no bytes to compare"
    a, b = (units.significant(side.cost.intensity) for side in (row.a, row.b))
    moved = _times(row.bytes_ratio, "bytes")
    return f"{moved}: {b} FLOP for each byte against {a}"


def _times(ratio: float | None, what: str) -> str:
    """`8.42x fewer MACs`."""
    if not ratio:
        return f"no {what} to compare"
    if 1 / SAME < ratio < SAME:
        return f"as many {what}"
    word = "fewer" if ratio > 1 else "more"
    return f"{units.ratio(max(ratio, 1 / ratio))} {word} {what}"


def _faster(speedup: float) -> str:
    """`4.34x faster`, or near 1 `0.3% faster`."""
    if speedup == 1:
        return "as fast"
    word = "faster" if speedup > 1 else "slower"
    times = max(speedup, 1 / speedup)
    return f"{units.ratio(times) if times >= SAME else units.percent(times - 1)} {word}"
