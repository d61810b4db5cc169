"""What the charts of a sweep's page are drawn from, and what is said below them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from statistics import median
from typing import Any, TypeVar

import numpy as np

from cnnbench import units
from cnnbench.counting.cost import Kind
from cnnbench.reports import charts, labels, sweep_bars, sweep_points
from cnnbench.reports.bars import bar, ratios
from cnnbench.reports.drawing import Width
from cnnbench.reports.page import Figure, Section
from cnnbench.studies.stages import label
from cnnbench.sweeps import views
from cnnbench.sweeps.changes import Change
from cnnbench.sweeps.pairs import PAIRS, Pair, pairs
from cnnbench.sweeps.results import Result
from cnnbench.sweeps.views import Point, Row, by_place, points, way_order, ways
from cnnbench.timing.pairing import verdict

T = TypeVar("T")

_MOST_POINTS = 1500  # that a browser draws at once without delay
_MOST_ROWS = 60  # of a chart with a row a network
_MOST_WAYS = 8  # that colours tell apart
_WIDTH, _HEIGHT = 640, 380  # for which names are placed


def sections(results: Sequence[Result]) -> list[Section]:
    """The figures of each device; of what was counted alone, its costs."""
    found = []
    for place, there in by_place(results).items():
        figures = list(_timed(there) if place else _counted(there))
        if figures:
            found.append(Section(place or "Counted alone", figures))
    return found


def _timed(results: Sequence[Result]) -> Iterable[Figure]:
    """Of networks, and of blocks beside each other; of blocks alone where there is no network."""
    order = way_order(results)[:_MOST_WAYS]
    named = ways(results)
    here = [one for one in results if named(one) in order]
    networks = _networks(here)
    where = points(networks)
    if where:
        yield from _of_points(where, order)
    yield from _throughput(networks, named, order)
    yield from _of_pairs(here)
    yield from _kinds(networks)


def _counted(results: Sequence[Result]) -> Iterable[Figure]:
    rows: list[Row] = [
        {"model": _name(one), "params": one.cost.params, "macs": one.cost.macs // one.batch}
        for one in _each_network(_networks(results))
        if one.cost and one.cost.params and one.cost.macs
    ]
    shown, note = _thinned(rows, _MOST_POINTS)
    spots = [labels.Spot(row["params"], row["macs"], row["model"], True) for row in shown]
    placed = _with_sides(shown, spots)
    if placed:
        yield Figure(
            "costs",
            "Multiply-accumulates against params",
            f"Each dot is a network, exactly counted.{note}",
            partial(sweep_points.costs, placed),
        )
    yield from _kinds(_networks(results))


def _of_points(where: Sequence[Point], order: list[str]) -> Iterable[Figure]:
    shown, note = _thinned(where, _MOST_POINTS, lambda point: point.front)
    rows = [_point(point) for point in shown]
    spots = [labels.Spot(row["macs"], row["latency_s"], row["model"], row["front"]) for row in rows]
    yield Figure(
        "latency",
        "Latency against multiply-accumulates",
        "Each dot is a network, its bar the 95% interval of its median. On a line are those than "
        f"which no other does more multiply-accumulates in less time.{note}",
        partial(sweep_points.latency, _with_sides(rows, spots), order),
    )
    foretold = [row for row in map(_prediction, shown) if row]
    if foretold:
        errors = [abs(row["error"]) for row in map(_prediction, where) if row]
        off = units.percent(median(errors))
        worst = units.percent(float(np.quantile(errors, 0.9)))
        yield Figure(
            "predicted",
            "Predicted against measured",
            "On the dashed line a prediction is right. Predictions follow from the speed of each "
            f"kind of operator on this device; they are off by {off} in the median and {worst} at "
            "the 90th percentile, of contiguous, eager inference.",
            partial(sweep_points.predicted, foretold, order),
        )
    yield from _roofline(shown)


def _point(point: Point) -> Row:
    latency = point.result.latency
    assert latency is not None
    return {
        "model": _name(point.result),
        "way": point.way,
        "macs": point.result.macs,
        "latency_s": latency.latency_s,
        "low_s": latency.ci_low_s or latency.latency_s,
        "high_s": latency.ci_high_s or latency.latency_s,
        "front": point.front,
    }


def _prediction(point: Point) -> Row | None:
    """Of what is predicted: contiguous, eager inference."""
    one, seconds = point.result, point.result.latency_s
    if one.prediction is None or one.channels_last or one.compile or not seconds:
        return None
    predicted = one.prediction.predicted_s
    return {
        "model": _name(one),
        "way": point.way,
        "latency_s": seconds,
        "predicted_s": predicted,
        "error": predicted / seconds - 1,
    }


def _roofline(shown: Sequence[Point]) -> Iterable[Figure]:
    """Of networks in the first one's dtype, whose ceilings are the device's."""
    roof, dtype = shown[0].result.roof, views.dtype(shown[0].result)
    peak, memory, cache = roof.flops_per_s, roof.bytes_per_s, roof.cache_per_s
    if not peak or not memory or not cache:
        return
    dots = [_dot(point) for point in shown if views.dtype(point.result) == dtype]
    roofs = {"flops_per_s": peak, "bytes_per_s": memory, "cache_per_s": cache}
    yield Figure(
        "roofline",
        "Under the roof",
        f"What each network reaches of what the device can do in {dtype}: left of the bend memory "
        "holds it, right of it arithmetic. Its shape says in which operators most of its "
        "multiply-accumulates are, its area the time of a pass.",
        lambda width: charts.roofline(
            dots, roofs, shapes="most MACs in", width=width, height=_HEIGHT
        ),
    )


def _dot(point: Point) -> Row:
    one = point.result
    assert one.cost is not None
    assert one.latency_s is not None
    most = max(one.kinds, key=lambda kind: one.kinds[kind].macs, default="")
    return {
        "side": point.way,
        "kind": most,
        "layer": _name(one),
        "intensity": one.cost.intensity,
        "flops_per_s": (one.cost.flops + one.cost.elementwise_flops) / one.latency_s,
        "seconds": one.latency_s,
    }


def _throughput(
    results: Sequence[Result], named: Callable[[Result], str], order: list[str]
) -> Iterable[Figure]:
    timed, note = _some_networks([one for one in results if one.latency_s])
    rows = []
    for one in timed:
        latency = one.latency
        assert latency is not None
        assert latency.latency_s is not None
        low, high = latency.ci_high_s or latency.latency_s, latency.ci_low_s or latency.latency_s
        rows.append(
            {
                "model": _name(one),
                "way": named(one),
                "images_per_s": one.batch / latency.latency_s,
                "low": one.batch / low,
                "high": one.batch / high,
            }
        )
    if rows:
        yield Figure(
            "throughput",
            "Images a second",
            f"Batch / median latency, with its 95% interval, the fastest network first.{note}",
            partial(sweep_bars.throughput, rows, order),
        )


def _of_pairs(results: Sequence[Result]) -> Iterable[Figure]:
    """Blocks against their reference, at the smallest batch of each place."""
    for a, b in PAIRS:
        found: dict[str, Pair] = {}
        for pair in sorted(pairs(results, (a, b)), key=lambda pair: pair.a.batch):
            found.setdefault(pair.label, pair)
        bars = [bar for pair in found.values() for bar in _bars(pair)]
        if not bars:
            continue
        batch = min(pair.a.batch for pair in found.values())
        yield Figure(
            f"{a}_{b}",
            f"{b} against {a}, by stage",
            f"How many times fewer multiply-accumulates {b} does than {a} (height x width x "
            f"channels → filters, at batch {batch}), and how many times as fast it is predicted "
            "and measured to run; bars are intervals of 98% confidence.",
            partial(_ratios, bars),
        )


def _ratios(bars: Sequence[Row], width: Width) -> Any:
    axis = "times fewer MACs, times as fast"
    return ratios(bars, charts.SERIES_COLOURS, title="", axis=axis, width=width)


def _bars(pair: Pair) -> Iterable[Row]:
    values = (
        pair.macs_ratio,
        pair.predicted_speedup,
        pair.measured.median if pair.measured else None,
    )
    for series, value in zip(charts.SERIES, values, strict=True):
        if value is None:
            continue
        low = high = value
        if series == charts.MEASURED and pair.measured:
            low, high = pair.measured.low, pair.measured.high
        yield bar(pair.label, series, value, low, high)


_OF_KINDS = {
    "macs": "multiply-accumulates",
    "bytes_moved": "bytes moved",
    "predicted_s": "predicted time",
}


def _kinds(results: Sequence[Result]) -> Iterable[Figure]:
    """Shares of each kind of operator, of every network once, at its smallest batch."""
    networks, note = _some_networks(results)
    alike = _each_network(networks)
    for key, words in _OF_KINDS.items():
        rows = [row for one in alike for row in _shares(one, key)]
        if rows:
            yield Figure(
                f"kinds_{key}",
                f"Share of {words} by kind of operator",
                f"What each kind of operator has of a network's {words}.{note}",
                partial(sweep_bars.kinds, rows, list(map(str, Kind)), f"share of {words}"),
            )


def _shares(one: Result, key: str) -> list[Row]:
    values = {kind: getattr(costs, key) or 0 for kind, costs in one.kinds.items()}
    whole = sum(values.values())
    return [
        {"model": _name(one), "kind": kind, "share": value / whole, "value": value}
        for kind, value in values.items()
        if value
    ]


def of_changes(rows: Sequence[Change], a: str, b: str) -> list[Section]:
    """How the times of two runs differ."""
    named = ways([change.a for change in rows])
    told = [
        {
            "name": f"{_name(change.a)}, {named(change.a)}",
            "value": change.measured.median,
            "low": change.measured.low,
            "high": change.measured.high,
            "verdict": str(verdict(change.measured)),
        }
        for change in rows
        if change.measured
    ]
    told.sort(key=lambda row: -abs(np.log(float(str(row["value"])))))
    shown, note = told[:_MOST_ROWS], ""
    if len(told) > len(shown):
        note = f" The {len(shown)} that differ most, of {len(told)}."
    if not shown:
        return []
    figure = Figure(
        "changes",
        f"How much faster {b} is than {a}",
        f"Time in {a} / time in {b}, with an interval of 98% confidence that knows what each run "
        f"saw and not what the machine did between them.{note}",
        partial(sweep_bars.ratios_of_runs, shown, f"time in {a} / time in {b}"),
    )
    return [Section("What changed", [figure])]


def _name(result: Result) -> str:
    """A network's spec; a block at the map that it is given."""
    block = result.block
    return f"{block.model.name} {label(block)}" if block else result.model


def _networks(results: Sequence[Result]) -> Sequence[Result]:
    return [one for one in results if one.block is None] or results


def _each_network(results: Iterable[Result]) -> list[Result]:
    """Every model once, at its smallest batch."""
    found: dict[str, Result] = {}
    for one in sorted(results, key=lambda one: one.batch):
        found.setdefault(one.model, one)
    asked = dict.fromkeys(one.model for one in results)
    return [found[model] for model in asked]


def _some_networks(results: Sequence[Result]) -> tuple[Sequence[Result], str]:
    """Results of as many networks as a chart can show, and which those are."""
    models = dict.fromkeys(one.model for one in results)
    if len(models) <= _MOST_ROWS:
        return results, ""
    kept = set(islice(models, _MOST_ROWS))
    return [one for one in results if one.model in kept], (
        f" The first {_MOST_ROWS} networks of {units.exact(len(models))}; the table has all."
    )


def _thinned(
    of: Sequence[T], most: int, always: Callable[[T], bool] = lambda one: False
) -> tuple[Sequence[T], str]:
    """As many as a chart can show, evenly over their order, and how many those are."""
    if len(of) <= most:
        return of, ""
    kept = {index * len(of) // most for index in range(most)}
    shown = [one for index, one in enumerate(of) if index in kept or always(one)]
    return (
        shown,
        f" {units.exact(len(shown))} of {units.exact(len(of))} are drawn; the table has all.",
    )


def _with_sides(rows: Sequence[Row], spots: Sequence[labels.Spot]) -> list[Row]:
    """Rows with the side on which their name stands."""
    where = labels.sides(spots, _WIDTH, _HEIGHT)
    return [{**row, "side": side} for row, side in zip(rows, where, strict=True)]
