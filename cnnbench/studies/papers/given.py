"""A table of results that a user gives, as timm publishes them: accuracies of `timm:` networks.

It is taken once a process, before anything is shown: whoever asks for a network's accuracies later
finds those of the table, too.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cnnbench.errors import InputError
from cnnbench.models.sources import timm
from cnnbench.models.spec import AnySpec, SourceSpec

_NEEDED = ("model", "img_size", "top1", "top5")
_METRICS = _NEEDED[2:]
_KIND = "results-"  # timm's files are called results-imagenet.csv, results-imagenet-real.csv, …
_USUAL = "imagenet"


class Claim(NamedTuple):
    """A figure of the table: of which weights, on images of that side, percent as written."""

    weights: str
    side: int
    metric: str
    printed: str
    dataset: str
    file: str


_taken: dict[str, list[Claim]] = {}


def take(path: Path, specs: Sequence[AnySpec]) -> int:
    """Take the table for some networks, instead of one before; its number of networks.

    InputError where it cannot be read, lacks a column, a figure in it is none, or no network is of
    timm.
    """
    if not any(isinstance(spec, SourceSpec) and spec.source == timm.library for spec in specs):
        raise InputError("--accuracy is of timm: networks, of which none is named; leave it out")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"cannot read {path}: {reason}; give timm's results CSV") from error
    rows = csv.DictReader(text.splitlines())
    try:
        return _take(path, rows)
    except csv.Error as error:
        raise InputError(f"{path} is no table: {error}") from error


def _take(path: Path, rows: csv.DictReader[str]) -> int:
    lacking = [name for name in _NEEDED if name not in (rows.fieldnames or ())]
    if lacking:
        raise InputError(
            f"{path} has no column {lacking[0]!r}; a table as timm's has {', '.join(_NEEDED)}"
        )
    name = path.stem.removeprefix(_KIND)
    dataset = name if path.stem.startswith(_KIND) else _USUAL
    found: dict[str, list[Claim]] = {}
    for number, row in enumerate(rows, 2):
        weights = str(row["model"])
        try:
            side, figures = int(row["img_size"]), {key: float(row[key]) for key in _METRICS}
        except (TypeError, ValueError):
            side, figures = 0, {}
        if side < 1 or not all(0 <= value <= 100 for value in figures.values()) or not figures:
            raise InputError(f"{path}, line {number}: no figures of {weights!r} can be read there")
        claims = [Claim(weights, side, key, str(row[key]), dataset, path.name) for key in _METRICS]
        found.setdefault(weights.partition(".")[0], []).extend(claims)
    if not found:
        raise InputError(f"{path} has no row; a table as timm's has one for each set of weights")
    _taken.clear()
    _taken.update(found)
    return len(found)


def claimed(spec: SourceSpec) -> list[Claim]:
    """What the table says of a network of timm's: of its weights, if they are named, alone."""
    if spec.source != timm.library or spec.options:
        return []
    known = _taken.get(spec.name.partition(".")[0], [])
    return [one for one in known if spec.name in (one.weights, one.weights.partition(".")[0])]
