"""Hand a report out: to the terminal or to a file, in the format asked for."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path

from cnnbench.errors import OutputError
from cnnbench.reports.report import Report


class Format(StrEnum):
    """How a report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"


_SUFFIXES = {".json": Format.JSON, ".csv": Format.CSV, ".md": Format.MARKDOWN}


def emit(report: Report, form: Format | None, output: Path | None) -> None:
    """Write to `output` or stdout; the format is the one asked for, else the file's suffix's."""
    if form is None:
        suffix = output.suffix.lower() if output else ""
        form = _SUFFIXES.get(suffix, Format.TABLE)
    if output is not None:
        write(output, text(report, form))
    elif form is Format.TABLE:
        from cnnbench.reports.terminal import coloured

        _print(coloured(report))
    else:
        _print(text(report, form))


def _print(content: str) -> None:
    """Write to stdout; a reader that has gone (`cnnbench … | head`) has read enough."""
    try:
        sys.stdout.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from error


def text(report: Report, form: Format) -> str:
    """Return the report as text without colour."""
    if form is Format.TABLE:
        from cnnbench.reports.terminal import plain

        return plain(report)
    from cnnbench.reports import formats

    writers = {
        Format.JSON: formats.as_json,
        Format.CSV: formats.as_csv,
        Format.MARKDOWN: formats.as_markdown,
    }
    return writers[form](report)


def check_writable(path: Path | None) -> None:
    """Raise OutputError before any work where `path` could not be written in the end."""
    if path is None:
        return
    folder = path.parent
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; name a file in it")
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {folder}; make it first")
    target = path if path.exists() and not path.is_file() else Path(os.path.realpath(path)).parent
    if not os.access(target, os.W_OK):
        raise OutputError(f"cannot write {path}: permission denied")


def write(path: Path, content: str) -> None:
    """Write the whole file or nothing: a reader never sees half of it, nor is an old one lost."""
    import tempfile

    try:
        path = Path(os.path.realpath(path))  # a link stays, what it names is written
        if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced
            path.write_text(content, encoding="utf-8")
            return
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".cnnbench-", delete=False
        ) as file:
            temporary = Path(file.name)
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else _new_mode())
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _new_mode() -> int:
    """Permissions of a file that a program makes anew, which temporary files do not have."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
