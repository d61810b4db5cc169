"""How a recorded baseline reads: each model's costs, and what changed since the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cnnbench import units
from cnnbench.counting.metrics import STATIC
from cnnbench.counting.rules import convention
from cnnbench.guard.baseline import Baseline
from cnnbench.guard.config import Guarded
from cnnbench.guard.costs import Costs
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table

RECORDED = (
    Column("model", "model", left=True),
    col.PARAMS,
    col.MACS,
    col.PEAK,
    Column("layers", "layers"),
    Column("since", "since the last", left=True),
)


def report_of(
    chosen: Sequence[Guarded],
    made: Baseline,
    before: Mapping[str, Costs],
    lost: str,
    name: str,
    file: Path,
) -> Report:
    """One row a model that was recorded; `before` are the costs of the last record.

    `lost` says why that could not be read.
    """
    rows = [_row(one.label, made.models[one.label], before.get(one.label)) for one in chosen]
    gone = sorted(set(before) - set(made.models))
    number = f"{len(rows)} model" + ("" if len(rows) == 1 else "s")
    size = units.size(file.stat().st_size)
    findings = [f"{number} recorded in {name} ({size}), which 'cnnbench check' reads"]
    findings += [
        f"{one.label}: {metric.words} above max_{metric} ({metric.show(limit)}): 'cnnbench check' "
        "fails until the limit is raised"
        for one in chosen
        for metric in STATIC
        if (limit := one.exceeded(metric, made.models[one.label].value(metric))) is not None
    ]
    findings += [f"compared with nothing: {lost.partition(';')[0]}"] if lost else []
    findings += [f"no longer in it: {', '.join(gone)}"] if gone else []
    return Report(
        command="baseline",
        results=rows,
        tables=[Table(RECORDED, rows)],
        findings=findings,
        notes=[convention.FOOTER],
        environment={**software(), "baseline": str(file)},
    )


def _row(label: str, now: Costs, before: Costs | None) -> dict[str, Any]:
    row = {
        "model": label,
        "input": now.input,
        "dtype": now.dtype,
        **{str(metric): now.value(metric) for metric in STATIC},
        "layers": len(now.layers),
    }
    if before is None:
        return {**row, "since": "new"}
    changed = [m for m in STATIC if now.value(m) != before.value(m)]
    texts = []
    for metric in changed:
        was = before.value(metric)
        by = f" {units.difference(now.value(metric) / was - 1)}" if was else ""
        texts.append(f"{metric.words}{by}")
    if not texts and now.layers != before.layers:
        texts = ["layers renamed or moved"]
    return {**row, "since": ", ".join(texts) or "unchanged"}
