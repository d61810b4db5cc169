"""`cnnbench baseline`: record what the guarded models cost, for `cnnbench check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import BaselineError
from cnnbench.files import check_writable
from cnnbench.reports import columns as col
from cnnbench.reports.formats.emit import emit
from cnnbench.reports.report import Column, Report, Table

if TYPE_CHECKING:
    from cnnbench.guard.costs import Costs

RECORDED = (
    Column("model", "model", left=True),
    col.PARAMS,
    col.MACS,
    col.PEAK,
    Column("layers", "layers"),
    Column("since", "since the last", left=True),
)


def baseline(
    only: opt.Only = None,
    config: opt.Config = None,
    form: opt.FormatOption = None,
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Record the costs of what pyproject.toml guards, one line a model and layer.

    Commit the file: 'cnnbench check' then fails where a cost rises. What changed since the last
    record is shown.

    cnnbench baseline

    cnnbench baseline --only mypackage.nets:detector
    """
    check_writable(output)
    with heavy_imports():
        from cnnbench.counting.rules import convention
        from cnnbench.guard import baseline as baselines
        from cnnbench.guard import config as configs
        from cnnbench.guard.check import record
        from cnnbench.reports.environment import software
    found = configs.find(config)
    found.check_output(output)
    chosen = found.chosen(only)
    file = found.baseline_file
    check_writable(file)
    try:
        before = baselines.read(file).models
    except BaselineError:
        before = {}
    with opt.their_code(), bar(0) as shown:
        made = record(found, chosen, whole=not only, say=shown.say)
    baselines.keep(made, file)
    rows = [
        _row(guarded.label, made.models[guarded.label], before.get(guarded.label))
        for guarded in chosen
    ]
    gone = sorted(set(before) - set(made.models))
    number = f"{len(rows)} model" + ("" if len(rows) == 1 else "s")
    size = units.size(file.stat().st_size)
    notes = [f"{number} recorded in {found.baseline} ({size}), which 'cnnbench check' reads"]
    notes += [f"no longer in it: {', '.join(gone)}"] if gone else []
    report = Report(
        command="baseline",
        results=rows,
        tables=[Table(RECORDED, rows)],
        notes=[*notes, convention.FOOTER],
        environment={**software(), "baseline": str(file)},
    )
    emit(report, form, output)


def _row(label: str, now: Costs, before: Costs | None) -> dict[str, Any]:
    from cnnbench.counting.metrics import STATIC

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
