"""Figures with a row a network, and of blocks beside their reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from cnnbench.counting.cost import Kind
from cnnbench.reports import columns as col
from cnnbench.reports.charts import rows as sweep_bars
from cnnbench.reports.charts.ratios import OF_SPEEDUPS, TIMES, ratios, speedups
from cnnbench.reports.page import Figure
from cnnbench.reports.sweep.selection import each_network, name, some_networks
from cnnbench.sweeps.compare import PAIRS, pairs
from cnnbench.sweeps.results import Result
from cnnbench.sweeps.views import Row


def throughput(
    results: Sequence[Result], named: Callable[[Result], str], order: list[str], ways: str
) -> Iterable[Figure]:
    """Throughput of every timed network; `ways` says which ways of running are not drawn."""
    timed, note = some_networks([one for one in results if one.latency_s and one.reliable])
    rows = []
    for one in timed:
        latency = one.latency
        assert latency is not None
        assert latency.latency_s is not None
        low, high = latency.ci_high_s or latency.latency_s, latency.ci_low_s or latency.latency_s
        rows.append(
            {
                "model": name(one),
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
            f"Batch / median latency; its bar is {col.OF_RERUNS}. The fastest first.{note}{ways}",
            partial(sweep_bars.throughput, rows, order),
        )


def pairs_of(
    results: Sequence[Result], named: Callable[[Result], str], order: Sequence[str]
) -> Iterable[Figure]:
    """Blocks against their reference, in the first way of running that has both."""
    for a, b in PAIRS:
        blocks = [one for one in results if one.block and one.block.model.name in (a, b)]
        for way in order:
            found = pairs([one for one in blocks if named(one) == way], (a, b))
            bars = [row for pair in found for row in speedups(pair.label, pair)]
            if bars:
                yield Figure(
                    f"{a}_{b}",
                    f"{b} against {a}, by stage",
                    f"How many times fewer multiply-accumulates {b} does than {a} (height x width "
                    f"x channels → filters), and how many times as fast it is predicted and "
                    f"measured to run, {way}; bars are {col.OF_RERUNS}.",
                    partial(ratios, bars, OF_SPEEDUPS, "", TIMES),
                )
                break


_KINDS = set(map(str, Kind))
_OF_KINDS = {
    "macs": "multiply-accumulates",
    "bytes_moved": "bytes moved",
    "predicted_s": "predicted time",
}


def kinds(results: Sequence[Result], way: str) -> Iterable[Figure]:
    """Shares of each kind of operator, of every network once; `way` is how these ran."""
    networks, note = some_networks(results)
    alike = each_network(networks)
    for key, words in _OF_KINDS.items():
        rows = [row for one in alike for row in _shares(one, key)]
        if rows:
            yield Figure(
                f"kinds_{key}",
                f"Share of {words} by kind of operator",
                f"What each kind of operator has of a network's {words}{way}.{note}",
                partial(sweep_bars.kinds, rows, list(map(str, Kind)), f"share of {words}"),
            )


def _shares(one: Result, key: str) -> list[Row]:
    values = {kind: getattr(costs, key) or 0 for kind, costs in one.kinds.items()}
    whole = sum(values.values())
    return [
        {"model": name(one), "kind": kind, "share": value / whole, "value": value}
        for kind, value in values.items()
        if value and kind in _KINDS
    ]
