"""What a pass takes, and its operators, in one way of running it: measured, or predicted.

Pictures and pages show both alike. A runtime runs several operators in one, and names what it adds
itself; so what ran is found again in the trace by where it stands in the network.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.counting.tree import lines
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.predict import OpPrediction, Prediction
from cnnbench.roofline.runtimes.nodes import name_of
from cnnbench.roofline.sizes import BETWEEN
from cnnbench.timing.by_layer.layers import LayerTimes, OpTime

TimedOp = OpTime | OpPrediction


@dataclass(frozen=True)
class PassTimes:
    """The seconds of a pass of `trace` by a back end, and its operators in the order they ran.

    Another pass is expected between `low` and `high`; both are None of too few samples. `source` is
    the measurement, None where the pass is predicted.
    """

    backend: str
    trace: Trace
    seconds: float
    low: float | None
    high: float | None
    operators: tuple[TimedOp, ...]
    source: LayerTimes | None = None

    @classmethod
    def predicted(cls, trace: Trace, backend: str, found: Prediction) -> PassTimes:
        """A pass as a device's profile foretells it."""
        return cls(backend, trace, found.seconds, *found.interval, found.operators)

    @classmethod
    def measured(cls, trace: Trace, found: LayerTimes) -> PassTimes:
        """A pass as it was timed, which must not have failed."""
        whole = found.whole
        assert whole.latency_s is not None, whole.error
        ends = whole.ci_low_s, whole.ci_high_s
        operators = tuple(found.operators)
        return cls(whole.setting.backend, trace, whole.latency_s, *ends, operators, found)

    @property
    def verb(self) -> str:
        """How it is known."""
        return "measured" if self.source else "predicted"

    @cached_property
    def by_place(self) -> dict[int | None, list[TimedOp]]:
        """What ran by the place of its operator in the trace; at None what stands in no layer."""
        found: defaultdict[int | None, list[TimedOp]] = defaultdict(list)
        places = _Places(self.trace)
        for one in self.operators:
            found[places.find(one.cost)].append(one)
        return dict(found)

    @cached_property
    def _by_operator(self) -> dict[int, list[TimedOp]]:
        operators = self.trace.operators
        return {id(operators[at]): ran for at, ran in self.by_place.items() if at is not None}

    def of(self, operators: Iterable[OpCost]) -> list[TimedOp]:
        """What ran of some operators of the trace."""
        return [one for op in operators for one in self._by_operator.get(id(op), ())]

    @property
    def divided_s(self) -> float:
        """What shares are of: the pass, or its operators where those take longer one by one."""
        return max(self.seconds, seconds_of(self.operators))

    @property
    def elsewhere_s(self) -> float:
        """The seconds of what stands in no layer: changes of layout, what a runtime adds."""
        return seconds_of(self.by_place.get(None, ()))


def seconds_of(ran: Iterable[TimedOp]) -> float:
    """What all of it takes."""
    return sum(one.seconds for one in ran)


def held_by(ran: Iterable[TimedOp]) -> Bound | None:
    """What holds the largest part of its time; None where nothing is known to."""
    shares: defaultdict[Bound, float] = defaultdict(float)
    for one in ran:
        if one.bound is not None:
            shares[one.bound] += one.seconds
    return max(shares, key=lambda bound: shares[bound]) if shares else None


class _Places:
    """Where in a trace what runs stands, each place taken once as long as there are others.

    A runtime knows the module of what it runs, and names of its own; of what it fuses it knows the
    module of one part, which may be the normalisation behind a convolution.
    """

    def __init__(self, trace: Trace) -> None:
        self._operators = trace.operators
        self._taken: set[int] = set()
        self._own: defaultdict[str, list[int]] = defaultdict(list)  # places of each module
        self._lines: defaultdict[str, list[int]] = defaultdict(list)  # of what its lines multiply
        for place, op in enumerate(trace.operators):
            self._own[op.path].append(place)
        places = {id(op): place for place, op in enumerate(trace.operators)}
        for line in lines(trace):
            held = list(line.operators())
            products = [op for op in held if op.cost.macs] or [line.main]
            for path in dict.fromkeys(op.path for op in held):
                self._lines[path] += [places[id(op)] for op in products]

    def find(self, op: OpCost) -> int | None:
        """The place of what ran; None where no module of the network has run it."""
        ways = self._ways(op)
        place = next((place for place in ways if place not in self._taken), None)
        if place is None:  # one that a runtime runs in several parts
            place = next(reversed(self._own[op.path] or self._lines[op.path]), None)
        else:
            self._taken.add(place)
        return place

    def _by_output(self, op: OpCost, places: Mapping[str, list[int]]) -> list[int]:
        """Places of its module, those first that make what it makes: runtimes reorder calls."""
        elements = math.prod(op.output)
        return sorted(
            places[op.path], key=lambda at: math.prod(self._operators[at].output) != elements
        )

    def _ways(self, op: OpCost) -> Iterator[int]:
        """Places where it may stand, the best first."""
        own, of_lines = self._by_output(op, self._own), self._by_output(op, self._lines)
        known = [self._operators[place] for place in own]
        alike = [one.operator == op.operator and one.output == op.output for one in known]
        yield from (place for place, same in zip(own, alike, strict=True) if same)
        if op.cost.macs:
            yield from of_lines
        parts = {op.operator, *op.operator.split(BETWEEN)}
        yield from (at for at, one in zip(own, known, strict=True) if name_of(one) in parts)
        yield from (at for at, one in zip(own, known, strict=True) if one.kind is op.kind)
        if not own:
            yield from of_lines
