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

_MUCH = 0.1  # of a pass

FORECASTS = (
    col.MODEL,
    Column("batch", "batch", left=True, under=True),
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
    rows: Sequence[Forecast], profile: Profile, dtypes: Sequence[str], checks: Sequence[Forecast]
) -> Report:
    """One row a prediction; `checks` are those of networks that were measured there."""
    results = [record(row) for row in rows]
    return Report(
        command="predict",
        results=results,
        tables=[Table(FORECASTS, [{**row, "interval": _interval(row)} for row in results])],
        findings=[*_findings(checks), *_far(rows), *_left_out(rows)],
        notes=_notes(profile, dtypes, checks),
        environment={
            **software(),
            "ceilings": profile.record(),
            "checks": [record(check) for check in checks],
        },
    )


def _interval(row: dict[str, Any]) -> str:
    return units.durations(row["predicted_low_s"], row["predicted_high_s"])


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


def _notes(profile: Profile, dtypes: Sequence[str], checked: Sequence[Forecast]) -> list[str]:
    """Notes: whose ceilings they are, what they rest on, how wrong they were where it is known."""
    when = f", measured {profile.measured:%Y-%m-%d}" if profile.measured else ""
    plural = "s" if profile.threads > 1 else ""
    threads = f", {profile.threads} thread{plural}" if profile.operators else ""
    device = f"{profile.device}: " if profile.device else ""
    lines = [f"{device}{profile.name}{threads}{when}"]
    fine = [dtype for dtype in dtypes if dtype in profile.operators]
    plain = [dtype for dtype in dtypes if dtype not in profile.operators]
    if fine:
        lines.append(f"predicted from the speed of each kind of operator in {', '.join(fine)}")
    if plain:
        lines.append(
            f"predicted from max(FLOPs / peak, bytes / bandwidth) + call in {', '.join(plain)}, "
            "the least that it can take"
        )
    if fine and profile.operators_disturbed:
        lines.append("its operators were measured while something disturbed")
    if fine and not _errors(checked):
        lines.append("no network was measured there to hold predictions to")
    return lines


def _errors(checked: Sequence[Forecast]) -> list[float]:
    return [abs(check.error) for check in checked if check.error is not None]


def _findings(checked: Sequence[Forecast]) -> list[str]:
    """How far off predictions were of networks that were measured there."""
    if not (errors := _errors(checked)):
        return []
    return [
        f"{units.number(len(errors), 'network')} measured there: predictions are off by "
        f"{units.percent(median(errors))} (median), {units.percent(max(errors))} at most"
    ]
