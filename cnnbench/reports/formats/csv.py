"""A report's records as CSV, for programs."""

from __future__ import annotations

import csv
import io
from typing import Any

from cnnbench import harmless
from cnnbench.reports.report import Report


def text(report: Report) -> str:
    """Render the records, one a line, in base units."""
    records = report.records or report.results
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in records)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    flat = _flat(value)
    return harmless.cell(flat) if isinstance(flat, str) else flat


def _flat(value: Any) -> Any:
    """Write a nested value into one cell: [1, 3, 224, 224] -> 1x3x224x224."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return " ".join(f"{key}={_flat(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(item, list) for item in value)
        return (" " if nested else "x").join(str(_flat(item)) for item in value)
    return value
