"""Time every operator of a real pass, divided as the count divides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from cnnbench.counting.rules.treatment import Operator, Treatment, is_composite, is_idle, treated
from cnnbench.counting.tracing.tensors import storage, tensors_in
from cnnbench.models.inputs import Shape


@dataclass(frozen=True, slots=True)
class Lap:
    """One operator as it ran: its name, its first output's shape and bytes, its seconds.

    `copied` tells a view that had to copy.
    """

    operator: str
    output: Shape
    size: int
    copied: bool
    seconds: float


@dataclass(frozen=True)
class Timer:
    """Reads a device's clock before and after an operator; the seconds are known at the end.

    `mark` is the time now, `between` the seconds from one mark to another, once the device has
    finished.
    """

    mark: Callable[[], Any] = perf_counter
    between: Callable[[Any, Any], float] = lambda start, end: float(end - start)


def timer(device: torch.device) -> Timer:
    """The timer of a device: the host's clock, or events in the queue of a GPU.

    So the host need not wait for each operator; where there are none, it does.
    """
    if device.type == "cuda":
        return Timer(_event, _elapsed)
    return Timer(_finished) if device.type == "mps" else Timer()


def _finished() -> float:
    torch.mps.synchronize()
    return perf_counter()


def _event() -> torch.cuda.Event:
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


def _elapsed(start: torch.cuda.Event, end: torch.cuda.Event) -> float:
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3


class Stopwatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs every operator between two marks of a timer; `laps` are what a trace would hold."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # True would import the compiler, for over a second, to disable it

    def __init__(self, timer: Timer) -> None:
        """Nothing has run."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._timer = timer
        self._marks: list[tuple[tuple[str, Shape, int, bool], Any, Any]] = []
        self._treated: dict[Operator, tuple[str, Treatment]] = {}

    def __torch_dispatch__(
        self, func: Operator, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run one operator; the time is taken of nothing else."""
        kwargs = kwargs or {}
        known = self._treated.get(func)
        if known is None:
            known = self._treated[func] = treated(func)
        name, treatment = known
        if treatment is Treatment.COUNTED and is_idle(name, args, kwargs):
            return args[0]
        if treatment is Treatment.OTHER:
            if not tensors_in((args, kwargs)):  # it makes a constant
                return func(*args, **kwargs)
            if is_composite(func):
                with self:
                    out = func.decompose(*args, **kwargs)
                if out is not NotImplemented:
                    return out
        start = self._timer.mark()
        out = func(*args, **kwargs)
        end = self._timer.mark()
        outputs = tensors_in(out)
        if treatment is Treatment.VIEW:
            read = {storage(tensor) for tensor in tensors_in((args, kwargs))}
            if all(storage(tensor) in read for tensor in outputs):
                return out
        if outputs or treatment is Treatment.COUNTED:
            shape = tuple(outputs[0].shape) if outputs else ()
            size = outputs[0].numel() * outputs[0].element_size() if outputs else 0
            copied = treatment is Treatment.VIEW
            self._marks.append(((name, shape, size, copied), start, end))
        return out

    def laps(self) -> list[Lap]:
        """What has run since the last time they were asked for, in order."""
        marks, self._marks = self._marks, []
        between = self._timer.between
        return [Lap(*what, between(start, end)) for what, start, end in marks]
