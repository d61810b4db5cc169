"""A report's tables as a terminal shows them, without colour."""

from __future__ import annotations

from cnnbench.reports.formats.terminal import plain
from cnnbench.reports.report import Report


def text(report: Report) -> str:
    """Render the tables, the notes below."""
    return plain(report)
