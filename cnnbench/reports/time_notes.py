"""What a reader must know of latencies, and what their runs say of themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from cnnbench import units
from cnnbench.reports import columns as col
from cnnbench.reports.environment import alert, reliability, where
from cnnbench.reports.report import Report
from cnnbench.roofline.profile import Profile
from cnnbench.timing.backends import EAGER
from cnnbench.timing.by_layer.causes import NAMES, WORDS, causes, verb
from cnnbench.timing.by_layer.layers import LayerTimes
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing
from cnnbench.timing.sustained import Sustained

_LEAST = 0.02  # of a pass, from which on a cause is named


def notes(latencies: Sequence[Latency], timing: Timing) -> list[str]:
    """What a reader must know of rows, where it was measured, against which roof."""
    about, kept = timing.environment, timing.profile
    dtypes = dict.fromkeys(latency.dtype for latency in latencies if latency.dtype)
    layout = any(row.setting.channels_last for row in latencies)
    lines = [*reruns(latencies), *_warnings(latencies), *_clocks(timing.networks or [])]
    lines += _causes(timing.networks or [], kept)
    lines += _reorders(timing.networks or [])
    lines += _ran(latencies)
    lines.append(where(about, dtypes, channels_last=layout))
    roofs = [
        f"{units.rate(kept.flops_per_s[dtype], 'FLOP/s')} in {dtype}"
        for dtype in dtypes
        if dtype in kept.flops_per_s
    ]
    if roofs:
        when = f"measured {kept.measured:%Y-%m-%d}"
        when = "too low: measured while disturbed" if kept.disturbed else when
        lines.append(f"roof: a matrix product's {', '.join(roofs)}, {when}")
    return lines


def beside(report: Report, timing: Timing) -> Report:
    """A report of something else with what its reader must know of times that were measured."""
    return replace(
        report,
        alert=alert(timing.warnings),
        environment={**report.environment, **environment(timing)},
        findings=[*findings(timing.latencies, timing), *report.findings],
        notes=[*notes(timing.latencies, timing), *report.notes],
    )


def environment(timing: Timing) -> dict[str, Any]:
    """Where it was measured, against which roof, and what disturbed."""
    return {
        **asdict(timing.environment),
        "ceilings": timing.profile.record(),
        **reliability(timing.warnings),
        "interrupted": timing.interrupted,
    }


def _causes(networks: Sequence[LayerTimes], profile: Profile) -> Iterator[str]:
    """What passes went into, the most first."""
    for part in networks:
        found = causes(part, profile)
        if found is None:
            continue
        parts = sorted(NAMES, key=lambda name: -found.share(name))
        shares = [
            f"{WORDS[name]} {verb(name)} {units.percent(found.share(name))}"
            for name in parts
            if found.share(name) > _LEAST
        ]
        way = " ".join(part.whole.setting.words("batch", "dtype", "backend"))
        yield f"{part.whole.model} {way}: {', '.join(shares)}"


def _reorders(networks: Sequence[LayerTimes]) -> Iterator[str]:
    """What oneDNN spends on layouts within eager convolutions."""
    for part in networks:
        found = part.reorders
        if found is None or not found.seconds:
            continue
        packing, images = found.packing_s / found.seconds, found.images_s / found.seconds
        yield (
            f"{part.whole.model}: of its convolutions' time oneDNN packs "
            f"{units.size(found.packed_bytes)} of weights anew for {units.percent(packing)}, and "
            f"changes the layout of images for {units.percent(images)}; a runtime packs once"
        )


def _ran(latencies: Sequence[Latency]) -> Iterator[str]:
    """What runtimes made of networks, as they say themselves."""
    for row in latencies:
        ran = row.ran
        if ran.nodes is None:
            continue
        said = [units.number(ran.nodes, "node")]
        if ran.delegated is not None:
            said.append(f"{units.percent(ran.delegated)} of them delegated to XNNPACK")
        if ran.computed_in:
            said.append(f"most that multiply in {ran.computed_in}")
        if row.setting.calibrate:
            said.append(f"scales from {row.setting.calibrate}")
        where = " ".join(row.setting.words("dtype", "backend"))
        yield f"{row.model} {where}: {', '.join(said)}"


def _clocks(networks: Sequence[LayerTimes]) -> Iterator[str]:
    """What a runtime's clock on its nodes adds to them."""
    for part in networks:
        setting = part.whole.setting
        if setting.backend != EAGER and part.added_s:
            added = units.duration(part.added_s)
            yield (
                f"{part.whole.model} {' '.join(setting.words('dtype', 'backend'))}: its nodes take "
                f"{added} more than its pass, since {setting.backend}'s clock on each takes time"
            )


def reruns(latencies: Sequence[Latency]) -> list[str]:
    """How far the values of the widest rows lie apart, in this run and the next, and whence."""
    known = [row for row in latencies if row.reliable and _width(row) not in (0.0, math.inf)]
    if not known:
        return []
    row = max(known, key=_width)
    records = [asdict(one) for one in known]
    ends = [
        units.precision(max(col.half_width(record, which) or 0.0 for record in records))
        for which in ("run", "ci")
    ]
    most = "at most " if len(known) > 1 else ""
    if row.known_runs:
        whence = f"as {units.number(row.known_runs, 'earlier value')} here lay apart"
    else:
        whence = "as assumed until it has been run here again"
    how = f"{row.processes} processes" if row.processes > 1 else "one process"
    return [f"{most}{ends[0]} in this run of {how}, {ends[1]} in another, {whence}"]


def findings(latencies: Sequence[Latency], timing: Timing) -> list[str]:
    """What disturbed it, what could not be timed, and why."""
    lines = [f"warning: {warning.text}" for warning in timing.warnings]
    lines += [f"{_named(row)}: {row.error}" for row in latencies if row.error]
    if timing.interrupted:
        lines.append("Interrupted: this is what was measured by then.")
    return lines


def _named(row: Latency) -> str:
    """Which row it is, without its model, which an error names."""
    return ", ".join(row.setting.words("batch", "dtype", "backend"))


def _warnings(latencies: Sequence[Latency]) -> list[str]:
    """Each kind of warning of single rows once, by the row that has it most."""
    lines = []
    told: dict[str, list[tuple[Latency, str]]] = {}
    for row in sorted(latencies, key=_width, reverse=True):
        for warning in row.warnings:
            told.setdefault(warning.name, []).append((row, warning.text))
    for same in told.values():
        (row, text), *others = same  # the widest says it for all
        place = f"{row.model}, batch {row.setting.batch}"
        lines.append(f"{place}{f' and {len(others)} more' if others else ''}: {text}")
    return lines


def _width(row: Latency) -> float:
    """How wide the interval is, relative to the median."""
    if not row.latency_s or row.ci_high_s is None or row.ci_low_s is None:
        return 0.0 if row.error else float("inf")
    return (row.ci_high_s - row.ci_low_s) / row.latency_s


def kept(found: Sustained | None) -> list[str]:
    """How much of its first throughput the device has in the end."""
    if found is None:
        return []
    first, last = map(units.speed, (found.first_images_per_s, found.last_images_per_s))
    stretch = units.duration(found.stretch_s)
    return [
        f"first {stretch}: {first} images/s, last {stretch}: {last}, "
        f"{units.percent(found.kept)} of it"
    ]
