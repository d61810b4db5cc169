"""Annotations that GitHub Actions shows beside a job, and its step summary."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cnnbench.errors import OutputError
from cnnbench.harmless import line


class Level(StrEnum):
    """How grave an annotation is."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True)
class Annotation:
    """One remark about one thing, in a few lines."""

    level: Level
    title: str
    lines: tuple[str, ...]


_MOST = 8  # GitHub shows ten of each level, all steps of a job together


def commands(annotations: Sequence[Annotation]) -> str:
    """The lines that make GitHub show them; of each level a few, and how many more there are."""
    lines = []
    for level in Level:
        same = [annotation for annotation in annotations if annotation.level is level]
        shown = same if len(same) <= _MOST else same[: _MOST - 1]
        lines += [_command(level, annotation.title, annotation.lines) for annotation in shown]
        if rest := same[len(shown) :]:
            titles = ", ".join(annotation.title for annotation in rest)
            lines.append(_command(level, f"{len(rest)} more", (titles,)))
    return "".join(f"{line}\n" for line in lines)


def append_summary(markdown: str) -> None:
    """Append to the summary that $GITHUB_STEP_SUMMARY names; OutputError where that fails."""
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    try:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(f"{markdown}\n")
    except OSError as error:
        raise OutputError(
            f"cannot write to $GITHUB_STEP_SUMMARY ({name}): {error.strerror or error}"
        ) from error


def _command(level: Level, title: str, lines: Iterable[str]) -> str:
    title = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{'%0A'.join(map(_escaped, lines))}"


def _escaped(text: str) -> str:
    return line(text).replace("%", "%25")
