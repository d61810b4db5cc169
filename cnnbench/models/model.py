"""A model or block as data: its paper, default input and options. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

Value = int | float | bool | str


@dataclass(frozen=True)
class Option:
    """One `key=value` of a spec: its type is its default's; `low` and `high` bound a number.

    Text is one of `choices`, or where there are none a feature map.
    """

    name: str
    default: Value
    help: str
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0

    @property
    def is_map(self) -> bool:
        """Whether it is a feature map, such as 28x28x192."""
        return isinstance(self.default, str) and not self.choices

    @property
    def values(self) -> str:
        """What may be typed, for messages and completion."""
        if self.choices:
            return "|".join(self.choices)
        if isinstance(self.default, bool):
            return "true|false"
        if self.is_map:
            return "height x width x channels, such as 28x28x192"
        if isinstance(self.default, int):
            return f"a whole number from {self.low:.0f} to {self.high:.0f}"
        return f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Paper:
    """A publication, and the file that builds what it describes."""

    module: str
    citation: str
    year: int


@dataclass(frozen=True)
class Model:
    """A registry row: a network or a block, its input (channels, height, width), its options."""

    name: str
    paper: Paper
    summary: str
    input: tuple[int, int, int]
    options: tuple[Option, ...]
    aliases: tuple[str, ...] = ()

    @property
    def is_block(self) -> bool:
        """Whether it is a block, which has a shape where a network has a resolution."""
        return self.paper.module == "blocks"

    def option(self, name: str) -> Option | None:
        """The option called `name`, or None where the model does not take it."""
        return next((option for option in self.options if option.name == name), None)
