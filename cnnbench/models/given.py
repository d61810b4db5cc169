"""What a user says of a forward's arguments: shapes, an example, flags, no batch, values.

Needs no torch.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import index
from typing import Any

from cnnbench.errors import InputError, ShapeError
from cnnbench.models.inputs import Input, checked, parse_input, parse_inputs

Flag = str | int | float | bool | None
_FLAG = re.compile(r"(?P<name>[^\W\d]\w*)=(?P<value>.*)", re.DOTALL)
_WORDS = {"true": True, "false": False, "none": None}


class On(StrEnum):
    """What a pass is counted on: its shapes alone, or values, by a real pass."""

    SHAPES = "shapes"
    VALUES = "values"


@dataclass(frozen=True)
class Given:
    """The arguments of a forward pass as a user gives them.

    `inputs` are shapes or files, of none those that the network carries; `example` is
    `FILE.py:NAME` or `module:NAME` of a value, or of a function that makes one. `flags` are
    keywords that are no tensors. `batched` puts the batch in front of every shape. `on` is what to
    count on; None is shapes where that can be.
    """

    inputs: tuple[Input, ...] = ()
    example: str = ""
    flags: tuple[tuple[str, Flag], ...] = ()
    batched: bool = True
    on: On | None = None

    def __post_init__(self) -> None:
        """ShapeError where two of them contradict each other."""
        if self.inputs and self.example:
            raise ShapeError("--input and --example both say what is passed; give one of them")
        taken = {one.name.partition(".")[0] for one in self.inputs if one.name}
        for name, _ in self.flags:
            if name in taken:
                raise ShapeError(f"{name} is given by --input and by --set; give one of them")

    def check_batch(self, batch: int) -> None:
        """ShapeError for a batch that shapes without one cannot have."""
        if batch != 1 and not self.batched:
            raise ShapeError("--no-batch takes shapes as they are; leave --batch out")

    def __str__(self) -> str:
        """The arguments as a user types them."""
        flags = (f"{name}={value}" for name, value in self.flags)
        return " ".join(filter(None, [*map(str, self.inputs), self.example, *flags]))

    def plain(self) -> dict[str, Any]:
        """Plain data, which another process reads."""
        texts = [str(one) for one in self.inputs]
        return {
            "inputs": texts,
            "example": self.example,
            "flags": [list(pair) for pair in self.flags],
            "batched": self.batched,
            "on": self.on,
        }

    @classmethod
    def read(cls, values: dict[str, Any]) -> Given:
        """What `plain` has written."""
        flags = tuple((name, value) for name, value in values["flags"])
        on = None if values["on"] is None else On(values["on"])
        inputs = parse_inputs(values["inputs"])
        return cls(**{**values, "inputs": inputs, "flags": flags, "on": on})


def parse_flags(texts: Iterable[str]) -> tuple[tuple[str, Flag], ...]:
    """Read `mode=loss`, `training=true`, `steps=3`; ShapeError where one is none."""
    found: dict[str, Flag] = {}
    for text in texts:
        match = _FLAG.fullmatch(text.strip())
        if match is None:
            raise ShapeError(f"malformed flag {text!r}; write NAME=VALUE: --set mode=loss")
        if match["name"] in found:
            raise ShapeError(f"--set {match['name']} is given twice")
        found[match["name"]] = _value(match["value"])
    return tuple(found.items())


def _value(text: str) -> Flag:
    """A number, a truth, nothing, or the text itself."""
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return value if isinstance(value, (str, int, float)) else text


Inputs = Given | str | Sequence[int] | Sequence[str | Input]  # as a caller of Python writes them


def read(given: Inputs | None, name: str = "") -> Given:
    """What a caller wrote; ShapeError or InputError where that is no input."""
    if given is None:
        return Given()
    return given if isinstance(given, Given) else Given(_inputs(given, name))


def _inputs(given: str | Iterable[object], name: str) -> tuple[Input, ...]:
    if isinstance(given, str):
        return (parse_input(given),)
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise ShapeError(f"{given!r} is no input shape; write (3, 224, 224) or '3x224x224'")
    items = list(given)
    if not items:
        raise InputError(f"{name} needs an input; an empty list is none")
    if all(isinstance(item, (str, Input)) for item in items):
        parsed = (parse_input(item) if isinstance(item, str) else item for item in items)
        return checked(tuple(parsed))  # type: ignore[arg-type]
    try:
        return (Input(tuple(map(index, items))),)  # type: ignore[arg-type]
    except TypeError as error:
        raise ShapeError(f"sides are whole numbers, which {tuple(items)} are not") from error
