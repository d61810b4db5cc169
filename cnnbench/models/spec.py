"""Model specs as a user types them: `[SOURCE:]NAME[@key=value[,key=value…]]`. Needs no torch."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cnnbench.errors import ShapeError, SpecError, nearest
from cnnbench.models.inputs import Shape, parse_map
from cnnbench.models.lookup import MODELS_BY_NAME, block, find, knows, meant
from cnnbench.models.model import Model, Option, Value
from cnnbench.models.sources import is_network, plugins

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class Spec:
    """A model and all its options; `str` gives the shortest spec that means the same.

    `written` names the options that were typed.
    """

    model: Model
    options: tuple[tuple[str, Value], ...]
    written: tuple[str, ...] = field(default=(), compare=False)

    @property
    def input_shape(self) -> Shape:
        """Channels, height and width of the input that the options ask for."""
        channels, height, width = self.model.input
        given = dict(self.options)
        if "shape" in given:
            return parse_map(str(given["shape"]))
        channels = int(given.get("in_channels", channels))
        side = int(given.get("resolution", 0))
        return (channels, side or height, side or width)

    def varied(self, **values: Value) -> Spec:
        """The same model with other values of options that it has, each within its bounds.

        SpecError where one is not.
        """
        for key, value in values.items():
            option = self.model.option(key)
            if option is None or not option.low <= float(value) <= option.high:
                takes = f"it takes {option.values}" if option else "it has none"
                raise SpecError(f"{self.model.name} cannot take {key}={value}; {takes}")
        options = tuple((key, values.get(key, value)) for key, value in self.options)
        return replace(self, options=options)

    def __str__(self) -> str:
        """Return the canonical name and only the options that differ from the defaults.

        A block that a network is called like is told by its shape.
        """
        shared = self.model.is_block and not find(self.model.name).is_block
        changed = [
            f"{key}={_written(value)}"
            for key, value in self.options
            if (option := self.model.option(key)) is None
            or value != option.default
            or (shared and option.is_map)
        ]
        return self.model.name + ("@" + ",".join(changed) if changed else "")


def _written(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value}"


@dataclass(frozen=True)
class SourceSpec:
    """Somebody else's network: where it comes from, what it is called there, its options as typed.

    `source` is timm, torchvision, a module (`package.module`), a file (`path/nets.py`), or empty
    for a name that an installed package gave us; `name` is empty where the file is the network.
    """

    source: str
    name: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def arguments(self) -> dict[str, object]:
        """The options as Python values: whole and real numbers, true, false, none, lists, text."""
        return {key: _python(text) for key, text in self.options}

    def __str__(self) -> str:
        """The text that a user types."""
        head = ":".join(filter(None, (self.source, self.name)))
        options = ",".join(f"{key}={value}" for key, value in self.options)
        return f"{head}@{options}" if options else head


AnySpec = Spec | SourceSpec


def parse_together(texts: Sequence[str]) -> list[AnySpec]:
    """Read specs that stand side by side: beside a block, a name that both have is a block's."""
    specs = [parse(text) for text in texts]
    if not any(isinstance(spec, Spec) and spec.model.is_block for spec in specs):
        return specs
    return [parse(text, blocks=True) for text in texts]


def parse(text: str, *, blocks: bool = False) -> AnySpec:
    """Read a spec. SpecError names the model, option or value that is wrong and what would do.

    A name that a network and a block share is the network's, unless its options are a block's or
    `blocks` are meant.
    """
    text = text.strip()
    if not text.isprintable():
        raise SpecError(f"malformed spec {text!r}; leave out what cannot be printed")
    source, name, tail = _split(text)
    if not source and not name:
        raise SpecError(f"malformed spec {text!r}; write NAME or NAME@key=value,key=value")
    if not source and (knows(name) or not plugins.knows(name)):
        return _parse_ours(text, name, tail, blocks)
    if not source and plugins.find(name).name.lower() != name.lower():
        if meant(name, MODELS_BY_NAME) is not None:  # as near to one of ours
            return _parse_ours(text, name, tail, blocks)
        name = plugins.find(name).name
    if not name and not is_network(source):
        raise SpecError(f"{text!r} names no network; write {source}:NAME")
    if tail == "":
        raise SpecError(f"{text!r} ends after '@'; write {text}key=value or leave it out")
    return SourceSpec(source, name, tuple(_pairs(tail or "", text).items()))


def _split(text: str) -> tuple[str, str, str | None]:
    """Source, name and what follows '@': None where there is no '@', an empty source for ours."""
    source, colon, rest = text.partition(":")
    name, at, tail = text.partition("@")
    if is_network(name) and ":" not in name:
        return name, "", tail if at else None
    if not colon and (name.endswith(".py") or "/" in name):
        return text, "", None
    if not colon or ("@" in source and not source.endswith(".py")):
        return "", name.strip(), tail if at else None  # a value may hold a colon
    name, at, tail = rest.partition("@")
    return source.strip(), name.strip(), tail if at else None


def _pairs(tail: str, text: str) -> dict[str, str]:
    """`key=value,key=value` as text; commas within brackets belong to the value."""
    pairs: dict[str, str] = {}
    for item in _items(tail):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not key or not value:
            raise SpecError(f"malformed option {item!r} in {text!r}; write key=value,key=value")
        if key in pairs:
            raise SpecError(f"option {key!r} is given twice in {text!r}")
        pairs[key] = value
    return pairs


def _items(tail: str) -> list[str]:
    """Split at commas that stand outside brackets."""
    items: list[str] = []
    for piece in tail.split(",") if tail else ():
        if items and sum(map(items[-1].count, "[(")) > sum(map(items[-1].count, "])")):
            items[-1] += f",{piece}"
        else:
            items.append(piece)
    return items


def _python(text: str) -> object:
    """`8` -> 8, `true` -> True, `[1,2]` -> [1, 2], `none` -> None, else the text itself."""
    named = {"true": True, "false": False, "none": None}
    if text.lower() in named:
        return named[text.lower()]
    try:
        return ast.literal_eval(text)  # literals alone: nothing is called
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _parse_ours(text: str, name: str, tail: str | None, blocks: bool) -> Spec:
    model, alike = find(name, plugins.names), block(name)
    if tail == "":
        raise SpecError(f"{text!r} ends after '@'; {model.name} takes {_takes(model)}")
    pairs = _pairs(tail or "", text)
    if alike is not None and (blocks or any(map(alike.option, pairs))):
        model = alike
    given: dict[str, Value] = {}
    for key, value in pairs.items():
        option = model.option(key)
        if option is None:
            known = nearest(key, (o.name for o in model.options))
            raise SpecError(f"{model.name} has no option {key!r}{known}; it takes {_takes(model)}")
        given[key] = _value(model, option, value)
    options = tuple((o.name, given.get(o.name, o.default)) for o in model.options)
    return Spec(model, options, tuple(given))


def _takes(model: Model) -> str:
    return ", ".join(option.name for option in model.options)


def _value(model: Model, option: Option, text: str) -> Value:
    """Convert to the option's type, within its bounds."""
    try:
        if option.choices:
            if text not in option.choices:
                raise ValueError
            return text
        if option.is_map:
            channels, height, width = parse_map(text)
            return f"{height}x{width}x{channels}"
        if isinstance(option.default, bool):
            return _BOOLEANS[text.lower()]
        number = int(text) if isinstance(option.default, int) else float(text)
        if not option.low <= number <= option.high:  # false for nan, too
            raise ValueError
        return number
    except (ValueError, KeyError, ShapeError):
        raise SpecError(
            f"{model.name} cannot take {option.name}={text!r}; it takes {option.values}"
        ) from None
