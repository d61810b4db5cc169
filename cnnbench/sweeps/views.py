"""Views of a sweep's results as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from cnnbench.models.registry import BLOCKS, MODELS
from cnnbench.sweeps.results import Result

Row = dict[str, Any]

_COSTS = (
    *("params", "macs", "flops", "elementwise_flops", "activations", "bytes_moved", "intensity"),
    *("peak_activation_bytes", "arena_bytes"),
)
_TIMES = (
    *("latency_s", "ci_low_s", "ci_high_s", "p90_s", "p99_s", "throughput_images_per_s"),
    *("samples", "outliers", "converged", "flops_per_s", "fraction_of_peak"),
)
# What may differ between two results beside their model: its name, and what a value is called.
_WAYS: dict[str, Callable[[Any], str]] = {
    "batch": lambda value: f"batch {value}",
    "dtype": lambda value: str(value),
    "channels_last": lambda value: "channels last" if value else "contiguous",
    "compile": lambda value: "compiled" if value else "eager",
    "train": lambda value: "training step" if value else "inference",
}


def row(result: Result) -> Row:
    """One result; None where something is not known."""
    cost, latency, about = result.cost, result.latency, result.environment
    return {
        "model": result.model,
        "input": cost.input if cost else [],
        "dtype": dtype(result),
        "batch": result.batch,
        "channels_last": result.channels_last,
        "compile": result.compile,
        "train": result.train,
        "device": about.device if about else None,
        "device_name": about.device_name if about else None,
        "threads": about.threads if about else None,
        "torch": about.torch if about else None,
        **{key: getattr(cost, key) if cost else None for key in _COSTS},
        "uncounted": cost.uncounted if cost else {},
        "predicted_s": result.prediction.predicted_s if result.prediction else None,
        "bound": result.prediction.bound if result.prediction else None,
        **{
            key: getattr(latency, key) if latency and not result.failure else None for key in _TIMES
        },
        "measured": result.measured.isoformat(),
        "warnings": [warning.model_dump() for warning in latency.warnings] if latency else [],
        "failure": result.failure,
    }


def dtype(result: Result) -> str:
    """The number format that was computed in."""
    return (result.cost.dtype if result.cost else None) or result.dtype or "float32"


def by_place(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Results by the device and the number of threads; those that failed are nowhere."""

    def name(result: Result) -> str:
        device, threads = result.place
        if not device:
            return ""
        return f"{device}, {threads} thread{'s' if threads > 1 else ''}"

    found: dict[str, list[Result]] = {}
    for result in results:
        if not result.failure:
            found.setdefault(name(result), []).append(result)
    return found


def ordered(results: Iterable[Result]) -> list[Result]:
    """By model, the registry's first and in its order; of one model by batch; failures last."""
    known = {model.name: index for index, model in enumerate((*MODELS, *BLOCKS))}
    met: dict[str, int] = {}

    def position(result: Result) -> tuple[bool, int, int, int]:
        own = known.get(result.model.partition("@")[0], len(known))
        return bool(result.failure), own, met.setdefault(result.model, len(met)), result.batch

    return sorted(results, key=position)


def ways(results: Sequence[Result]) -> Callable[[Result], str]:
    """How a result's way of running is called: its batch, and what else differs among them."""
    told = [
        (key, words)
        for key, words in _WAYS.items()
        if key == "batch" or len({_way(result, key) for result in results}) > 1
    ]
    return lambda result: ", ".join(words(_way(result, key)) for key, words in told)


def _way(result: Result, key: str) -> Any:
    return dtype(result) if key == "dtype" else getattr(result, key)


def way_order(results: Sequence[Result]) -> list[str]:
    """Every way once: by growing batch, then as they were asked for."""
    named = ways(results)
    first: dict[str, tuple[int, int]] = {}
    for index, result in enumerate(results):
        first.setdefault(named(result), (result.batch, index))
    return sorted(first, key=first.__getitem__)


@dataclass(frozen=True)
class Point:
    """A network among others of its way: on the `front` none does more MACs in less time."""

    result: Result
    way: str
    front: bool


def points(results: Sequence[Result]) -> list[Point]:
    """Those that were timed and compute, by way and growing latency."""
    named = ways(results)
    timed = [one for one in results if one.latency_s and one.macs]
    order = {way: index for index, way in enumerate(way_order(results))}
    timed.sort(key=lambda one: (order[named(one)], one.latency_s, -one.macs))
    found = []
    for way, alike in groupby(timed, named):
        most = 0
        for one in alike:
            found.append(Point(one, way, one.macs > most))
            most = max(most, one.macs)
    return found
