"""What names mean in a graph, and in those around it."""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench.counting.files.graph import Value
from cnnbench.counting.files.onnx.shapes import Numbers


@dataclass
class Scope:
    """The values of a graph by name, and the numbers of those that are small constants."""

    values: dict[str, Value]
    numbers: dict[str, Numbers]
    around: Scope | None = None

    def find(self, name: str) -> Value | None:
        """A value; None where nothing has made it."""
        home = self._home(name)
        return home.values[name] if home else None

    def number(self, name: str) -> Numbers | None:
        """A constant's numbers, where they are known."""
        home = self._home(name)
        return home.numbers.get(name) if home else None

    def _home(self, name: str) -> Scope | None:
        """The nearest graph that has a value of that name."""
        scope: Scope | None = self
        while scope is not None and name not in scope.values:
            scope = scope.around
        return scope
