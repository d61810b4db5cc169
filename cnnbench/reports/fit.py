"""How a fit reads: the choice and its neighbours, each limit beside what was achieved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.counting.rules import convention
from cnnbench.reports import accuracy, neighbourhood
from cnnbench.reports import columns as col
from cnnbench.reports.environment import alert, reliability, software, where
from cnnbench.reports.report import Column, Report, Table
from cnnbench.roofline.profile import Profile
from cnnbench.studies.choosing.neighbours import Place
from cnnbench.studies.scaling.budget import Budget, Goal, Rule, key_of
from cnnbench.studies.scaling.fit import Fitting
from cnnbench.studies.scaling.records import chosen, limits
from cnnbench.timing import backends
from cnnbench.timing.setting import Setting

UNUSABLE = "Nothing is chosen: these are networks that were timed; again on a quiet machine."
_OF_ACCURACY = {
    "accuracy": ("percent", "metric", "dataset", "protocol", "source"),
    "estimate": ("percent", "low", "high"),
}
LIMITS = (
    Column("limit", "limit", left=True),
    Column("asked", "asked"),
    Column("achieved", "achieved"),
    Column("share", "used", units.percent),
    Column("binds", "binds", left=True),
    Column("without", "without\nthis limit"),
)


@dataclass(frozen=True)
class Asked:
    """What a fit was asked for."""

    budget: Budget
    goal: Goal
    rule: Rule
    estimated: bool
    quantised: bool = False


def report_of(
    done: Fitting,
    places: Sequence[Place],
    asked: Asked,
    setting: Setting,
    profile: Profile | None,
) -> Report:
    """The choices, the limits, and how far it can be believed; `places` are the choices'."""
    budget, goal = asked.budget, asked.goal
    results = [
        {**chosen(choice, done, budget, setting), **place.record()}
        for choice, place in zip(done.choices, places, strict=True)
    ]
    predicted = done.choices[0].variant.predicted_s is not None
    columns = (
        Column("mark", "", left=True),
        *(col.MODEL, Column("top1", "top-1"), col.PARAMS, col.MACS, col.PEAK),
        *((col.PREDICTED,) if predicted else col.wide(col.BYTES)),
        *(col.MEASURED if done.timings else ()),
    )
    return Report(
        command="fit",
        results=results,
        tables=[
            Table(columns, [{**marked(one), "top1": _top1(one)} for one in results]),
            Table(LIMITS, [_limit(row, goal) for row in limits(done, budget, goal)], "budget"),
        ],
        alert=alert(done.warnings),
        findings=_findings(done, places[0], asked),
        notes=_notes(done, setting, profile),
        environment={
            **surroundings(done, profile),
            "maximise": str(goal),
            "rule": str(asked.rule),
            "candidates": done.variants,
            "affordable": done.affordable,
            "timed": done.measured,
            "correction": done.correction,
            "likely": done.likely,
            "failures": done.failures,
            "interrupted": done.interrupted,
        },
        records=[_flat(result) for result in results],
    )


def surroundings(done: Fitting, profile: Profile | None) -> dict[str, Any]:
    """What the answer depends on: what counted it, where it was timed, by what it was predicted."""
    timed: dict[str, Any] = {}
    if done.timings:
        timed = {**asdict(done.timings[-1].environment), **reliability(done.warnings)}
    predicted = {} if profile is None else {"ceilings": profile.record()}
    return {**software(), **timed, **predicted}


def marked(result: dict[str, Any]) -> dict[str, Any]:
    """▶ the choice; ✗ what is over a limit, or could not run."""
    mark = ("▶" if result["chosen"] else "") + ("✗" if result["meets"] is False else "")
    return {**result, "mark": mark, "interval": col.of_rerun(result)}


def _top1(result: dict[str, Any]) -> str | None:
    """What is printed of it, or where nothing is, `~` what is estimated."""
    if result["accuracy"]:
        return accuracy.short(result["accuracy"])
    estimate = result["estimate"]
    return f"~{estimate['percent']:.1f}%" if estimate else None


def _limit(row: dict[str, Any], goal: Goal) -> dict[str, Any]:
    metric = row["metric"]
    show = str if goal is Goal.RESOLUTION else units.count
    return {
        "limit": metric.words,
        "asked": metric.show(row["asked"]),
        "achieved": None if row["achieved"] is None else metric.show(row["achieved"]),
        "share": row["share"],
        "binds": "●" if row["binds"] else "",
        "without": f"{show(row['without'])} {goal.words}" if row["without"] else "",
    }


def _flat(result: dict[str, Any]) -> dict[str, Any]:
    """Asked and achieved, accuracy and estimate in columns of their own."""
    apart = ("asked", "achieved", "warnings", "accuracy", "estimate")
    flat = {key: value for key, value in result.items() if key not in apart}
    for which, keys in _OF_ACCURACY.items():
        flat |= {f"{which}_{key}": (result[which] or {}).get(key) for key in keys}
    for which in ("asked", "achieved"):
        flat |= {f"{which}_{key}": value for key, value in result[which].items()}
    return {**flat, "binding": " ".join(result["binding"])}


def _findings(done: Fitting, place: Place, asked: Asked) -> list[str]:
    """What was looked for, what holds it back, how wrong predictions were, what disturbed."""
    if done.unusable:
        return [UNUSABLE, *troubles(done)]
    best, budget, goal = done.choices[0], asked.budget, asked.goal
    most, networks = f"the most {goal.words} within the budget", units.exact(done.variants)
    if done.timings:
        lines = [f"{most} of the {done.measured} timed, which predictions favour of {networks}"]
    else:
        lines = [f"{most} of the {networks} tried"]
    quantised = asked.quantised
    lines += neighbourhood.lines(place, estimated=asked.estimated, quantised=quantised)
    if budget.static:
        first, *more = (metric.words for metric in budget.static)
        held = f"limits on {', '.join([first, *more])}" if more else f"{first} limit"
        lines.append(f"{units.exact(done.affordable)} of the {networks} meet the {held}")
    binding = [metric.words for metric in done.binding]
    if binding:
        lines.append(f"● binding: {' and '.join(binding)}")
    elif done.largest:
        lines.append("No limit holds it back: it is the largest network tried.")
    else:
        lines.append("No limit holds it back: larger ones could not run, or were not tried.")
    if done.timings and done.meets is False:
        lines.append(f"its measured latency does not keep within {_latency(budget)}: ✗")
    elif done.timings and budget.latency_s is not None:
        lines.append(f"its measured latency keeps within {_latency(budget)}, a rerun's too")
    elif done.meets is None:
        lines.append("Its latency is predicted, not measured.")
    if done.likely is not None:
        lines.append(
            f"Predictions alone are {units.percent(done.likely)} sure that it keeps within "
            f"{_latency(budget)}"
        )
    if best.error is not None:
        measured = [choice for choice in done.choices if choice.error is not None]
        worst = max((abs(choice.error or 0.0) for choice in measured), default=0.0)
        lines.append(
            f"predicted times were off by {units.difference(best.error)} for it, "
            f"{units.percent(worst)} at most"
        )
    return [*lines, *troubles(done)]


def troubles(done: Fitting) -> list[str]:
    """What could not run, what disturbed, and what ended it."""
    lines = [f"{spec} could not run: {reason}" for spec, reason in done.failures.items()]
    lines += [f"warning: {warning.text}" for warning in done.warnings]
    if done.interrupted:
        lines.append("Interrupted: the best of what was measured by then.")
    return lines


def _notes(done: Fitting, setting: Setting, profile: Profile | None) -> list[str]:
    """What a reader must know of single networks, and where it was measured."""
    lines = []
    if done.timings:
        told = {
            f"{choice.variant.spec}: {warning.text}": None
            for choice in done.choices
            if choice.latency is not None
            for warning in choice.latency.warnings
        }
        lines += list(told)
        lines.append(where(done.timings[-1].environment, [setting.dtype or "float32"]))
    elif profile is not None:
        lines.append(f"predicted for {profile.name}")
    runtime = backends.profiled(backends.predicted_as(setting.backend))
    if profile is not None and not (setting.plain or runtime):
        lines.append("predicted for eager passes in the default layout")
    return [*lines, convention.FOOTER]


def _latency(budget: Budget) -> str:
    limit = budget.latency_s
    return f"{key_of(Metric.LATENCY)}={units.duration(limit)}" if limit is not None else ""
