"""How predictions read, beside what was measured where it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from cnnbench import units
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table
from cnnbench.roofline.profile import Profile
from cnnbench.studies.predict import Forecast, record
from cnnbench.timing.backends import EAGER

_MUCH = 0.1  # of a pass

FORECASTS = (
    col.MODEL,
    Column("batch", "batch", left=True, under=True),
    Column("runs", "backend", left=True, under=True),
    col.MACS,
    Column("predicted_s", "predicted", units.duration),
    Column("interval", "90% between", under=True),
    col.IMAGES,
    col.BOUND,
    Column("compute_share", "compute", units.percent),
    Column("memory_share", "memory", units.percent),
    Column("overhead_share", "calls", units.percent),
    Column("measured_s", "measured", units.duration),
    Column("error", "error", units.difference, under=True),
)


def report_of(
    rows: Sequence[Forecast],
    profile: Profile,
    dtypes: Sequence[str],
    names: Sequence[str],
    checks: Sequence[Forecast],
) -> Report:
    """One row a prediction; `checks` are those of networks that were measured there."""
    results = [record(row) for row in rows]
    return Report(
        command="predict",
        results=results,
        tables=[Table(FORECASTS, [{**row, **_cells(row, names)} for row in results])],
        findings=[
            *_disturbed(profile, names),
            *_findings(checks, names),
            *_far(rows),
            *_left_out(rows),
        ],
        notes=_notes(profile, dtypes, names, checks),
        environment={
            **software(),
            "ceilings": profile.record(),
            "checks": [record(check) for check in checks],
        },
    )


def _cells(row: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What is for people alone; the back end where there is another than eager."""
    interval = units.durations(row["predicted_low_s"], row["predicted_high_s"])
    return {"interval": interval, "runs": row["backend"] if list(names) != [EAGER] else None}


def _disturbed(profile: Profile, names: Sequence[str]) -> Iterator[str]:
    """Which operators predictions rest on that were measured while something disturbed."""
    for name in names:
        part = profile if name == EAGER else profile.backends[name]
        if part.operators_disturbed:
            yield f"the operators of {name} were measured while something disturbed"


def _far(rows: Sequence[Forecast]) -> Iterator[str]:
    """Networks of which much lies beyond what was sampled."""
    for row in rows:
        share = row.predicted.far_share
        if row.predicted.deviations and share > _MUCH:
            one = row.counted
            yield (
                f"{one.model}, batch {one.batch}: {units.percent(share)} of its time is of "
                "operators unlike any that was sampled, so it may be off by more"
            )


def _left_out(rows: Sequence[Forecast]) -> list[str]:
    """Operators that are not counted, and so take no time in a prediction."""
    counted = {row.counted.model: row.counted.trace for row in rows}
    return [col.uncounted(name, one.uncounted) for name, one in counted.items() if one.uncounted]


def _notes(
    profile: Profile, dtypes: Sequence[str], names: Sequence[str], checked: Sequence[Forecast]
) -> list[str]:
    """Notes: whose ceilings they are, what they rest on, how wrong they were where it is known."""
    when = f", measured {profile.measured:%Y-%m-%d}" if profile.measured else ""
    plural = "s" if profile.threads > 1 else ""
    runtimes = [name for name in names if name != EAGER]
    fine = [dtype for dtype in dtypes if dtype in profile.operators] if EAGER in names else []
    plain = [dtype for dtype in dtypes if dtype not in profile.operators] if EAGER in names else []
    threads = f", {profile.threads} thread{plural}" if profile.operators or runtimes else ""
    device = f"{profile.device}: " if profile.device else ""
    lines = [f"{device}{profile.name}{threads}{when}"]
    if fine:
        lines.append(f"predicted from the speed of each kind of operator in {', '.join(fine)}")
    if runtimes:
        said = ", ".join(f"{name} {profile.backends[name].version}".strip() for name in runtimes)
        lines.append(f"predicted from the speed of each kind of node of {said}")
    if plain:
        lines.append(
            f"predicted from max(FLOPs / peak, bytes / bandwidth) + call in {', '.join(plain)}, "
            "the least that it can take"
        )
    if (fine or runtimes) and not _errors(checked):
        lines.append("no network was measured there to hold predictions to")
    return lines


def _errors(checked: Sequence[Forecast]) -> list[float]:
    return [abs(check.error) for check in checked if check.error is not None]


def _findings(checked: Sequence[Forecast], names: Sequence[str]) -> Iterator[str]:
    """How far off predictions were of networks that were measured there, a line a back end."""
    for name in names:
        errors = _errors([check for check in checked if check.backend == name])
        if errors:
            there = "there" if list(names) == [EAGER] else f"there in {name}"
            yield (
                f"{units.number(len(errors), 'network')} measured {there}: predictions are off by "
                f"{units.percent(median(errors))} (median), {units.percent(max(errors))} at most"
            )
