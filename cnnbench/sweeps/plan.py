"""What a sweep measures: the product of its axes."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from cnnbench.errors import ConfigError, SettingError, SpecError
from cnnbench.files import Complaint, read_toml, validated
from cnnbench.models.given import Given
from cnnbench.models.given_keys import GivenKeys
from cnnbench.models.inputs import Dtype, NumberFormat
from cnnbench.models.registry import MODELS
from cnnbench.models.spec import AnySpec, Spec, parse, parse_together
from cnnbench.studies.comparison.stages import stages_of, with_options
from cnnbench.timing.backends import EAGER, check_name
from cnnbench.timing.setting import Setting

ALL = "all"  # every network of the registry


def _listed(value: Any) -> Any:
    """One value is an axis of one."""
    return value if isinstance(value, list | tuple) else [value]


def _backend(name: str) -> str:
    try:
        return check_name(name)
    except SettingError as error:
        raise ValueError(str(error)) from error


_Axis = BeforeValidator(_listed), Field(min_length=1)
Texts = Annotated[tuple[str, ...], *_Axis]
Batches = Annotated[tuple[Annotated[int, Field(strict=True, ge=1, le=10**6)], ...], *_Axis]
Dtypes = Annotated[tuple[NumberFormat, ...], *_Axis]
Backends = Annotated[tuple[Annotated[str, AfterValidator(_backend)], ...], *_Axis]
Flag = Annotated[bool, Field(strict=True)]
Flags = Annotated[tuple[Flag, ...], *_Axis]


@dataclass(frozen=True)
class Configuration:
    """One point of the product: a model, how it is run, and on what if not on its own input."""

    model: str
    setting: Setting = field(default_factory=Setting)
    given: Given | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Configuration:
        """The configuration of a record."""
        given = record.get("given")
        return cls(str(record.get("model")), Setting.of(record), given and Given.read(given))

    def record(self) -> dict[str, Any]:
        """Plain data, flat but for what is given."""
        given = {} if self.given is None else {"given": self.given.plain()}
        return {"model": self.model, **self.setting.record(), **given}

    def __str__(self) -> str:
        """The words a person reads: `lenet5, batch 8, channels last`."""
        return ", ".join(
            [self.model, *filter(None, [str(self.given or "")]), *self.setting.words()]
        )

    @property
    def spec(self) -> AnySpec:
        """What its name says."""
        return parse(self.model)


class Plan(GivenKeys):
    """The axes, and how each point of their product is measured: what every model is given, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    models: Texts
    batch: Batches = (1,)
    dtype: Dtypes | None = None
    channels_last: Flags = (False,)
    backend: Backends = (EAGER,)
    train: Flags = (False,)
    device: str | None = None
    threads: Annotated[int, Field(strict=True, ge=1)] | None = None
    static: Flag = False

    def configurations(self) -> list[Configuration]:
        """Every point once, models in their order; SpecError for a name of none.

        A block without options stands at each of its stages, as in `compare`.
        """
        dtypes = [None if dtype is None else str(dtype) for dtype in self.dtype or (None,)]
        given = self.given
        points = (
            Configuration(model, Setting(batch, dtype, last, backend, train=train), given)
            for model, batch, dtype, last, backend, train in product(
                _named(self.models),
                self.batch,
                dtypes,
                self.channels_last,
                self.backend,
                self.train,
            )
        )
        return list(dict.fromkeys(map(_plain, points)))

    @model_validator(mode="before")
    @classmethod
    def _of_flags(cls, values: Any) -> Any:
        """`compile = [false, true]`, as plans had it, is `backend = ["eager", "compile"]`."""
        if not isinstance(values, dict) or "compile" not in values:
            return values
        flags = _listed(values["compile"])
        if "backend" in values:
            raise ValueError("compile and backend say the same; give only backend")
        if not flags or not all(isinstance(flag, bool) for flag in flags):
            raise ValueError('compile is true, false or both; write backend = ["compile"]')
        names = ["compile" if flag else EAGER for flag in flags]
        return {**{k: v for k, v in values.items() if k != "compile"}, "backend": names}


def _plain(one: Configuration) -> Configuration:
    """float32 is the own dtype of what is built here: one configuration, whichever is written."""
    own = one.setting.dtype == Dtype.FLOAT32 and isinstance(one.spec, Spec)
    return replace(one, setting=replace(one.setting, dtype=None)) if own else one


def read(path: Path) -> Plan:
    """Read a plan from TOML; ConfigError says which line of it is wrong."""
    return planned(read_toml(path, ConfigError), str(path))


def planned(values: dict[str, Any], source: str) -> Plan:
    """Hold values against the plan's fields; ConfigError names the first that is wrong."""
    plan = validated(Plan, values, lambda wrong: ConfigError(f"{source}: {_sentence(wrong)}"))
    try:
        _named(plan.models)
    except SpecError as error:
        raise ConfigError(f"{source}: {error}") from error
    return plan


_TAKES = {
    "models": "names of networks, or all",
    "batch": "numbers from 1 to 1000000",
    "dtype": ", ".join(NumberFormat),
    "channels_last": "false, true or both",
    "backend": "names of back ends",
    "train": "false, true or both",
    "device": "a name, as cpu or cuda:1",
    "threads": "a number from 1",
    "static": "false or true",
    "input": "a shape such as 3x224x224, or a list of such",
    "example": "FILE.py:NAME or module:NAME",
    "set": "a table of keywords that are no tensors",
    "batched": "false or true",
}
assert set(_TAKES) == set(Plan.model_fields)


def _sentence(wrong: Complaint) -> str:
    """What is wrong with a plan, and what to write."""
    axis = str(wrong.place[0]) if wrong.place else ""
    if wrong.kind == "extra_forbidden":
        return f"a sweep has no {axis!r}; it takes {', '.join(_TAKES)}"
    if wrong.kind == "missing":
        return f"it has no {axis}; write {axis}: {_TAKES[axis]}"
    if wrong.kind == "value_error":  # our own words
        return wrong.text
    return f"{axis} cannot be {reprlib.repr(wrong.value)}; it takes {_TAKES[axis]}"


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
