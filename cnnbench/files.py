"""Files, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from cnnbench.errors import OutputError


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


def write(path: Path, content: str | bytes) -> None:
    """Write the whole file or nothing: a reader never sees half of it, nor is an old one lost."""
    import tempfile

    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path = Path(os.path.realpath(path))  # a link stays, what it names is written
        if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced
            path.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".cnnbench-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
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
