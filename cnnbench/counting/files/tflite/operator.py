"""An operator of TensorFlow Lite as its file has it, and what is known of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnbench.counting.files.graph import UnknownShape, Value
from cnnbench.models.inputs import Shape


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: its schema's name and options, its inputs, the numbers that they hold.

    `numbers` are whole numbers that are known, by input; `dtypes` are those of its outputs.
    """

    name: str
    inputs: tuple[Value | None, ...]
    numbers: tuple[Any, ...]
    options: Mapping[str, Any]
    dtypes: tuple[str, ...]

    @property
    def number(self) -> int:
        """How many outputs it has."""
        return len(self.dtypes)

    def shape(self, index: int) -> Shape:
        """An input's; UnknownShape where it is left out or not known."""
        value = self.inputs[index]
        if value is None:
            raise UnknownShape(f"input {index}")
        return value.shape

    def whole(self, index: int) -> list[int]:
        """An input's numbers, in a row; UnknownShape where they are not known."""
        found = self.numbers[index] if index < len(self.numbers) else None
        if found is None:
            raise UnknownShape(f"input {index}")
        return [int(one) for one in found.reshape(-1)]

    def has(self, index: int) -> bool:
        """Whether an input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def option(self, name: str) -> Any:
        """An option, as the schema calls it."""
        return self.options.get(name)
