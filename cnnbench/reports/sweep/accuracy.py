"""Figures of published accuracy against what networks cost, and take in each way of running."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from cnnbench.counting.metrics import Metric
from cnnbench.reports.charts.accuracy import Panel, draw
from cnnbench.reports.page import Figure
from cnnbench.reports.sweep.selection import each_network, thinned
from cnnbench.studies.papers.accuracy import TOP1, WORDS, Accuracy
from cnnbench.sweeps.results import Result
from cnnbench.sweeps.views import Point, Row, accuracies

_MS, _MIB = 1e3, 1 / 2**20
_FEWEST = 2  # networks that were tested alike
_EACH = "Each dot is a network; the line joins those that no other beats in both."


def figures(
    results: Sequence[Result], where: Sequence[Point], order: list[str], ways: str
) -> Iterable[Figure]:
    """Accuracy against latency, a line a way, and against counted costs; none where few have one.

    Of figures of several tests those that most networks have: unlike ones do not rank.
    """
    test = _most([one for result in results for one in accuracies(result)])
    if test is None:
        return
    said = f"{WORDS[test[1]]} on {test[0]}, {test[2]}, as papers and releases print it."
    times = [_dot(one.result, test, one.series, _latency(one.result)) for one in where]
    shown, note = thinned([dot for dot in times if dot is not None])
    if len({dot["model"] for dot in shown}) >= _FEWEST:
        yield _figure("latency", "latency, ms", "~g", shown, order, f"{_EACH} {said}{note}{ways}")
    networks = each_network(results)
    for metric, (scale, unit) in _COUNTED.items():
        found = [_dot(one, test, "", scale * _value(one, metric)) for one in networks]
        counted, note = thinned([dot for dot in found if dot is not None])
        if len(counted) >= _FEWEST:
            title = metric.words + (f", {unit}" if unit else "")
            form = "~g" if unit else "~s"
            yield _figure(metric, title, form, counted, [""], f"{_EACH} {said}{note}")


_COUNTED = {Metric.MACS: (1.0, ""), Metric.PARAMS: (1.0, ""), Metric.PEAK: (_MIB, "MiB")}


def _most(known: Sequence[Accuracy]) -> tuple[str, str, str] | None:
    """The test of which most networks have a figure of top-1 by one pass an image."""
    models: dict[tuple[str, str, str], set[tuple[str, int]]] = {}
    for one in known:
        if one.metric == TOP1 and one.is_usual:
            models.setdefault(one.test, set()).add((one.model, one.resolution))
    test = max(models, key=lambda test: len(models[test]), default=None)
    return test if test is not None and len(models[test]) >= _FEWEST else None


def _dot(result: Result, test: tuple[str, str, str], way: str, cost: float) -> Row | None:
    """A network with what it costs; None where it was not tested so, or costs nothing known."""
    known = next((one for one in accuracies(result) if one.test == test), None)
    if known is None or not cost:
        return None
    named = {"model": result.model, "group": way, "way": way, "source": known.source}
    return {**named, "accuracy": known.percent, "cost": cost}


def _latency(result: Result) -> float:
    """Milliseconds; 0 where they are not usable."""
    return _MS * result.latency_s if result.latency_s and result.reliable else 0.0


def _value(result: Result, metric: Metric) -> float:
    """What an image costs: memory is that of the smallest batch."""
    if result.cost is None:
        return 0.0
    if metric is Metric.PEAK:
        return result.cost.peak_activation_bytes
    return result.cost.params if metric is Metric.PARAMS else (result.macs or 0) / result.batch


def _figure(
    name: str, title: str, form: str, dots: Sequence[Row], groups: list[str], caption: str
) -> Figure:
    there = {dot["group"] for dot in dots}
    drawn = Panel(title, form, [*_with_fronts(dots)])
    return Figure(
        f"accuracy-{name}",
        f"Accuracy against {title.partition(',')[0]}",
        caption,
        partial(draw, drawn, [group for group in groups if group in there]),
    )


def _with_fronts(dots: Sequence[Row]) -> Iterable[Row]:
    """Dots, and whether each is on the front of its way."""
    most: dict[str, float] = {}
    for dot in sorted(dots, key=lambda dot: (dot["cost"], -dot["accuracy"])):
        front = dot["accuracy"] > most.get(dot["way"], 0.0)
        if front:
            most[dot["way"]] = dot["accuracy"]
        yield {**dot, "front": front, "chosen": False}
