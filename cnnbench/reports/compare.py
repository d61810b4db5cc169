"""How a comparison reads: a table of costs and times, a sentence a row. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.counting.division import By
from cnnbench.counting.rules import convention
from cnnbench.reports import accuracy
from cnnbench.reports import columns as col
from cnnbench.reports import compare_settings as side_by_side
from cnnbench.reports.environment import alert, reliability, software, where
from cnnbench.reports.report import Column, Report, Table
from cnnbench.reports.verdicts import marked
from cnnbench.studies.comparison.comparison import Comparing, Comparison
from cnnbench.studies.comparison.records import part_records, record
from cnnbench.timing import backends
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.setting import Setting

ROWS = (
    Column("name", "", left=True),
    Column("params", "params"),
    Column("macs", "MACs"),
    Column("bytes_moved", "bytes\nmoved", wide=True),
    Column("activations", "activations"),
)
PREDICTED = Column("predicted", "predicted")
MEASURED = (
    Column("measured", "measured"),
    Column("interval", col.OF_RERUN, under=True),
)
PARTS = (
    Column("part", "", left=True),
    Column("macs_a", "MACs\nof a", units.count),
    Column("macs_b", "MACs\nof b", units.count),
    Column("macs_difference", "difference\nin MACs", col.signed),
    Column("bytes_moved_a", "bytes\nof a", units.size, wide=True),
    Column("bytes_moved_b", "bytes\nof b", units.size, wide=True),
    Column("predicted_a_s", "predicted\ntime of a", units.duration),
    Column("predicted_b_s", "predicted\ntime of b", units.duration),
)
_COSTS = {
    "params": units.count,
    "macs": units.count,
    "bytes_moved": units.size,
    "activations": units.count,
}


def report_of(done: Comparing, by: By | None, setting: Setting) -> Report:
    """Rows, for networks where they differ, and a sentence each; or rows by settings."""
    timed = done.profile is not None
    results = [record(row) for row in done.rows]
    if several := done.side_by_side:
        table = side_by_side.table(done.rows, several)
        return _report(done, results, [table], side_by_side.kept(done.rows, several), setting)
    seen = MEASURED if done.environment is not None else ()
    columns = (*ROWS, *((PREDICTED, *seen, col.BOUND) if timed else ()))
    tables = [Table(columns, _lines(done.rows, results))]
    for row, result in zip(done.rows, results, strict=True):
        if not row.label and not row.is_of_one:
            result["parts"] = part_records(row, by)
            shown = [c for c in PARTS if timed or not c.key.startswith("predicted")]
            tables.append(Table(tuple(shown), result["parts"], f"a: {row.a.name}, b: {row.b.name}"))
    return _report(done, results, tables, _sentences(done.rows, results), setting)


def _report(
    done: Comparing,
    results: list[dict[str, Any]],
    tables: list[Table],
    sentences: list[str],
    setting: Setting,
) -> Report:
    return Report(
        command="compare",
        results=results,
        tables=tables,
        findings=[
            *sentences,
            *accuracy.lines([(side.model, side.accuracies) for side in done.sides]),
            *_inputs(done.rows),
            *judgements(done),
        ],
        notes=notes(done, setting),
        environment=surroundings(done),
        alert=alert(done.warnings),
        records=[{k: v for k, v in result.items() if k != "parts"} for result in results],
    )


def _lines(rows: Sequence[Comparison], results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of each row: its shape, a, b, and their ratio; of rows that share a, a once."""
    lines: list[dict[str, Any]] = []
    before = None
    for row, result in zip(rows, results, strict=True):
        if row.label:
            lines.append({"name": row.label})
        if row.a is not before:
            lines.append(_side(row.a.name, result, "a"))
        before = row.a
        lines += [_side(row.b.name, result, "b"), _ratios(row, result)]
    return lines


def _side(name: str, result: dict[str, Any], end: str) -> dict[str, Any]:
    """One side's costs, times and bound."""
    cells = {key: show(result[f"{key}_{end}"]) for key, show in _COSTS.items()}
    for key, value in (("predicted", "predicted_s"), ("measured", "latency_s")):
        if result[f"{value}_{end}"] is not None:
            cells[key] = units.duration(result[f"{value}_{end}"])
    return {"name": f"  {name}", **cells, "bound": result[f"bound_{end}"]}


def _ratios(row: Comparison, result: dict[str, Any]) -> dict[str, Any]:
    """How many times less b takes; `~` where no difference can be told, `!` where not enough."""
    cells = {
        key: units.ratio(result[f"{key}_a"] / result[f"{key}_b"])
        for key in _COSTS
        if result[f"{key}_b"]
    }
    if row.predicted_speedup is not None:
        cells["predicted"] = units.ratio(row.predicted_speedup)
    cells["measured"] = marked(result["measured_speedup"], row.verdict)
    shown = "failed" if row.failure else col.of_ratio(result)
    return {"name": "  times less", **cells, "interval": shown}


def _sentences(rows: Sequence[Comparison], results: Sequence[dict[str, Any]]) -> list[str]:
    """Each row's explanation, and the papers' formula with its numbers."""
    return [
        f"{row.title}: {result['explanation']}"
        + (f" ({row.closed_form})" if row.closed_form else "")
        for row, result in zip(rows, results, strict=True)
    ]


def _inputs(rows: Sequence[Comparison]) -> list[str]:
    """Which inputs networks have, where they differ."""
    return [
        f"Each at its own input: {row.a.name} {col.shapes(row.a.trace.input_shapes)}, "
        f"{row.b.name} {col.shapes(row.b.trace.input_shapes)}."
        for row in rows
        if row.a.trace.input_shapes != row.b.trace.input_shapes
    ]


def surroundings(done: Comparing) -> dict[str, Any]:
    """The JSON's environment."""
    about: dict[str, Any] = {}
    if done.environment is not None:
        about = {**asdict(done.environment), **reliability(done.warnings)}
    if done.profile is not None:
        about["ceilings"] = done.profile.record()
    return {**software(), **about, "interrupted": done.interrupted}


def judgements(done: Comparing) -> list[str]:
    """What disturbed it, what could not be told, and what the marks of ratios say."""
    lines = [f"warning: {warning.text}" for warning in done.warnings]
    lines += [f"failed: {reason}" for reason in done.failures]
    if done.profile is not None and (done.profile.disturbed or done.profile.operators_disturbed):
        lines.append(
            "predicted from ceilings measured while something disturbed; again on a quiet machine: "
            "cnnbench device --refresh"
        )
    if done.interrupted:
        timed = sum(row.measured is not None for row in done.rows)
        lines.append(f"interrupted: {timed} of {len(done.rows)} rows were measured")
    if any(row.verdict is Verdict.NOT_CONVERGED for row in done.rows):
        lines.append("! not enough rounds to tell; raise --max-time")
    if any(row.verdict in (Verdict.FASTER_HERE, Verdict.SLOWER_HERE) for row in done.rows):
        lines.append("? told in this run alone: another run need not confirm it")
    if any(row.verdict is Verdict.INDISTINGUISHABLE for row in done.rows):
        lines.append("~ no difference can be told: the interval holds 1")
    return lines


def notes(done: Comparing, setting: Setting) -> list[str]:
    """What a reader must know of each side, and where it was measured."""
    told = {
        (side.name, w.text): None
        for row in done.rows
        for side in (row.a, row.b)
        for w in side.warnings
    }
    lines = [f"{name}: {text}" for name, text in told]
    if done.environment is not None:
        lines.append(
            where(
                done.environment,
                [side.dtype for row in done.rows for side in (row.a, row.b)],
                channels_last=setting.channels_last,
            )
        )
    elif done.profile is not None:
        lines.append(f"predicted for {done.profile.name}, nothing was measured")
    runs = [side.run_in for row in done.rows for side in (row.a, row.b) if side.predicted]
    if not all(one.plain or backends.profiled(one.backend) for one in runs):
        lines.append("predicted for eager passes in the default layout")
    return [*lines, convention.FOOTER]
