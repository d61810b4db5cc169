"""Hand a report out: to the terminal or to a file, in the format asked for."""

from __future__ import annotations

import importlib
import os
import sys
from enum import StrEnum
from pathlib import Path

from cnnbench import harmless
from cnnbench.errors import OutputError
from cnnbench.files import write
from cnnbench.reports.guide import OF_COMMAND
from cnnbench.reports.report import Report


class Format(StrEnum):
    """How a report is written: the file of that name in this folder has `text(report)`."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


_SUFFIXES = {".json": Format.JSON, ".csv": Format.CSV, ".md": Format.MARKDOWN}


def emit(
    report: Report,
    form: Format | None,
    output: Path | None,
    *,
    wide: bool = False,
    explain: bool = False,
) -> None:
    """Write to `output` or stdout; the format is the one asked for, else the file's suffix's.

    Tables have every column where `wide`, notes are all there where `explain`.
    """
    form = format_of(form, output)
    if not wide:
        report = report.narrowed()
    if not explain:
        topic = report.topic or OF_COMMAND.get(report.command)
        report = report.brief(f"--explain, or 'cnnbench guide {topic}'")
    if output is None and form is Format.TABLE:
        from cnnbench.reports.formats.terminal import coloured

        deliver(coloured(report), None)
    else:
        deliver(text(report, form), output)


def format_of(form: Format | None, output: Path | None) -> Format:
    """The format asked for, else the file's suffix's, else a table."""
    suffix = output.suffix.lower() if output else ""
    return form or _SUFFIXES.get(suffix, Format.TABLE)


def deliver(content: str, output: Path | None) -> None:
    """Write text to `output` or stdout, whose reader may have gone (`cnnbench … | head`)."""
    if output is not None:
        write(output, content)
        return
    try:
        sys.stdout.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from error


def say(*sentences: str) -> None:
    """Write each on a line of its own to stdout."""
    deliver("".join(f"{harmless.line(sentence)}\n" for sentence in sentences), None)


def text(report: Report, form: Format) -> str:
    """Return the report as text without colour."""
    written: str = importlib.import_module(f"cnnbench.reports.formats.{form}").text(report)
    return written
