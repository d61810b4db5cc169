"""A report as JSON, for programs."""

from __future__ import annotations

import json

from cnnbench import harmless
from cnnbench.reports.report import Report
from cnnbench.version import __version__


def text(report: Report) -> str:
    """Render `{"cnnbench": …, "command": …, "environment": …, "results": […]}`, integers exact."""
    document = {
        "cnnbench": __version__,
        "command": report.command,
        "environment": report.environment,
        "results": report.results,
    }
    return harmless.json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"
