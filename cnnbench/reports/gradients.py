"""How a signal through depth reads: verdicts, a chart by depth, losses, identities. Needs torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from statistics import mean, median
from typing import Any

from cnnbench import units
from cnnbench.devices.environment import Environment
from cnnbench.reports import columns as col
from cnnbench.reports.charts import sparks
from cnnbench.reports.gradients_notes import Asked, judgements, notes
from cnnbench.reports.report import Column, Report, Table
from cnnbench.studies.depth.records import block_records, record
from cnnbench.studies.depth.signal import EXPLODING, VANISHING, Signals
from cnnbench.studies.depth.trainings import Trainings

_PARTS = 5  # of a training whose mean losses are shown
_MAGNITUDE = units.magnitude
HEAD = (col.MODEL, Column("norm", "batch\nnorm", left=True))
VERDICTS = (
    *HEAD,
    Column("number", "blocks"),
    Column("gradient_ratio", "gradient,\nfirst/last", units.magnitude),
    Column("interval", col.OF_MEDIAN, under=True),
    Column("verdict", "verdict", left=True),
    Column("variance_ratio", "variance,\nlast/first", units.magnitude),
)
BLOCKS = (
    Column("block", "block", left=True),
    Column("gradient_norm", "gradient", _MAGNITUDE),
    Column("gradient_interval", col.OF_MEDIAN, under=True),
    Column("variance", "variance", _MAGNITUDE),
    Column("variance_interval", col.OF_MEDIAN, under=True),
)
TRAINED = (
    Column("weight_ratio", "weights", _MAGNITUDE),
    Column("identity_distance", "from\nidentity", _MAGNITUDE),
)
IDENTITY = (
    *HEAD,
    Column("decay", "weight\ndecay"),
    Column("weights", "weights", _MAGNITUDE),
    Column("distance", "from\nidentity", _MAGNITUDE),
    Column("variance", "last's\nvariance", _MAGNITUDE),
    Column("chart", "from identity by depth\n▁ 0 … █ 1 and more", left=True, whole=True),
)


def report_of(
    found: Signals,
    trained: Trainings,
    asked: Asked,
    about: Environment,
    *,
    blocks: bool = False,
) -> Report:
    """A verdict each and charts by depth; of trainings losses, with weight decay identities."""
    results = [record(row, trained.rows) for row in found.rows]
    lines = [
        {**result, **_shown(result), "gradient_ratio": row.gradient_ratio.median}
        | {"variance_ratio": row.variance_ratio.median}
        for row, result in zip(found.rows, results, strict=True)
    ]
    tables = [Table(VERDICTS, lines), _by_depth(lines)]
    if blocks:
        tables += [_blocks(line) for line in lines]
    if trained.rows:
        tables.append(_losses(lines, asked))
    if asked.weight_decay is not None and trained.rows:
        tables.append(_identities(lines))
    interrupted = found.interrupted or trained.interrupted
    return Report(
        command="gradients",
        results=results,
        tables=tables,
        findings=judgements(found, lines, interrupted=interrupted),
        notes=notes(found, lines, asked, about),
        environment={
            **asdict(about),
            **asdict(asked),
            "vanishing": VANISHING,
            "exploding": EXPLODING,
            "interrupted": interrupted,
        },
        records=[block for row in found.rows for block in block_records(row, trained.rows)],
    )


def _shown(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "norm": "yes" if result["batch_norm"] else "no",
        "number": len(result["blocks"]),
        "interval": _interval(result, "ci"),
    }


def _interval(values: dict[str, Any], key: str) -> str:
    low, high = values[f"{key}_low"], values[f"{key}_high"]
    return "" if low is None else units.magnitudes(low, math.inf if high is None else high)


def _blocks(line: dict[str, Any]) -> Table:
    """Every block of a network, and where it was trained what the last training made of it."""
    last = line["trainings"][-1]["blocks"] if line["trainings"] else []
    after = {block["block"]: block for block in last}
    rows = [
        {
            **block,
            "gradient_interval": _interval(block, "gradient_norm_ci"),
            "variance_interval": _interval(block, "variance_ci"),
            **{c.key: after.get(block["block"], {}).get(c.key) for c in TRAINED},
        }
        for block in line["blocks"]
    ]
    title = f"{line['model']}, {'with' if line['batch_norm'] else 'without'} batch norm"
    return Table((*BLOCKS, *(TRAINED if last else ())), rows, title)


def _by_depth(lines: Sequence[dict[str, Any]]) -> Table:
    """A cell a block, the first one left, all networks on one scale."""
    columns, rows = list(HEAD), [dict(line) for line in lines]
    for key, words in (("gradient_norm", "gradient"), ("variance", "variance")):
        series = [[block[key] for block in line["blocks"]] for line in lines]
        low, high = sparks.ends(value for one in series for value in one)
        for row, one in zip(rows, series, strict=True):
            row[f"{key}_chart"] = sparks.logarithmic(one, low, high)
        scale = f"▁ {units.magnitude(low)} … █ {units.magnitude(high)}"
        header = f"{words} by depth\n{scale}"
        columns.append(Column(f"{key}_chart", header, left=True, whole=True))
    return Table(tuple(columns), rows)


def _each(
    lines: Sequence[dict[str, Any]], of: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row a training, below the network's name and norm."""
    return [
        {**line, "decay": f"{one['weight_decay']:g}", **of(one)}
        for line in lines
        for one in line["trainings"]
    ]


def _losses(lines: Sequence[dict[str, Any]], asked: Asked) -> Table:
    """The mean loss of each part of the steps; of a part that was not reached nothing."""
    parts = min(_PARTS, asked.steps)
    ends = [asked.steps * part // parts for part in range(parts + 1)]
    spans = list(pairwise(ends))

    def of(one: dict[str, Any]) -> dict[str, Any]:
        return {f"to{end}": _mean(one["losses"][start:end]) for start, end in spans}

    columns = [*HEAD, *([IDENTITY[2]] if asked.weight_decay is not None else [])]
    for start, end in spans:
        steps = f"{start + 1}–{end}" if end > start + 1 else f"{end}"
        columns.append(Column(f"to{end}", f"steps\n{steps}"))
    return Table(tuple(columns), _each(lines, of), "training loss, mean of steps")


def _mean(losses: Sequence[float | None]) -> str:
    numbers = [loss for loss in losses if loss is not None]
    if len(numbers) < len(losses):
        return "diverged"
    return units.magnitude(mean(numbers)) if numbers else ""


def _identities(lines: Sequence[dict[str, Any]]) -> Table:
    """Medians over blocks, and how far each is from the identity."""

    def of(one: dict[str, Any]) -> dict[str, Any]:
        blocks = one["blocks"]
        distances = [block["identity_distance"] for block in blocks]
        return {
            "weights": _median(block["weight_ratio"] for block in blocks),
            "distance": _median(distances),
            "variance": blocks[-1]["variance"] if blocks else None,
            "chart": sparks.linear(distances, 1.0),
        }

    return Table(IDENTITY, _each(lines, of), "after training")


def _median(values: Any) -> float | None:
    numbers = [value for value in values if value is not None]
    return median(numbers) if numbers else None
