"""Views of a sweep's results as plain records, under the vocabulary's words, in base units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from itertools import groupby
from typing import Any

from cnnbench.models.inputs import NumberFormat
from cnnbench.models.registry import BLOCKS, MODELS
from cnnbench.studies.papers.accuracy import Accuracy, headline, of_pass
from cnnbench.sweeps.results import Result
from cnnbench.timing.setting import Setting

Row = dict[str, Any]

_COSTS = (
    *("params", "macs", "flops", "elementwise_flops", "activations", "bytes_moved", "intensity"),
    *("peak_activation_bytes", "arena_bytes"),
)
_TIMES = (
    *("latency_s", "ci_low_s", "ci_high_s", "run_low_s", "run_high_s", "p90_s", "p99_s"),
    *("throughput_images_per_s", "samples", "outliers", "converged", "reliable"),
    *("flops_per_s", "fraction_of_peak"),
)


def row(result: Result) -> Row:
    """One result; None where something is not known."""
    cost, latency, about = result.cost, result.latency, result.environment
    return {
        "model": result.model,
        "input": [list(shape) for shape in cost.input] if cost else [],
        **result.setting.record(),
        "dtype": dtype(result),
        **_of(about, ("device", "device_name", "threads", "torch")),
        "accuracy": accuracy(result),
        **_of(cost, _COSTS),
        "uncounted": cost.uncounted if cost else {},
        **_of(result.prediction, ("predicted_s", "bound")),
        **_of(None if result.failure else latency, _TIMES),
        "measured": result.measured.isoformat(),
        "warnings": [asdict(warning) for warning in latency.warnings] if latency else [],
        "failure": result.failure,
    }


def accuracy(result: Result) -> dict[str, Any] | None:
    """What is published of the network on its images; None where nothing is."""
    known = headline(accuracies(result))
    return known.record() if known else None


def accuracies(result: Result) -> tuple[Accuracy, ...]:
    """All that is published of the network on its images; nothing of one that is quantised."""
    if dtype(result) == NumberFormat.INT8:
        return ()
    return _accuracies(result.model, result.cost.input if result.cost else ())


_accuracies = lru_cache(maxsize=4096)(of_pass)


def _of(part: object | None, keys: Iterable[str]) -> Row:
    """Fields of a part of a result, each None where there is none."""
    return {key: part and getattr(part, key) for key in keys}


def dtype(result: Result) -> str:
    """What it computed in; of what was not timed, what it was counted in."""
    ran = result.timed.dtype if result.timed else None
    return ran or (result.cost.dtype if result.cost else None) or result.dtype or "float32"


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
    """Results by model, the registry's first and in its order; of one by batch; failures last."""
    known = {model.name: index for index, model in enumerate((*MODELS, *BLOCKS))}
    met: dict[str, int] = {}

    def position(result: Result) -> tuple[bool, int, int, int]:
        own = known.get(result.model.partition("@")[0], len(known))
        return bool(result.failure), own, met.setdefault(result.model, len(met)), result.batch

    return sorted(results, key=position)


def named(results: Sequence[Result]) -> Callable[[Result], str]:
    """What a result's setting is called: its batch, and what else differs, its input too."""

    def setting(one: Result) -> Setting:
        return replace(one.setting, dtype=dtype(one))

    seen = {setting(one) for one in results}
    names = [field.name for field in fields(Setting)]
    differing = [name for name in names if len({getattr(one, name) for one in seen}) > 1]
    inputs = len({one.given for one in results}) > 1

    def name(result: Result) -> str:
        words = setting(result).words("batch", *differing, usual=True)
        return ", ".join([*words, *([str(result.given)] if inputs and result.given else [])])

    return name


def series(results: Sequence[Result]) -> list[str]:
    """Every setting's name once: by growing batch, then as they were asked for."""
    name = named(results)
    first: dict[str, tuple[int, int]] = {}
    for index, result in enumerate(results):
        first.setdefault(name(result), (result.batch, index))
    return sorted(first, key=first.__getitem__)


@dataclass(frozen=True)
class Point:
    """A network among others of its series: on the `front` none does more MACs in less time.

    What is not reliable is on none.
    """

    result: Result
    series: str
    front: bool


def points(results: Sequence[Result]) -> list[Point]:
    """Points of results that were timed and compute, by series and growing latency."""
    name = named(results)
    timed = [one for one in results if one.latency_s and one.macs]
    order = {one: index for index, one in enumerate(series(results))}
    timed.sort(key=lambda one: (order[name(one)], one.latency_s, -one.macs))
    found = []
    for setting, alike in groupby(timed, name):
        most = 0
        for one in alike:
            found.append(Point(one, setting, one.reliable and one.macs > most))
            most = max(most, one.macs) if one.reliable else most
    return found
