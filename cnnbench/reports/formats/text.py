"""A report as JSON, CSV or Markdown, for programs and documents."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from cnnbench.reports.report import Report
from cnnbench.version import __version__


def as_json(report: Report) -> str:
    """Render `{"cnnbench": …, "command": …, "environment": …, "results": […]}`, integers exact."""
    document = {
        "cnnbench": __version__,
        "command": report.command,
        "environment": report.environment,
        "results": report.results,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_csv(report: Report) -> str:
    """Render the records, one a line, in base units."""
    records = report.records or report.results
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _flat(value) for key, value in row.items()} for row in records)
    return stream.getvalue()


def as_markdown(report: Report) -> str:
    """Render the tables as a person reads them, as pipe tables, the notes below."""
    from tabulate import tabulate

    parts = []
    for table in report.tables:
        rows = [*table.rows, *([table.total] if table.total else [])]
        cells = [[column.show(row[column.key]) for column in table.columns] for row in rows]
        text = tabulate(
            [[cell.replace("|", "\\|") for cell in line] for line in cells],
            headers=[
                column.header.replace("-\n", "").replace("\n", " ") for column in table.columns
            ],
            tablefmt="pipe",
            colalign=["left" if column.left else "right" for column in table.columns],
            disable_numparse=True,
        )
        parts.append(f"### {table.title}\n\n{text}" if table.title else text)
    return "\n\n".join([*parts, *report.notes]) + "\n"


def _flat(value: Any) -> Any:
    """Write a nested value into one cell: [1, 3, 224, 224] -> 1x3x224x224."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return " ".join(f"{key}={_flat(item)}" for key, item in value.items())
    if isinstance(value, list):
        nested = any(isinstance(item, list) for item in value)
        return (" " if nested else "x").join(str(_flat(item)) for item in value)
    return value
