"""How a choice among published networks reads: what each step buys, and which is the one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.counting.rules import convention
from cnnbench.reports import columns as col
from cnnbench.reports.environment import alert, where
from cnnbench.reports.fit import UNUSABLE, marked, surroundings, troubles
from cnnbench.reports.page import Page, Section
from cnnbench.reports.report import Column, Report, Table
from cnnbench.roofline.profile import Profile
from cnnbench.studies.choosing.choose import Choosing, expense
from cnnbench.studies.choosing.published import Published
from cnnbench.studies.papers.accuracy import WORDS
from cnnbench.studies.scaling.budget import Budget, Goal, written
from cnnbench.studies.scaling.fit import Choice
from cnnbench.studies.scaling.records import chosen
from cnnbench.timing.backends import PREDICTED
from cnnbench.timing.setting import Setting

_SOURCE = Column("source", "printed by", left=True, under=True)
_BACKEND = Column("backend", "back end", left=True, under=True)
_BEFORE, _AFTER = 6, 3  # steps that are shown beside the choice


def report_of(
    done: Choosing,
    budget: Budget,
    setting: Setting,
    profile: Profile | None,
    of: Sequence[Published],
) -> Report:
    """The steps and the choice; results are all networks that were considered."""
    known = {_of(choice).key: choice for choice in (*done.steps, *done.fitting.choices)}
    results = [_record(known.get(one.key, Choice(one)), one, done, budget, setting) for one in of]
    by_key = {one.key: row for one, row in zip(of, results, strict=True)}
    near, first = _near(done), of[0].accuracy
    return Report(
        command="choose",
        results=results,
        tables=[Table(_columns(done, of), [_line(by_key[_of(one).key]) for one in near])],
        alert=alert(done.fitting.warnings),
        findings=[*_findings(done, budget, of), *_left_out(done, near), *troubles(done.fitting)],
        notes=[*_notes(done, of, setting, profile)],
        environment={
            **surroundings(done.fitting, profile),
            "budget": {str(metric): limit for metric, limit in budget.limits.items()},
            "metric": first.metric,
            "dataset": first.dataset,
            "protocol": first.protocol,
            "interrupted": done.fitting.interrupted,
        },
        records=[_flat(row) for row in results],
    )


def page_of(
    report: Report, title: str, done: Choosing, budget: Budget, of: Sequence[Published]
) -> Page:
    """The choice, a figure a cost, and all networks in a table."""

    def find() -> list[Section]:
        from cnnbench.reports.charts.choose import figures  # which needs altair

        return [Section("Accuracy by cost", figures(report.results, budget.limits))]

    rows = sorted(map(_line, report.results), key=lambda row: -row["percent"])
    return Page(
        title=f"cnnbench: {title}",
        lead=[*filter(None, [report.alert]), *report.findings],
        find=find,
        table=Table(_columns(done, of), rows),
        facts=[("budget", str(budget))],
        notes=report.notes,
    )


def _of(choice: Choice) -> Published:
    assert isinstance(choice.variant, Published)
    return choice.variant


def _columns(done: Choosing, of: Sequence[Published]) -> tuple[Column, ...]:
    """Columns that have something to say: of back ends where there are several."""
    several = len({one.backend for one in of}) > 1
    return (
        Column("mark", "", left=True),
        *(col.MODEL, *((_BACKEND,) if several else ()), _SOURCE),
        Column("printed", WORDS[of[0].accuracy.metric]),
        *(col.PARAMS, col.MACS, col.PEAK),
        *((col.PREDICTED,) if of[0].predicted_s is not None else ()),
        *(col.MEASURED if done.fitting.timings else ()),
    )


def _record(
    choice: Choice, one: Published, done: Choosing, budget: Budget, setting: Setting
) -> dict[str, Any]:
    """A network's accuracy, costs and times; `fronts` are the costs in which none beats it."""
    own = chosen(choice, done.fitting, budget, setting)
    left_out = ("binding", "without", "width_mult", "depth_mult", "error")
    return {
        "model": own.pop("model"),
        "backend": one.backend,
        "chosen": own.pop("chosen"),
        "percent": one.accuracy.percent,
        "accuracy": one.accuracy.record(),
        **{key: value for key, value in own.items() if key not in left_out},
        "fronts": [str(metric) for metric, keys in done.fronts.items() if one.key in keys],
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat = {k: v for k, v in row.items() if k not in ("asked", "achieved", "warnings", "accuracy")}
    source = {key: row["accuracy"][key] for key in ("metric", "dataset", "protocol", "source")}
    return {**flat, **source, "fronts": " ".join(row["fronts"])}


def _near(done: Choosing) -> list[Choice]:
    """The choice among the steps, and some of those before and after it."""
    steps = sorted(
        {_of(one).key: one for one in (*done.steps, done.best)}.values(),
        key=lambda one: one.variant.capacity(Goal.MACS),
    )
    at = [_of(one).key for one in steps].index(_of(done.best).key)
    return steps[max(0, at - _BEFORE) : at + 1 + _AFTER]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """The accuracy and who printed it beside the rest."""
    return {
        **marked(row),
        "printed": f"{row['percent']:.1f}%",
        "source": row["accuracy"]["source"],
    }


def _findings(done: Choosing, budget: Budget, of: Sequence[Published]) -> Iterator[str]:
    """What was chosen, and what a better one would cost."""
    best, fitting = done.best, done.fitting
    if fitting.unusable:
        yield UNUSABLE
    elif best.meets(budget) is False:
        yield f"None that was timed keeps within {budget} by then."
    else:
        ways = len({one.backend for one in of})
        every = units.number(len(of) // ways, "network") + (f" in {ways} back ends" * (ways > 1))
        among = f"Of {every}"
        if fitting.timings:
            among = f"Of the {fitting.measured} timed, which predictions favour of {every}"
        yield (
            f"{among}, {best.variant.name} is the most accurate within {budget}: "
            f"{_of(best).accuracy.words}"
        )
        if best.meets(budget) is None:
            yield "Its latency is predicted, not measured."
        if done.better is not None:
            yield _better(done, done.better, budget)
        else:
            yield "None that was tested alike is more accurate."


def _left_out(done: Choosing, near: Sequence[Choice]) -> Iterator[str]:
    left = len(done.steps) - sum(one in done.steps for one in near)
    if left > 0:
        yield f"{units.number(left, 'step')} of the front left out; --format json has all"


def _better(done: Choosing, better: Choice, budget: Budget) -> str:
    """The next step of the front, and what it costs: of the first limit, or of one it breaks."""
    now, more = _of(done.best), _of(better)
    points = f"{more.accuracy.percent - now.accuracy.percent:.2g}"
    gained = f"{points} point{'' if points == '1' else 's'} more"
    over = [one for one, limit in budget.static.items() if more.value(one) > limit]
    metric = done.main
    if over and metric not in over and metric is not Metric.LATENCY:
        metric = over[0]
    values = [_spent(choice, metric, done) for choice in (done.best, better)]
    said = "predicted " if metric is Metric.LATENCY and better.seconds is None else ""
    return (
        f"The next better, {more.name}, has {gained} for {said}{written(metric, values[1])}, "
        f"{units.ratio(values[1] / values[0])} as much"
    )


def _spent(choice: Choice, metric: Metric, done: Choosing) -> float:
    """What it costs: measured, or predicted and as far off as those that were."""
    spent = expense(_of(choice), metric)
    if metric is not Metric.LATENCY:
        return spent
    return choice.seconds or (done.fitting.correction or 1.0) * spent


def _notes(
    done: Choosing, of: Sequence[Published], setting: Setting, profile: Profile | None
) -> Iterator[str]:
    """What the figures are, and where it was measured."""
    first = of[0].accuracy
    yield (
        f"accuracies are {WORDS[first.metric]} on {first.dataset}, {first.protocol}, as papers and "
        "releases print them; nothing was trained"
    )
    yield f"rows are what no other beats in accuracy and {done.main.words}, and the choice"
    if done.fitting.timings:
        yield where(done.fitting.timings[-1].environment, [setting.dtype or "float32"])
    elif profile is not None:
        yield f"predicted for {profile.name}"
    others = sorted({one.backend for one in of} - {*PREDICTED})
    if of[0].predicted_s is not None and others:
        yield f"predicted for eager passes; passes of {', '.join(others)} are not predicted"
    yield convention.FOOTER
