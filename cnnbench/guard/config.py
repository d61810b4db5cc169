"""The guard's configuration: `[tool.cnnbench]` in pyproject.toml, or a cnnbench.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cnnbench.counting.metrics import Metric
from cnnbench.errors import ConfigError, SpecError, nearest
from cnnbench.files import Complaint, read_toml, validated
from cnnbench.guard.fields import Count, Held, Size, Tolerance, Tolerances
from cnnbench.models.given_keys import GivenKeys, Text
from cnnbench.models.inputs import Dtype
from cnnbench.models.spec import AnySpec, parse
from cnnbench.timing.setting import Setting

FILES = ("cnnbench.toml", "pyproject.toml")
_EXAMPLE = (
    """write [tool.cnnbench] with [[tool.cnnbench.model]] name = "package.module:NAME" """.strip()
)
_LATENCY_RATIO = 1.05
_HELD = (Metric.MACS, Metric.PARAMS, Metric.PEAK)  # unless the configuration says otherwise


class Guarded(GivenKeys):
    """One model to guard: how it is built and run, and what it may cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    name: Text
    batch: Annotated[int, Field(strict=True, ge=1, le=10**6)] = 1
    dtype: Dtype | None = None
    train: Annotated[bool, Field(strict=True)] = False
    guard: Held = None
    tolerance: Tolerances = Field(default={})
    max_macs: Count = None
    max_params: Count = None
    max_peak_activation_bytes: Size = None
    max_activations: Count = None
    max_elementwise_flops: Count = None
    max_bytes_moved: Size = None
    max_latency_ratio: Annotated[float, Field(strict=True, gt=0, lt=1e6)] = _LATENCY_RATIO

    @property
    def spec(self) -> AnySpec:
        """What its name says; SpecError where it names nothing."""
        return parse(self.name)

    @property
    def setting(self) -> Setting:
        """How it is run."""
        return Setting(self.batch, self.dtype and str(self.dtype), train=self.train)

    @property
    def label(self) -> str:
        """What tells it from the others: its spec, and how it is run where that is not usual."""
        batch = [f"batch {self.batch}"] if self.batch > 1 else []
        how = [*batch, *self.setting.words("dtype", "train")]
        return " ".join(filter(None, [str(self.spec), str(self.given or ""), *how]))

    def exceeded(self, metric: Metric, cost: int) -> int | None:
        """The limit that the cost is above; None where it has none, or keeps it."""
        limit: int | None = getattr(self, f"max_{metric}")
        return limit if limit is not None and cost > limit else None


class Config(BaseModel):
    """All that is guarded, and where its baseline is."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    file: Path
    baseline: Text = "cnnbench-baseline.json"
    guard: Held = None
    tolerance: Tolerances = {}
    model: tuple[Guarded, ...]

    @model_validator(mode="after")
    def _check(self) -> Config:
        if not self.baseline.endswith(".json"):
            raise ValueError(f"baseline {self.baseline!r} is no name of a .json file")
        if not self.model:
            raise ValueError(f"it guards no model; {_EXAMPLE}")
        return self

    @property
    def folder(self) -> Path:
        """The file's folder: models and the baseline are found from there."""
        return self.file.parent

    @property
    def baseline_file(self) -> Path:
        """The baseline's place."""
        return self.folder / self.baseline

    def check_output(self, output: Path | None) -> None:
        """ConfigError where a report would be written over the baseline or this file."""
        for file in (self.file, self.baseline_file):
            if output is not None and output.resolve() == file.resolve():
                raise ConfigError(f"--output {output} would lose {file.name}; name another file")

    def holds(self, guarded: Guarded, metric: Metric) -> bool:
        """Whether the baseline holds it: what `guard` names, else three costs and those tolerated.

        A `max_…` holds whatever is recorded.
        """
        named = guarded.guard or self.guard
        return metric in (named or (*_HELD, *self.tolerance, *guarded.tolerance))

    def tolerated(self, guarded: Guarded, metric: Metric) -> Tolerance:
        """The model's own tolerance, else the one for all, else none."""
        return guarded.tolerance.get(metric) or self.tolerance.get(metric) or Tolerance()

    def chosen(self, only: list[str] | None) -> list[Guarded]:
        """Models whose name or label is in `only`, or all; ConfigError for a name of none."""
        if not only:
            return list(self.model)
        found = []
        for name in only:
            same = [g for g in self.model if name in (g.name, g.label, str(g.spec))]
            if not same:
                names = [guarded.label for guarded in self.model]
                raise ConfigError(
                    f"{self.file.name} guards no {name!r}{nearest(name, names)}; "
                    f"it guards {_few(names)}"
                )
            found += [guarded for guarded in same if guarded not in found]
        return found


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def find(path: Path | None = None) -> Config:
    """Read `path`, or the nearest configuration in this folder or above it.

    ConfigError in one line where there is none, or it cannot be read.
    """
    if path is not None:
        return read(path)
    here = Path.cwd()
    for folder in (here, *here.parents):
        for name in FILES:
            file = folder / name
            if file.is_file() and (name != FILES[1] or _mentions_us(file)):
                return read(file)
    raise ConfigError(
        f"no configuration here or above: {_EXAMPLE} into pyproject.toml, "
        "then record it: cnnbench baseline"
    )


def read(file: Path) -> Config:
    """Read one file; ConfigError with the key that is wrong, and what would do."""
    content = _table(file)

    def tell(complaint: Complaint) -> ConfigError:
        said = sentence(complaint, content)
        if file.name == FILES[0]:  # whose tables have no prefix
            said = said.replace("[tool.cnnbench] with ", "").replace("[[tool.cnnbench.", "[[")
        return ConfigError(f"{file.name}: {said}")

    config = validated(Config, {**content, "file": file.resolve()}, tell)
    labels: set[str] = set()
    for guarded in config.model:
        try:
            label = guarded.label
        except SpecError as error:
            raise ConfigError(f"{file.name}: {error}") from error
        if label in labels:
            raise ConfigError(f"{file.name} guards {label} twice; leave one of them out")
        labels.add(label)
    return config


def _table(file: Path) -> dict[str, Any]:
    """A file's own table, as TOML has it."""
    content = read_toml(file, ConfigError, name=file.name)
    ours = content.get("tool", {}) if file.name == FILES[1] else {"cnnbench": content}
    table = ours.get("cnnbench") if isinstance(ours, dict) else None
    if not isinstance(table, dict):
        raise ConfigError(f"{file.name} has no [tool.cnnbench]; {_EXAMPLE}")
    if "tool" in table:
        raise ConfigError(
            f"{file.name}: leave 'tool.cnnbench.' out; write baseline = … and [[model]]"
        )
    if "file" in table:
        raise ConfigError(f"{file.name}: unknown key 'file'")
    return table


def _mentions_us(file: Path) -> bool:
    """Whether a pyproject.toml is meant for us, also where it cannot be read."""
    try:
        return "cnnbench" in tomllib.loads(file.read_text("utf-8-sig")).get("tool", {})
    except (ValueError, TypeError, RecursionError):
        return b"[tool.cnnbench" in file.read_bytes()
    except OSError:
        return True  # and `read` says why it cannot be read


def sentence(complaint: Complaint, content: Mapping[str, Any] | None = None) -> str:
    """The first thing that is wrong: where, what, and what would do.

    `content` is the whole configuration, None where it is one model's.
    """
    place = list(complaint.place)
    known, where = list(Guarded.model_fields), ""
    if content is not None:
        match place:
            case ["model", int(number), *rest]:
                entry = content["model"][number]
                name = entry.get("name") if isinstance(entry, dict) else None
                where, place = f"model {name or number + 1}: ", rest
                if not isinstance(entry, dict):
                    return f"{where}not a table; write {{ name = {str(entry)!r} }}"
            case ["model"] if "model" in content:
                return "model is a list of tables; write [[tool.cnnbench.model]]"
            case _:
                known = [name for name in Config.model_fields if name != "file"]
    key = str(place[0]) if place else ""
    if complaint.kind == "extra_forbidden":
        return f"{where}unknown key {key!r}{nearest(key, known)}; it takes {', '.join(known)}"
    if complaint.kind == "missing":
        return f"{where}it has no {key}; {_EXAMPLE}"
    return f"{where}{key + ': ' if key else ''}{complaint.text}"
