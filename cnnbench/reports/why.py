"""How the answer to "why is it not as much faster" reads: from the promise to the ways out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cnnbench import units
from cnnbench.counting.cost import total
from cnnbench.reports import columns as col
from cnnbench.reports.compare import judgements, notes, surroundings
from cnnbench.reports.environment import alert
from cnnbench.reports.report import Column, Report, Table
from cnnbench.reports.why_conclusions import conclusions
from cnnbench.roofline.predict import dtype_of
from cnnbench.studies.comparison.comparison import Comparing, Comparison, Side
from cnnbench.studies.comparison.explain import SAME, explain
from cnnbench.studies.comparison.records import record
from cnnbench.studies.comparison.ways import Way, tried
from cnnbench.timing.by_layer.causes import NAMES, WORDS
from cnnbench.timing.samples.pairing import Verdict

_LEGEND = (
    "Computing is what multiplies. Waiting for threads is what that takes longer than threads that "
    "all work would. oneDNN, which computes convolutions on a CPU, packs weights and changes the "
    "layout of images around each. Passes over memory are operators that multiply nothing, such as "
    "batch norm and ReLU. Calls are Python, dispatch and memory asked for; new memory is what the "
    "system takes to give it."
)
_SHARE = 0.005  # of a pass, from which on a cause has a line


def report_of(done: Comparing) -> Report:
    """The page of one pair: what is promised, what it took, where time went, what changes it."""
    found = list(tried(done.rows))
    first = found[0].row
    kinds = {end: list(_kinds(side)) for end, side in _sides(first)}
    results = [_record(way) for way in found]
    results[0] |= {f"kinds_{end}": rows for end, rows in kinds.items()}
    parts = (_promise(first), _measured(first), _causes(first), _roof(first, done, kinds))
    tables = [*filter(None, parts), _ways(found)]
    return Report(
        command="why",
        results=results,
        tables=[
            replace(table, title=f"{number}  {table.title}")
            for number, table in enumerate(tables, 1)
        ],
        findings=[*conclusions(found), *_missing(first), *judgements(done)],
        notes=notes(done, first.b.run_in),
        environment=surroundings(done),
        alert=alert(done.warnings),
        records=[{k: v for k, v in one.items() if k not in _NESTED} for one in results],
    )


def _record(way: Way) -> dict[str, Any]:
    """A way's row, with how it was run."""
    image = {f"image_s_{end}": side.image_s for end, side in _sides(way.row)}
    setting = way.row.b.run_in.record()
    return {"way": way.name, "kept": way.kept, **setting, **record(way.row), **image}


_NESTED = ("kinds_a", "kinds_b")


def title(done: Comparing) -> str:
    """What the page is called."""
    row = done.rows[0]
    return f"{row.a.name} and {row.b.name}: what the MACs promise, and what runs"


def _sides(row: Comparison) -> tuple[tuple[str, Side], tuple[str, Side]]:
    return ("a", row.a), ("b", row.b)


def _names(row: Comparison) -> tuple[Column, Column]:
    return Column("a", row.a.name), Column("b", row.b.name)


def _promise(row: Comparison) -> Table:
    """Counts, and what they promise."""
    costs = (
        ("params", "params", units.count),
        ("MACs", "macs", units.count),
        ("bytes moved", "bytes_moved", units.size),
        ("FLOP per byte", "intensity", units.significant),
    )
    lines = []
    for name, key, show in costs:
        a, b = (getattr(side.cost, key) for side in (row.a, row.b))
        lines.append(
            {"what": name, "a": show(a), "b": show(b), "ratio": units.ratio(a / b) if b else None}
        )
    less = row.macs_ratio
    formula = f", {row.closed_form}" if row.closed_form else ""
    neither = not row.a.cost.macs and not row.b.cost.macs
    text = f"{'Neither' if neither else 'One of them'} multiplies {'' if neither else 'nothing'}"
    text = f"{text.rstrip()}, so their MACs promise nothing."
    if less and 1 / SAME < less < SAME:
        text = f"{row.b.name} computes as many multiply-accumulates as {row.a.name}{formula}, "
        text += "so no difference is promised."
    elif less:
        few = "fewer" if less >= 1 else "more"
        text = (
            f"{row.b.name} computes {units.ratio(max(less, 1 / less))} {few} multiply-accumulates "
            f"than {row.a.name}{formula}. If time followed them, it would be as much "
            f"{'faster' if less >= 1 else 'slower'}."
        )
    columns = (Column("what", "", left=True), *_names(row), Column("ratio", "times less"))
    where = f", at {row.label}" if row.label else ""
    return Table(columns, lines, f"What the MACs promise{where}", text=text)


def _measured(row: Comparison) -> Table:
    """What a pass took, and why."""
    shown = {end: side.latency_s and units.duration(side.latency_s) for end, side in _sides(row)}
    rates = {
        end: side.flops_per_s and units.rate(side.flops_per_s, "FLOP/s")
        for end, side in _sides(row)
    }
    found = record(row)
    missing = "failed" if row.failure else None
    ratio = units.ratio(found["measured_speedup"]) if found["measured_speedup"] else missing
    lines = [
        {"what": "a pass", **shown, "ratio": ratio, "interval": col.of_ratio(found)},
        {"what": "reached", **rates},
    ]
    columns = (
        *(Column("what", "", left=True), *_names(row), Column("ratio", "times less")),
        Column("interval", "rerun, 95%"),
    )
    sentence = explain(row)
    return Table(
        columns, lines, "What it takes here", text=sentence[:1].upper() + sentence[1:] + "."
    )


def _untold(row: Comparison) -> bool:
    """Whether what ran by operators says nothing of the passes that were timed."""
    found = (row.a.causes, row.b.causes)
    usable = row.verdict is not Verdict.NOT_USABLE
    return not usable or not all(one is None or one.adds_up for one in found)


def _missing(row: Comparison) -> Iterator[str]:
    """Why it is not told where the time goes."""
    for side in (row.a, row.b):
        if side.layers is not None and side.layers.whole.error:
            yield f"Where the time of {side.name} goes is not told: {side.layers.whole.error}"
    if row.verdict is not Verdict.NOT_USABLE and _untold(row):
        yield "Where the time goes is not told: by operators a pass took another time than whole."


def _causes(row: Comparison) -> Table | None:
    """What each pass spent its time on."""
    a, b = row.a.causes, row.b.causes
    if a is None or b is None or _untold(row):
        return None
    lines = [
        {
            "cause": WORDS[name],
            **{
                f"{what}_{end}": value
                for end, one in (("a", a), ("b", b))
                for what, value in (("time", one.seconds(name)), ("share", one.share(name)))
            },
        }
        for name in NAMES
        if max(abs(a.share(name)), abs(b.share(name))) > _SHARE
    ]
    columns = [Column("cause", "", left=True)]
    for end, side in _sides(row):
        columns.append(Column(f"time_{end}", side.name, _signed_duration))
        columns.append(Column(f"share_{end}", "share", units.percent))
    return Table(tuple(columns), lines, "Where the time goes", text=_LEGEND)


def _signed_duration(seconds: float) -> str:
    return units.duration(seconds) if seconds >= 0 else f"-{units.duration(-seconds)}"


def _kinds(side: Side) -> Iterator[dict[str, Any]]:
    """Each kind of operator of a side: its share of MACs and of the pass, what it reaches."""
    if side.layers is None or not side.layers.operators or not side.layers.whole.latency_s:
        return
    operators, whole = side.layers.operators, side.layers.whole.latency_s
    scale = (side.latency_s or whole) / whole  # they were timed in rounds of their own
    for kind in dict.fromkeys(str(op.cost.kind) for op in operators):
        own = [op for op in operators if str(op.cost.kind) == kind]
        cost, seconds = total([op.cost.cost for op in own]), sum(op.seconds for op in own)
        least = sum(op.seconds * (op.fraction_of_bound or 0.0) for op in own)
        yield {
            "kind": kind,
            "macs_share": cost.macs / side.cost.macs if side.cost.macs else 0.0,
            "time_s": scale * seconds,
            "share": seconds / whole,
            "intensity": cost.intensity,
            "flops_per_s": cost.flops / (scale * seconds) if seconds else 0.0,
            "fraction_of_bound": least / (scale * seconds) if seconds else None,
        }


def _roof(row: Comparison, done: Comparing, kinds: dict[str, list[dict[str, Any]]]) -> Table | None:
    """Kinds of operators under the device's roof."""
    lines = [{"side": side.name, **one} for end, side in _sides(row) for one in kinds[end]]
    if not lines or done.profile is None or _untold(row):
        return None
    columns = (
        Column("side", "", left=True),
        Column("kind", "kind", left=True),
        Column("macs_share", "of\nMACs", units.percent),
        Column("share", "of\ntime", units.percent),
        Column("time_s", "time", units.duration),
        *(col.INTENSITY, col.FLOPS_PER_S),
        Column("fraction_of_bound", "of its\nbound", units.percent),
    )
    return Table(columns, lines, "Under the roof", text=_of_roof(row, done))


def _of_roof(row: Comparison, done: Comparing) -> str:
    """What the device can do, and what each network asks of it for a byte."""
    profile, dtype = done.profile, dtype_of(row.a.trace)
    peak = profile.flops_per_s.get(dtype) if profile else None
    if profile is None or not peak or not profile.bytes_per_s:
        return "Nothing is known of what the device can do."
    ridge = units.significant(profile.ridge_point(dtype) or 0.0)
    a, b = (units.significant(side.cost.intensity) for side in (row.a, row.b))
    return (
        f"The device computes at most {units.rate(peak, 'FLOP/s')}, and moves "
        f"{units.rate(profile.bytes_per_s, 'B/s')} to and from memory. So an operator needs "
        f"{ridge} FLOP for each byte that does not lie in the cache to keep it computing; "
        f"{row.a.name} has {a} in the mean, {row.b.name} {b}. More than 100% of its bound is what "
        "finds its bytes in a nearer cache."
    )


def _ways(found: Sequence[Way]) -> Table:
    """The pair in each setting."""
    lines = []
    for way in found:
        row = way.row
        each = {end: side.image_s and units.duration(side.image_s) for end, side in _sides(row)}
        told = {"interval": row.failure} if row.failure else {"interval": col.of_ratio(record(row))}
        ratio = units.ratio(way.speedup) if way.speedup else None
        kept = units.percent(way.kept) if way.kept else None
        lines.append({"way": way.name, **each, "ratio": ratio, **told, "kept": kept})
    columns = (
        *(Column("way", "", left=True), *_names(found[0].row), Column("ratio", "times less")),
        Column("interval", "rerun, 95%", left=True),
        Column("kept", "of what\nMACs promise"),
    )
    text = (
        "The same pair in other settings, timed in the same rounds; times are for one image. None "
        "changes the number of multiply-accumulates."
    )
    return Table(columns, lines, "What changes it", text=text)
