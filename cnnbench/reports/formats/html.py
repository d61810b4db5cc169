"""A report as a page that needs no network: its tables with what is said of them, its picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnbench.files import write
from cnnbench.reports.assets import rendered
from cnnbench.reports.charts.style import Drawing
from cnnbench.reports.report import Report


@dataclass(frozen=True)
class ReportPage:
    """A report with a title and a picture, which is one file."""

    title: str
    report: Report
    picture: Drawing

    def html(self) -> str:
        """The page's text. OutputError without the extra `report`."""
        return rendered(
            "report.html",
            title=self.title,
            report=self.report.narrowed(),
            picture=self.picture.svg(),
        )

    def save(self, path: Path) -> None:
        """Write it."""
        write(path, self.html())
