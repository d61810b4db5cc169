"""A pass timed operator by operator, joined with the operators that were counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from pydantic import TypeAdapter

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.rules import convention
from cnnbench.devices.device import Device
from cnnbench.errors import InputError
from cnnbench.timing import backends
from cnnbench.timing.by_layer.onednn import Reorders, median_of, reorders
from cnnbench.timing.by_layer.stopwatch import Lap, Stopwatch, timer
from cnnbench.timing.by_layer.threads import Threads, gain, one_thread
from cnnbench.timing.preparing.prepared import Prepared
from cnnbench.timing.setting import Setting

# Each operator, its median seconds, and the kernel that ran it, where a runtime tells.
Medians = list[tuple[OpCost, float, str]]

_LOGGED = 5  # passes under oneDNN's log
_ALONE = 3  # pairs of passes, with all threads and with one
_TICK = 1e-9
TIMED = TypeAdapter(Medians)  # what writes and reads them


class Watched(Protocol):
    """A network whose operators are timed, here or in workers."""

    def medians(self) -> Medians:
        """What its samples say so far; InputError where other operators ran than were counted."""
        ...

    def reorders(self) -> Reorders | None:
        """What oneDNN spends on layouts in a pass; None where it does not run."""
        ...

    def threads(self) -> Threads | None:
        """What tells how long threads waited in a pass; None where nothing does."""
        ...


def check(setting: Setting, device: Device) -> None:
    """Raise InputError where a pass has no operators that can be timed."""
    if not backends.has_layers(setting.backend):
        raise InputError(f"a pass of {setting.backend} has no operators here; leave --layers out")
    if setting.train and device.kind != "cpu":
        raise InputError(f"--layers times a training step only on the CPU, not on {device}")


class ByOperator:
    """A prepared network whose pass runs under the stopwatch; an entry of rounds like any other."""

    def __init__(self, prepared: Prepared) -> None:
        """Nothing is timed yet."""
        self._prepared = prepared
        self._stopwatch = Stopwatch(timer(prepared.device.torch))
        self._first: list[Lap] = []
        self._samples: list[list[float]] = []  # seconds of each operator, one pass's mean a sample

    def seconds(self, repeats: int = 1, counts: bool = True) -> float:
        """Seconds that the operators of so many passes took, together; kept where they count."""
        prepared = self._prepared
        passes = []
        for _ in range(repeats):
            with prepared.running():
                with self._stopwatch:
                    prepared.run()
                passes.append(self._stopwatch.laps())
        self._first = self._first or passes[0]
        if any(len(laps) != len(self._first) for laps in passes):
            name = prepared.model
            raise InputError(
                f"{name} runs other operators each time, so none has a time of its own"
            )
        columns = zip(*passes, strict=True)
        sample = [sum(lap.seconds for lap in laps) / repeats for laps in columns]
        if counts:
            self._samples.append(sample)
        return float(repeats * sum(sample))

    def reorders(self) -> Reorders | None:
        """What oneDNN spends on layouts, of the middle of some passes."""
        if self._prepared.device.kind != "cpu":
            return None
        with self._prepared.running():
            return median_of(reorders(self._prepared.run) for _ in range(_LOGGED))

    def threads(self) -> Threads | None:
        """Its operators with one thread, where it runs with several on the CPU."""
        if self._prepared.device.kind != "cpu" or torch.get_num_threads() == 1:
            return None
        ratios = []
        with self._prepared.running():
            for _ in range(_ALONE):  # by pairs, as the machine's speed changes
                together = self._laps()
                with one_thread():
                    alone = self._laps()
                if not len(self._first) == len(together) == len(alone):
                    return None
                ratios.append(np.array(alone) / np.maximum(together, _TICK))
        return Threads([float(one) for one in np.median(ratios, axis=0)], gain())

    def _laps(self) -> list[float]:
        """Seconds of each operator of a pass, after another that wakes the threads."""
        self._prepared.run()
        with self._stopwatch:
            self._prepared.run()
        return [lap.seconds for lap in self._stopwatch.laps()]

    def medians(self) -> Medians:
        """What its samples say so far; InputError where other operators ran than were counted."""
        if not self._samples:
            return []
        trace = self._prepared.trace
        assert trace is not None, "its totals alone are known"
        operators = join(trace, self._first, self._prepared.model)
        seconds = np.median(self._samples, axis=0)
        return [(op, float(s), "") for op, s in zip(operators, seconds, strict=True)]


def join(trace: Trace, laps: Sequence[Lap], name: str) -> list[OpCost]:
    """The cost of each lap of a real pass, which runs what was counted, in the same order.

    But for moves: a real tensor's layout may take a copy more or less than the count's, and a
    copy that was not counted costs its bytes. InputError where anything else differs.
    """
    counted = deque(trace.operators)
    costs: list[OpCost] = []
    for lap in laps:
        while counted and _moves(counted[0].operator) and not (lap.copied or _is(counted[0], lap)):
            counted.popleft()
        if counted and _is(counted[0], lap):
            costs.append(counted.popleft())
        elif lap.copied or _moves(lap.operator):
            costs.append(_copy(lap, costs[-1].path if costs else ""))
        else:
            break
    if len(costs) < len(laps) or any(not _moves(op.operator) for op in counted):
        ran = laps[len(costs)].operator if len(costs) < len(laps) else "no more"
        op = counted[0] if counted else None
        expected = f"{op.path or 'the network'} ({op.operator})" if op else "no more"
        raise InputError(
            f"{name} ran {ran} where {expected} was counted, so its times cannot be joined with "
            f"costs; 'cnnbench time {name}' times the pass alone"
        )
    return costs


def _moves(operator: str) -> bool:
    return operator in convention.MOVES or operator in convention.VIEWS


def _is(op: OpCost, lap: Lap) -> bool:
    renamed = (op.operator, lap.operator) == ("relu6", "hardtanh")
    return op.output == lap.output and (op.operator == lap.operator or renamed)


def _copy(lap: Lap, path: str) -> OpCost:
    cost = Cost(bytes_moved=2 * lap.size)
    return OpCost(path, f"{lap.operator} (copy)", Kind.OTHER, (), lap.output, cost, 0)
