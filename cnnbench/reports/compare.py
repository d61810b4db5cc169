"""How a comparison reads: a table of costs and times, a sentence a row. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnbench import units
from cnnbench.reports import columns as col
from cnnbench.reports.compare_notes import marked, notes, surroundings
from cnnbench.reports.report import Column, Report, Table
from cnnbench.studies.comparison.comparison import Comparing, Comparison
from cnnbench.studies.comparison.division import By
from cnnbench.studies.comparison.records import part_records, record
from cnnbench.timing.setting import Setting

ROWS = (
    Column("name", "", left=True),
    Column("params", "params", col.optional(str)),
    Column("macs", "MACs", col.optional(str)),
    Column("bytes_moved", "bytes\nmoved", col.optional(str)),
    Column("activations", "activ-\nations", col.optional(str)),
)
PREDICTED = (Column("predicted", "pre-\ndicted"),)
MEASURED = (
    Column("measured", "measured"),
    Column("interval", col.OF_RATIO, under=True),
)
BOUND = (Column("bound", "bound", left=True),)
TIMES = (*PREDICTED, *MEASURED, *BOUND)
PARTS = (
    Column("part", "", left=True),
    Column("macs_a", "MACs\nof a", units.count),
    Column("macs_b", "MACs\nof b", units.count),
    Column("difference_share", "of the\ndifference", col.optional(units.percent)),
    Column("bytes_moved_a", "bytes\nof a", units.size),
    Column("bytes_moved_b", "bytes\nof b", units.size),
    Column("predicted_a_s", "time\nof a", col.optional(units.duration)),
    Column("predicted_b_s", "time\nof b", col.optional(units.duration)),
)
_COSTS = {
    "params": units.count,
    "macs": units.count,
    "bytes_moved": units.size,
    "activations": units.count,
}


def report_of(done: Comparing, by: By | None, setting: Setting) -> Report:
    """Rows, for networks where they differ, and a sentence each."""
    timed = done.profile is not None
    results = [record(row) for row in done.rows]
    seen = MEASURED if done.environment is not None else ()
    columns = (*ROWS, *((*PREDICTED, *seen, *BOUND) if timed else ()))
    tables = [Table(columns, _lines(done.rows, results))]
    for row, result in zip(done.rows, results, strict=True):
        if not row.label:
            result["parts"] = part_records(row, by)
            shown = [c for c in PARTS if timed or not c.key.startswith("predicted")]
            tables.append(Table(tuple(shown), result["parts"], f"a: {row.a.name}, b: {row.b.name}"))
    return Report(
        command="compare",
        results=results,
        tables=tables,
        notes=[*_sentences(done.rows, results), *notes(done, setting)],
        environment=surroundings(done),
        records=[{k: v for k, v in result.items() if k != "parts"} for result in results],
    )


def _lines(rows: Sequence[Comparison], results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines of each row: its shape, a, b, and their ratio; of rows that share a, a once."""
    lines: list[dict[str, Any]] = []
    before = None
    for row, result in zip(rows, results, strict=True):
        if row.label:
            lines.append(_line(row.label))
        if row.a is not before:
            lines.append(_side(row.a.name, result, "a"))
        before = row.a
        lines += [_side(row.b.name, result, "b"), _ratios(row, result)]
    return lines


def _line(name: str, **cells: str) -> dict[str, Any]:
    keys = (column.key for column in (*ROWS, *TIMES))
    return {**dict.fromkeys(keys, ""), "name": name, **cells}


def _side(name: str, result: dict[str, Any], end: str) -> dict[str, Any]:
    """One side's costs, times and bound."""
    cells = {key: show(result[f"{key}_{end}"]) for key, show in _COSTS.items()}
    for key, value in (("predicted", "predicted_s"), ("measured", "latency_s")):
        if result[f"{value}_{end}"] is not None:
            cells[key] = units.duration(result[f"{value}_{end}"])
    return _line(f"  {name}", **cells, bound=result[f"bound_{end}"] or "")


def _ratios(row: Comparison, result: dict[str, Any]) -> dict[str, Any]:
    """a / b of everything; `~` where no difference in time can be told, `!` where not enough."""
    cells = {
        key: units.ratio(result[f"{key}_a"] / result[f"{key}_b"])
        for key in _COSTS
        if result[f"{key}_b"]
    }
    if row.predicted_speedup is not None:
        cells["predicted"] = units.ratio(row.predicted_speedup)
    if row.measured is not None:
        cells["measured"] = marked(row.measured.median, row.verdict)
        if result["ci_low"] is not None:
            cells["interval"] = units.ratios(result["ci_low"], result["ci_high"])
    return _line("  a / b", **cells)


def _sentences(rows: Sequence[Comparison], results: Sequence[dict[str, Any]]) -> list[str]:
    """Each row's explanation, and the papers' formula with its numbers."""
    return [
        f"{row.title}: {result['explanation']}"
        + (f" ({row.closed_form})" if row.closed_form else "")
        for row, result in zip(rows, results, strict=True)
    ]
