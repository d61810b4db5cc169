"""A record of a sweep: one configuration, what it costs and what it takes."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cnnbench.counting.cost import Cost, Count
from cnnbench.counting.totals import Totals
from cnnbench.devices.environment import Environment
from cnnbench.devices.warnings import Warning
from cnnbench.errors import CnnbenchError
from cnnbench.models.given import Given
from cnnbench.models.lookup import BLOCKS_BY_NAME
from cnnbench.models.spec import Spec
from cnnbench.sweeps.plan import Configuration
from cnnbench.timing.latency import Latency, Rate, Seconds
from cnnbench.timing.preparing.ran import Ran
from cnnbench.timing.setting import Setting

FORMAT = 1  # of a record; what has none is of the first
_ADDING = [one.name for one in fields(Cost)]  # which a record has, also where they are 0
NOWHERE = ("", 0)  # the place of what was counted alone, or failed before it was timed


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class OfKind(_Part):
    """What the operators of one kind cost together, and are predicted to take."""

    macs: Count
    elementwise_flops: Count
    bytes_moved: Count
    predicted_s: Annotated[float, Field(ge=0, le=1e9)] | None = None


class Predicted(_Part):
    """What a pass should take, from the device's ceilings."""

    predicted_s: Seconds
    bound: str | None = None


@dataclass(frozen=True, kw_only=True)
class Surroundings(Environment):
    """The machine and software that measured, and what disturbed it."""

    warnings: tuple[Warning, ...] = ()


class Roof(_Part):
    """The device's ceilings in the pass's dtype."""

    flops_per_s: Rate | None = None
    bytes_per_s: Rate | None = None
    cache_per_s: Rate | None = None


class Result(BaseModel):
    """One record; without `environment` nothing was timed, with a `failure` there is no number."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    format: Annotated[int, Field(ge=1, strict=True)] = FORMAT
    key: str
    measured: datetime
    model: str
    batch: Annotated[int, Field(ge=1, le=10**9)]
    dtype: str | None = None
    channels_last: bool = False
    backend: str = ""
    compile: bool = False
    graph: bool = False
    fuse: bool = False
    train: bool = False
    given: Given | None = None
    cost: Totals | None = None
    kinds: dict[str, OfKind] = Field(default={})
    prediction: Predicted | None = None
    failure: str = ""
    timed: Latency | None = Field(default=None, alias="latency")
    environment: Surroundings | None = None
    roof: Roof = Roof()
    rounds: str = ""

    @field_validator("measured")
    @classmethod
    def _in_utc(cls, value: datetime) -> datetime:
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    @field_validator("given", mode="before")
    @classmethod
    def _read_given(cls, value: Any) -> Any:
        try:
            return value and Given.read(value)
        except (CnnbenchError, LookupError, TypeError, ValueError) as error:
            raise ValueError(f"given is none: {error}") from error

    @field_validator("cost", mode="before")
    @classmethod
    def _without_cost(cls, value: Any) -> Any:
        missing = [name for name in _ADDING if name not in value] if value else []
        if missing and isinstance(value, dict):
            raise ValueError(f"it has no {missing[0]}")
        return value or None

    @field_validator("timed", mode="before")
    @classmethod
    def _with_what_ran(cls, value: Any) -> Any:
        """Records are flat."""
        if not isinstance(value, dict):
            return value
        return {
            **value,
            "ran": {one.name: value[one.name] for one in fields(Ran) if one.name in value},
        }

    @model_validator(mode="after")
    def _adds_up(self) -> Result:
        about = said(self.key)
        for name in ("model", "batch"):
            own = getattr(self, name)
            if about.get(name, own) != own:
                raise ValueError(f"{name} {own} is not that of its key, {about[name]}")
        whole = sum(kind.macs for kind in self.kinds.values())
        if self.cost and self.kinds and whole != self.macs:
            raise ValueError(f"macs {self.macs} is not that of its kinds, {whole}")
        found = self.timed
        if found is None or self.failure:
            return self
        low, value, high = found.ci_low_s, found.latency_s, found.ci_high_s
        if None not in (low, value, high) and not low <= value <= high:  # type: ignore[operator]
            raise ValueError(f"latency_s {value} is not within its interval")
        if found.samples != len(found.samples_s):
            raise ValueError(f"samples {found.samples} is not how many there are")
        return self

    @cached_property
    def configuration(self) -> Configuration:
        """What was measured, wherever."""
        return Configuration(self.model, self.setting, self.given)

    @cached_property
    def setting(self) -> Setting:
        """How it was run; older records tell the back end by a flag."""
        named = {"backend": self.backend} if self.backend else {}
        fields = ("batch", "dtype", "channels_last", "compile", "graph", "fuse", "train")
        return Setting.of({**{name: getattr(self, name) for name in fields}, **named})

    @cached_property
    def latency(self) -> Latency | None:
        """What a pass took, with its raw samples; of an older record a rerun by what is assumed."""
        found = self.timed
        if found is None:
            return None
        rerun = found.rerun
        if found.run_low_s is None and math.isfinite(rerun.high):
            low, high = found.ci_low_s, found.ci_high_s
            found = replace(found, ci_low_s=rerun.low, ci_high_s=rerun.high)
            found = replace(found, run_low_s=low, run_high_s=high)
        return replace(found, setting=self.setting)

    @cached_property
    def block(self) -> Spec | None:
        """The block that it is, None of a network."""
        if self.model.partition("@")[0] not in BLOCKS_BY_NAME:
            return None
        spec = self.configuration.spec
        return spec if isinstance(spec, Spec) and spec.model.is_block else None

    @property
    def reliable(self) -> bool:
        """Whether its times are usable; what was counted alone has none that are not."""
        return self.timed is None or self.timed.reliable

    @property
    def latency_s(self) -> float | None:
        """Median seconds of a pass, where they were measured."""
        return self.timed.latency_s if self.timed and not self.failure else None

    def stands(self, *, retry: bool) -> bool:
        """Whether it need not be measured again; with `retry` what failed or is not usable does."""
        return not retry or (self.reliable and not self.failure)

    @property
    def weight(self) -> tuple[bool, bool, datetime]:
        """What stands of several: one that did not fail, is usable, was measured last."""
        return not self.failure, self.reliable, self.measured

    @property
    def macs(self) -> int:
        """Multiply-accumulates of a pass."""
        return self.cost.macs if self.cost else 0

    @property
    def place(self) -> tuple[str, int]:
        """Name of the device and number of threads; empty where nothing was timed."""
        about = self.environment
        return (about.device_name, about.threads) if about else NOWHERE


def said(key: str) -> dict[str, Any]:
    """What a key says of the configuration and the software; nothing of somebody's own."""
    try:
        found = json.loads(key)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
