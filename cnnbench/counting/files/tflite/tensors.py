"""A model's tensors as values: those that operators make, constants, and the weights they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from cnnbench import units
from cnnbench.counting.files.graph import Value, Weight, bytes_of, unmade
from cnnbench.counting.files.inputs import check_size
from cnnbench.counting.files.tflite.numbers import Numbers
from cnnbench.counting.files.tflite.schema import (
    dtype_of,
    is_scaled,
    numbers_of,
    sides_of,
    text,
)
from cnnbench.errors import SourceError
from cnnbench.models.inputs import Shape


@dataclass
class Scope:
    """A graph's tensors by their places: values, and the numbers of small constants."""

    graph: Any
    values: dict[int, Value] = field(default_factory=dict)
    numbers: dict[int, Numbers] = field(default_factory=dict)

    def put(self, place: int, value: Value, numbers: Numbers | None) -> None:
        """A tensor has been made."""
        self.values[place] = value
        if numbers is not None:
            self.numbers[place] = numbers


@dataclass
class Tensors:
    """The tensors of a model, and the account of its weights; `size` is its file's, in bytes."""

    path: str
    model: Any
    size: int
    weights: dict[int, Weight] = field(default_factory=dict)  # by buffer: tensors may share one
    weight_bytes: int = 0

    def entry(self, scope: Scope, place: int) -> Any:
        """A tensor as its file has it; SourceError where there is none at that place."""
        if not 0 <= place < scope.graph.TensorsLength():
            raise SourceError(f"{self.path} names a tensor that it does not hold")
        return scope.graph.Tensors(place)

    def made(self, scope: Scope, place: int, shape: Shape | None) -> Value:
        """What an operator gives; ShapeError where no machine holds it."""
        tensor = self.entry(scope, place)
        name = text(tensor.Name())
        check_size(self.path, units.shortened(name), shape or ())
        return Value(name, shape, dtype_of(tensor))

    def needed(self, scope: Scope, place: int, reader: str) -> Value:
        """A tensor that has been made, or that is a constant or a state."""
        if place not in scope.values:
            tensor = self.entry(scope, place)
            value = Value(text(tensor.Name()), sides_of(tensor), dtype_of(tensor))
            if tensor.IsVariable():
                scope.put(place, value, None)
            else:
                self._constant(scope, place, tensor, value, reader)
        return scope.values[place]

    def _constant(self, scope: Scope, place: int, tensor: Any, value: Value, reader: str) -> None:
        """A constant of the file: a weight where it has a dimension."""
        number, shown = tensor.Buffer(), units.shortened(value.name)
        if not 0 <= number < self.model.BuffersLength():
            raise SourceError(f"{self.path} names weights that it does not hold")
        buffer = self.model.Buffers(number)
        held = buffer.DataLength() or buffer.Size()
        if not held and value.numel():
            raise unmade(self.path, reader, shown)
        needed = 0 if tensor.Sparsity() is not None else bytes_of(value.numel(), value.dtype)
        if not needed <= held <= self.size:
            raise SourceError(f"{self.path} is a part of a file: {shown!r} lacks numbers")
        if number not in self.weights:
            self.weight_bytes += held
            real = value.real or is_scaled(tensor)
            self.weights[number] = Weight(
                f"{value.name}#{number}", value.numel(), real and bool(value.sides)
            )
        weights = (self.weights[number],) if value.sides else ()
        numbers = numbers_of(buffer, value.shape, value.dtype)
        scope.put(place, replace(value, constant=True, weights=weights), numbers)
