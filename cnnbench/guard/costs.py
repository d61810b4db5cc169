"""What the guard counts, and keeps of a pass: its totals, and one line a layer."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, model_validator

from cnnbench import units
from cnnbench.counting.cost import Cost, Count, OpCost, Trace, total
from cnnbench.counting.count import count
from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.errors import InputError, NoInputError
from cnnbench.guard.config import Guarded
from cnnbench.models.given_keys import AnyText
from cnnbench.models.inputs import Shape

_EXACT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Layer(Cost):
    """One module's operators: what they do, what comes out, what they cost together.

    `live_bytes` is the most activation memory that is alive while one of them runs.
    """

    __pydantic_config__ = _EXACT
    layer: AnyText
    does: AnyText
    output: AnyText
    live_bytes: Count = 0

    def record(self) -> dict[str, Any]:
        """Plain data, as a baseline holds it."""
        names = {name: getattr(self, name) for name in ("layer", "does", "output")}
        return {**names, **asdict(self)}

    def value(self, metric: Metric) -> int:
        """The layer's part of a cost; of the peak, what is alive at it."""
        found: int = getattr(self, "live_bytes" if metric is Metric.PEAK else metric)
        return found

    @property
    def described(self) -> str:
        """What it does and what comes out: `conv2d 3x3 64→128, 28x28x128`."""
        return f"{self.does}, {self.output}" if self.output else self.does


@dataclass(frozen=True, kw_only=True)
class Costs(Cost):
    """A model's costs as a baseline holds them; the totals are those of its layers."""

    __pydantic_config__ = _EXACT
    input: list[list[Count]]
    dtype: AnyText
    peak_activation_bytes: Count
    uncounted: dict[AnyText, Count] = field(default_factory=dict)
    idle_params: Count = 0
    layers: list[Layer]

    def value(self, metric: Metric) -> int:
        """The total."""
        found: int = getattr(self, metric)
        return found

    @model_validator(mode="after")
    def _adds_up(self) -> Costs:
        for metric in STATIC:
            parts = [layer.value(metric) for layer in self.layers]
            if metric is Metric.PEAK and not parts:
                continue  # it is the input's
            whole = max(parts) if metric is Metric.PEAK else sum(parts)
            whole += self.idle_params if metric is Metric.PARAMS else 0
            if whole != self.value(metric):
                raise ValueError(
                    f"{metric} {self.value(metric)} is not that of its layers, {whole}"
                )
        return self


_COSTS = TypeAdapter(Costs)


def count_guarded(guarded: Guarded) -> Costs:
    """Count one model; CnnbenchError where it cannot be built or counted, or is beyond counting."""
    try:
        trace = count(
            guarded.spec,
            guarded.given,
            batch=guarded.batch,
            dtype=guarded.dtype,
            train=guarded.train,
        )
        return _COSTS.validate_python(asdict(costs(trace)))  # as it will be read
    except NoInputError as error:
        raise InputError(
            f'{guarded.label} does not say what input it takes; write input = "3x224x224" '
            "below its name in the configuration"
        ) from error
    except ValidationError as error:
        reason = "costs more, or has other names, than a baseline can hold"
        raise InputError(f"{guarded.label} {reason}") from error


@contextlib.contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """Work in `folder`, where relative names are meant, and leave no bytecode in it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.dont_write_bytecode = before


def costs(trace: Trace) -> Costs:
    """What a baseline keeps of a trace."""
    return Costs(
        **asdict(trace.total),
        input=[list(shape) for shape in trace.input_shapes],
        dtype=trace.dtype,
        peak_activation_bytes=trace.peak_activation_bytes,
        uncounted=dict(sorted(trace.uncounted.items())),
        idle_params=trace.idle_params,
        layers=layers(trace),
    )


def does(op: OpCost, name: str = "") -> str:
    """`conv2d 3x3 /2 g32 64→128`: the operator, its window, its groups, its channels."""
    words = [name or op.operator, units.window(op.kernel, op.stride)]
    words += [f"g{op.groups}"] if op.groups > 1 else []
    if op.weight and op.inputs and not op.backward:
        words.append(f"{_channels(op.inputs[0], op)}→{_channels(op.output, op)}")
    return " ".join(filter(None, words))


def layers(trace: Trace, words: Callable[[OpCost], str] = does) -> list[Layer]:
    """One record a module that ran operators itself, in the order of their first.

    `words` say what an operator does.
    """
    modules: dict[str, list[OpCost]] = {}
    for op in trace.operators:
        modules.setdefault(op.path, []).append(op)
    return [_layer(path, operators, words) for path, operators in modules.items()]


def _layer(path: str, operators: list[OpCost], words: Callable[[OpCost], str]) -> Layer:
    return Layer(
        **asdict(total([op.cost for op in operators])),
        layer=path,
        does=" + ".join(dict.fromkeys(map(words, operators))),
        output=operators[-1].feature_map,
        live_bytes=max(op.live_bytes for op in operators),
    )


def _channels(shape: Shape, op: OpCost) -> int:
    """The channels of a map, its second side; of what a linear layer takes or gives, the last."""
    in_front = op.kernel and len(shape) > 2 and not op.channels_last
    return shape[1] if in_front else shape[-1] if shape else 1
