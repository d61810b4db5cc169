"""What a sweep measures: the product of its axes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from cnnbench.errors import ConfigError, SpecError
from cnnbench.models.inputs import Dtype
from cnnbench.models.registry import MODELS
from cnnbench.models.spec import AnySpec, Spec, parse, parse_together
from cnnbench.studies.comparison.stages import stages_of, with_options

ALL = "all"  # every network of the registry


def _listed(value: Any) -> Any:
    """One value is an axis of one."""
    return value if isinstance(value, list | tuple) else [value]


_Axis = BeforeValidator(_listed), Field(min_length=1)
Texts = Annotated[tuple[str, ...], *_Axis]
Batches = Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=10**6)], ...], *_Axis]
Dtypes = Annotated[tuple[Dtype, ...], *_Axis]
Flag = Annotated[bool, Field(strict=True)]
Flags = Annotated[tuple[Flag, ...], *_Axis]


@dataclass(frozen=True)
class Configuration:
    """One point of the product; `dtype` None is the network's own."""

    model: str
    batch: int = 1
    dtype: str | None = None
    channels_last: bool = False
    compile: bool = False
    train: bool = False

    @property
    def spec(self) -> AnySpec:
        """What its name says."""
        return parse(self.model)


def words(of: Mapping[str, Any]) -> str:
    """A configuration as a person reads it, of its fields: `lenet5, batch 8, channels_last`."""
    ways = [name for name in ("channels_last", "compile", "train") if of.get(name)]
    said = [str(of.get("model")), f"batch {of.get('batch')}", of.get("dtype"), *ways]
    return ", ".join(str(word) for word in said if word)


class Plan(BaseModel):
    """The axes, and how each point of their product is measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    models: Texts
    batch: Batches = (1,)
    dtype: Dtypes | None = None
    channels_last: Flags = (False,)
    compile: Flags = (False,)
    train: Flags = (False,)
    device: str | None = None
    threads: Annotated[int, Field(strict=True, ge=1)] | None = None
    static: Flag = False

    def configurations(self) -> list[Configuration]:
        """Every point once, models in their order; SpecError for a name of none.

        A block without options stands at each of its stages, as in `compare`.
        """
        axes = (
            _named(self.models),
            self.batch,
            [None if dtype is None else str(dtype) for dtype in self.dtype or (None,)],
            self.channels_last,
            self.compile,
            self.train,
        )
        return list(dict.fromkeys(_plain(Configuration(*point)) for point in product(*axes)))


def _plain(one: Configuration) -> Configuration:
    """float32 is the own dtype of what is built here: one configuration, whichever is written."""
    own = one.dtype == Dtype.FLOAT32 and isinstance(one.spec, Spec)
    return replace(one, dtype=None) if own else one


def read(path: Path) -> Plan:
    """Read a plan from TOML; ConfigError says which line of it is wrong."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise ConfigError(f"cannot read {path}: {reason}") from error
    try:
        return planned(tomllib.loads(text), str(path))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is no TOML: {error}") from error


def planned(values: dict[str, Any], source: str) -> Plan:
    """Hold values against the plan's fields; ConfigError names the first that is wrong."""
    try:
        plan = Plan.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = ", ".join(Plan.model_fields)
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{source}: a sweep has no {key!r}; it takes {known}") from error
        raise ConfigError(f"{source}: {key}: {first['msg'].lower()}") from error
    try:
        _named(plan.models)
    except SpecError as error:
        raise ConfigError(f"{source}: {error}") from error
    return plan


def _named(models: Iterable[str]) -> list[str]:
    """Specs as they are written in records: `all` and blocks without options written out."""
    found: list[str] = []
    texts = [text.strip() for text in models]
    specs = iter(parse_together([text for text in texts if text != ALL]))
    for text in texts:
        if text == ALL:
            found += [model.name for model in MODELS]
            continue
        spec = next(specs)
        if isinstance(spec, Spec) and spec.model.is_block and not spec.written:
            found += [str(with_options(spec, at)) for at in stages_of([spec.model.name])]
        else:
            found.append(str(spec))
    return found
