"""A sweep's results as a table, as records, and as a page. Needs torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cnnbench import units
from cnnbench.counting.rules import convention
from cnnbench.reports import accuracy
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.page import Page, Section
from cnnbench.reports.report import Column, Report, Table
from cnnbench.sweeps import views
from cnnbench.sweeps.results import Result

TABLE = (
    col.MODEL,
    Column("way", "batch", left=True, under=True),
    *(accuracy.COLUMN, col.PARAMS, col.MACS, col.PEAK),
    Column("latency_s", "latency", units.duration),
    Column("interval", col.OF_RERUN, under=True),
    *(col.IMAGES, col.PREDICTED),
    Column("bound", "bound", under=True),
    *(col.FLOPS_PER_S, col.OF_ROOF),
)
DEVICE = Column("device_name", "device", left=True, under=True)
FAILED = Column("failed", "", left=True)
_OF_TIMES = {"latency_s", "interval", "throughput_images_per_s", "flops_per_s", "fraction_of_peak"}
_OF_PREDICTIONS = {"predicted_s", "bound"}


def reported(results: Sequence[Result], folders: Sequence[str]) -> tuple[Report, Page]:
    """All that was found, to print and to look at."""
    results = views.ordered(results)
    rows = [views.row(result) for result in results]
    named = views.named(results)
    shown = [_shown(row, named(one)) for row, one in zip(rows, results, strict=True)]
    unknown = {
        row["model"]: col.uncounted(row["model"], row["uncounted"])
        for row in rows
        if row["uncounted"]
    }
    about, warned = facts(results), told(results)
    marked = [accuracy.MARKED] if any(row["accuracy"] for row in rows) else []
    failures = [f"{one.model}, {named(one)}: {one.failure}" for one in results if one.failure]
    table = Table(_columns(rows), shown)
    report = Report(
        command="report",
        results=rows,
        tables=[table],
        findings=[*failures, *unknown.values()],
        notes=[*warned, *(f"{term}: {text}" for term, text in about), *marked, convention.FOOTER],
        alert=unusable(results),
        environment={**software(), "stores": list(folders)},
    )
    failed = f", {len(failures)} failed" if failures else ""
    page = Page(
        title=f"cnnbench: {', '.join(folders)}",
        lead=[
            *filter(None, [unusable(results)]),
            f"{units.number(len(results), 'configuration')} of "
            f"{units.number(len({one.model for one in results}), 'model')}{failed}. "
            "A chart's marks tell their numbers where the pointer stands.",
        ],
        find=lambda: _sections(results),
        table=table,
        facts=about,
        notes=[*warned, *unknown.values(), *failures, *marked, convention.FOOTER],
    )
    return report, page


def _sections(results: Sequence[Result]) -> list[Section]:
    from cnnbench.reports.sweep.figures import sections  # which needs altair

    return sections(results)


def _columns(rows: Sequence[dict[str, Any]]) -> tuple[Column, ...]:
    """Columns that have something to show."""
    empty: set[str] = set()
    if all(row["latency_s"] is None for row in rows):
        empty |= _OF_TIMES
    if all(row["predicted_s"] is None for row in rows):
        empty |= _OF_PREDICTIONS
    devices = {row["device_name"] for row in rows} - {None}
    model, way, *rest = (column for column in TABLE if column.key not in empty)
    where = (DEVICE,) if len(devices) > 1 else ()
    failed = (FAILED,) if "interval" in empty and any(row["failure"] for row in rows) else ()
    return (model, way, *where, *rest, *failed)


def _shown(row: dict[str, Any], way: str) -> dict[str, Any]:
    """A row with the cells that its table makes of it."""
    failed = "failed" if row["failure"] else None
    interval = None if row["latency_s"] is None else col.judged(row)
    shown = {"way": way.removeprefix("batch "), "interval": failed or interval, "failed": failed}
    return {**row, **shown}


def unusable(results: Sequence[Result]) -> str:
    """The first line, where times are not usable; nothing where all are."""
    number = sum(not one.reliable for one in results)
    if not number:
        return ""
    return (
        f"The times of {units.number(number, 'configuration')} are not usable: the machine was "
        "busy; 'cnnbench sweep --retry' measures again"
    )


def facts(results: Sequence[Result]) -> list[tuple[str, str]]:
    """Facts: where and when it was measured, a line a device; several versions are all named."""
    found = []
    for place, there in views.by_place(results).items():
        when = sorted(one.measured for one in there)
        days = dict.fromkeys(f"{moment:%Y-%m-%d %H:%M}" for moment in (when[0], when[-1]))
        days_said = f"{' to '.join(days)} UTC"
        if not place:
            found.append(("counted alone", days_said))
            continue
        abouts = [one.environment for one in there if one.environment]
        software = {
            "torch": {about.torch for about in abouts},
            "CUDA": {about.cuda for about in abouts if about.cuda},
            "driver": {about.driver for about in abouts if about.driver},
            "Python": {about.python for about in abouts},
            "": {about.platform for about in abouts},
        }
        words = [
            f"{name} {' and '.join(sorted(versions))}".strip()
            for name, versions in software.items()
            if versions
        ]
        found.append((place, "; ".join([", ".join(words), days_said])))
    return found


def told(results: Sequence[Result]) -> list[str]:
    """What a reader must know of these times: how many rows have which warning."""
    lines = []
    unconverged = [one for one in results if one.latency_s and not _converged(one)]
    if unconverged:
        lines.append(
            f"! {len(unconverged)} of {sum(one.latency_s is not None for one in results)} "
            "latencies are not as narrow as was asked; raise --max-time of the sweep"
        )
    rows: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for one in results:
        warnings = [*(one.latency.warnings if one.latency else ())]
        warnings += one.environment.warnings if one.environment else ()
        for warning in warnings:
            if warning.name != "not_converged":
                rows[warning.name] += 1
                texts.setdefault(warning.name, f"{one.model}: {warning.text}")
    lines += [
        texts[name] + (f" (and {number - 1} more)" if number > 1 else "")
        for name, number in rows.items()
    ]
    return lines


def _converged(result: Result) -> bool:
    return bool(result.latency and result.latency.converged)
