"""What a pass takes, and its operators, in one way of running it: measured, or predicted.

Pictures and pages show both alike. A runtime runs several operators in one, and names what it adds
itself; so what ran is found again in the trace by where it stands in the network.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.counting.tree import lines
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.predict import OpPrediction, Prediction
from cnnbench.timing.layers import LayerTimes, OpTime

Ran = OpTime | OpPrediction


@dataclass(frozen=True)
class PassTimes:
    """`seconds` of a pass of `trace` by a back end, between `low` and `high`; what ran, in order.

    `source` is the measurement; None where it is predicted.
    """

    backend: str
    trace: Trace
    seconds: float
    low: float
    high: float
    operators: tuple[Ran, ...]
    source: LayerTimes | None = None

    @classmethod
    def predicted(cls, trace: Trace, backend: str, found: Prediction) -> PassTimes:
        """Those that a device's profile foretells."""
        return cls(backend, trace, found.seconds, *found.interval, found.operators)

    @classmethod
    def measured(cls, trace: Trace, found: LayerTimes) -> PassTimes:
        """Those that were timed, of which there must be some."""
        whole = found.whole
        assert whole.latency_s is not None, whole.error
        rerun = whole.rerun
        operators = tuple(found.operators)
        return cls(
            whole.setting.backend, trace, whole.latency_s, rerun.low, rerun.high, operators, found
        )

    @property
    def is_measured(self) -> bool:
        """Whether it has run, or is foretold."""
        return self.source is not None

    @property
    def verb(self) -> str:
        """How it is known."""
        return "measured" if self.is_measured else "predicted"

    @cached_property
    def by_place(self) -> dict[int, list[Ran]]:
        """What ran by the place of its operator in the trace; of several in one the main one's."""
        found: dict[int, list[Ran]] = {}
        places = _places(self.trace, [one.cost for one in self.operators])
        for one, place in zip(self.operators, places, strict=True):
            if place is not None:
                found.setdefault(place, []).append(one)
        return found

    @cached_property
    def _by_operator(self) -> dict[int, list[Ran]]:
        return {id(self.trace.operators[place]): ran for place, ran in self.by_place.items()}

    def of(self, operators: Iterable[OpCost]) -> list[Ran]:
        """What ran of some operators of the trace."""
        return [one for op in operators for one in self._by_operator.get(id(op), ())]

    @property
    def elsewhere_s(self) -> float:
        """Seconds of what stands nowhere in the trace: changes of layout, what a runtime adds."""
        held = sum(one.seconds for ran in self.by_place.values() for one in ran)
        return sum(one.seconds for one in self.operators) - held


def seconds_of(ran: Iterable[Ran]) -> float:
    """What all of it takes."""
    return sum(one.seconds for one in ran)


def held_by(ran: Sequence[Ran]) -> Bound | None:
    """What holds the largest part of its time; None where nothing is known to."""
    shares: Counter[Bound] = Counter()
    for one in ran:
        if one.bound is not None:
            shares[one.bound] += one.seconds  # type: ignore[assignment]
    return max(shares, key=lambda bound: shares[bound]) if shares else None


def _places(trace: Trace, costs: Sequence[OpCost]) -> Iterator[int | None]:
    """Where in the trace each operator stands that ran; None of what is not of the network.

    An operator that was counted as it ran is found by its module, name and output, those alike in
    their order; one that a runtime has made of several by the line that has its module.
    """
    alike: defaultdict[tuple[object, ...], deque[int]] = defaultdict(deque)
    for place, op in enumerate(trace.operators):
        alike[op.path, op.operator, op.output].append(place)
    mains: defaultdict[str, list[int]] = defaultdict(list)
    places = {id(op): place for place, op in enumerate(trace.operators)}
    for line in lines(trace):
        held = list(line.operators())
        main = places[id(max(held, key=lambda op: op.cost.macs))]
        for path in dict.fromkeys(op.path for op in held):
            mains[path].append(main)
    met: Counter[tuple[str, str]] = Counter()
    for op in costs:
        if same := alike.get((op.path, op.operator, op.output)):
            yield same.popleft()
            continue
        of_path, number = mains.get(op.path, []), met[op.path, op.operator]
        met[op.path, op.operator] += 1
        yield of_path[min(number, len(of_path) - 1)] if of_path else None
