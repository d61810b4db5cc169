"""The documentation's pages: which there are, and how one reads in a terminal. Needs no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cnnbench.errors import CnnbenchError, nearest
from cnnbench.reports.report import Column, Report, Table

DOCS = Path(__file__).parents[1] / "docs"
_FOLDERS = {
    "guides": "guides: how to do it",
    "how": "how: why the numbers can be believed",
    "reference": "reference: to look things up",
}
# The page that a command's help names.
OF_COMMAND = {
    "list": "models",
    "show": "show",
    "export": "files",
    "flops": "count",
    "audit": "audit",
    "time": "time",
    "device": "time",
    "compare": "compare",
    "why": "compare",
    "predict": "predicting",
    "scale": "fit",
    "fit": "fit",
    "choose": "choose",
    "gradients": "depth",
    "published": "papers",
    "claims": "papers",
    "sweep": "sweep",
    "merge": "sweep",
    "report": "sweep",
    "baseline": "ci",
    "check": "ci",
}
_COLUMNS = (
    Column("topic", "topic", left=True, whole=True),
    Column("summary", "what it is about", left=True),
)
_PICTURE = re.compile(r"^!\[.*\n\n?", re.MULTILINE)
_COMMENT = re.compile(r"^<!--.*?-->\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]*/)?([\w-]+)\.md(#[^)]*)?\)")


@dataclass(frozen=True)
class Page:
    """A page of the documentation; its topic is its file's name."""

    file: Path

    @property
    def topic(self) -> str:
        """What a person types to read it."""
        return self.file.stem

    @cached_property
    def markdown(self) -> str:
        """Its text as it stands in the file."""
        return self.file.read_text("utf-8")

    @property
    def summary(self) -> str:
        """Its first paragraph."""
        return " ".join(self.markdown.split("\n\n")[1].split())

    @property
    def text(self) -> str:
        """Its text without pictures; a link to a page says what to type."""
        text = _COMMENT.sub("", _PICTURE.sub("", self.markdown))
        return _LINK.sub(r"\1 (`cnnbench guide \3`)", text)


def pages() -> list[Page]:
    """Every page, folder by folder."""
    return [one for folder in _FOLDERS for one in _of(folder)]


def _of(folder: str) -> list[Page]:
    return [Page(file) for file in sorted((DOCS / folder).glob("*.md"))]


def page(topic: str) -> Page:
    """The page of a topic or of a command; CnnbenchError where there is none."""
    found = {one.topic: one for one in pages()}
    name = OF_COMMAND.get(topic, topic)
    if name not in found:
        hint = nearest(topic, [*found, *OF_COMMAND])
        raise CnnbenchError(f"no page {topic!r}{hint}; 'cnnbench guide' lists them")
    return found[name]


def report() -> Report:
    """A table of the pages of each folder."""
    tables = [
        Table(_COLUMNS, [{"topic": one.topic, "summary": one.summary} for one in _of(name)], title)
        for name, title in _FOLDERS.items()
    ]
    rows = [row for table in tables for row in table.rows]
    return Report("guide", rows, tables, ["cnnbench guide TOPIC shows one"])
