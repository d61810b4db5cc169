"""Model specs as a user types them: `NAME[@key=value[,key=value…]]`. Needs no torch."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum

from cnnbench import units
from cnnbench.errors import ShapeError, SpecError, nearest
from cnnbench.models.registry import Model, Option, Value, find

Shape = tuple[int, ...]


class Dtype(StrEnum):
    """The number formats a network can be counted in."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT64 = "float64"


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
MAX_ELEMENTS = 2**48  # of one tensor: beyond it torch's own byte arithmetic overflows


@dataclass(frozen=True)
class Spec:
    """A model and all its options; `str` gives the shortest spec that means the same."""

    model: Model
    options: tuple[tuple[str, Value], ...]

    @property
    def input_shape(self) -> Shape:
        """Channels, height and width of the input that the options ask for."""
        channels, height, width = self.model.input
        given = dict(self.options)
        channels = int(given.get("in_channels", channels))
        side = int(given.get("resolution", 0))
        return (channels, side or height, side or width)

    def __str__(self) -> str:
        """Return the canonical name and only the options that differ from the defaults."""
        changed = [
            f"{key}={_written(value)}"
            for key, value in self.options
            if (option := self.model.option(key)) is None or value != option.default
        ]
        return self.model.name + ("@" + ",".join(changed) if changed else "")


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def parse(text: str) -> Spec:
    """Read a spec. SpecError names the model, option or value that is wrong and what would do."""
    name, at, tail = text.strip().partition("@")
    if not name:
        raise SpecError(f"malformed spec {text!r}; write NAME or NAME@key=value,key=value")
    model = find(name)
    if at and not tail:
        raise SpecError(f"{text!r} ends after '@'; {model.name} takes {_takes(model)}")
    given: dict[str, Value] = {}
    for item in tail.split(",") if tail else ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise SpecError(f"malformed option {item!r} in {text!r}; write key=value,key=value")
        option = model.option(key)
        if option is None:
            known = nearest(key, (o.name for o in model.options))
            raise SpecError(f"{model.name} has no option {key!r}{known}; it takes {_takes(model)}")
        if key in given:
            raise SpecError(f"option {key!r} is given twice in {text!r}")
        given[key] = _value(model, option, value)
    options = tuple((o.name, given.get(o.name, o.default)) for o in model.options)
    return Spec(model, options)


def _takes(model: Model) -> str:
    return ", ".join(option.name for option in model.options)


def _value(model: Model, option: Option, text: str) -> Value:
    """Convert to the option's type, within its bounds."""
    try:
        if option.choices:
            if text not in option.choices:
                raise ValueError
            return text
        if isinstance(option.default, bool):
            return _BOOLEANS[text.lower()]
        number = int(text) if isinstance(option.default, int) else float(text)
        if not option.low <= number <= option.high:  # false for nan, too
            raise ValueError
        return number
    except (ValueError, KeyError):
        raise SpecError(
            f"{model.name} cannot take {option.name}={text!r}; it takes {option.values}"
        ) from None


def parse_shape(text: str) -> Shape:
    """Read a shape without its batch, such as `3x224x224`; ShapeError where it is none."""
    if not re.fullmatch(r"\d+([xX×]\d+)*", text.strip(), flags=re.ASCII):
        raise ShapeError(f"malformed shape {text!r}; write channels x height x width: 3x224x224")
    parts = re.split(r"[xX×]", text.strip())
    if max(map(len, parts)) > 15:
        raise ShapeError(f"shape {text!r} is too large")
    dims = tuple(int(part) for part in parts)
    if 0 in dims:
        raise ShapeError(f"shape {text!r} has a side of 0; every side must be at least 1")
    return dims


def batched(shape: Shape, batch: int) -> Shape:
    """Put the batch in front; ShapeError where the batch or the whole is out of bounds."""
    if not all(isinstance(side, int) for side in (batch, *shape)):
        raise ShapeError(f"batch and sides are whole numbers, which {(batch, *shape)} are not")
    if batch < 1:
        raise ShapeError(f"batch {batch} makes no sense; it must be at least 1")
    if any(side < 1 for side in shape):
        raise ShapeError(f"shape {units.shape(shape)} has a side below 1")
    if batch * math.prod(shape) > MAX_ELEMENTS:
        raise ShapeError(f"an input of {units.shape((batch, *shape))} is too large to describe")
    return (batch, *shape)
