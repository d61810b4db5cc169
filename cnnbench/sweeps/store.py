"""A sweep's results on disk: a line of JSON for each finished configuration, never rewritten.

Whoever writes holds its file alone and has each line on the disk before the next is begun, so that
a sweep that is killed loses what it was doing and nothing else. A last line that was cut short is
no record: readers pass by it, the next writer removes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cnnbench.errors import OutputError, StoreError

Record = dict[str, Any]

RECORDS = "records.jsonl"


def as_line(record: Record) -> bytes:
    """A record as it stands in a file."""
    return json.dumps(record, allow_nan=False).encode("ascii") + b"\n"


class Writer:
    """Appends to one file of a store."""

    def __init__(self, path: Path, file: FileIO) -> None:
        """`file` is locked."""
        self._path = path
        self._file = file
        self._mended = False

    def append(self, record: Record) -> None:
        """Put it on the disk; OutputError, and no trace of it, where there is no room."""
        left = memoryview(as_line(record))
        if not self._mended:  # not before: nothing is written where what is there cannot be read
            _mend(self._file)
            self._mended = True
        before = self._file.seek(0, os.SEEK_END)
        try:
            while left:  # a disk that fills up takes a part without complaint
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(before)
            reason = error.strerror or error
            raise OutputError(
                f"cannot write {self._path}: {reason}; what is finished is kept, the same command "
                "goes on from there"
            ) from error
        if not self._is_there():
            raise OutputError(f"{self._path} was removed or replaced meanwhile; begin again")

    def _is_there(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), os.stat(self._path))
        except OSError:
            return False


class Store:
    """A folder of records: one file, or one for each task of several machines."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or made yet."""
        self.folder = folder

    def lines(self) -> Iterator[tuple[Path, int, bytes]]:
        """Every finished record as it is written, with its file and the number of its line."""
        for path in self.files():
            yield from _lines(path)

    def files(self) -> list[Path]:
        """Files that hold records."""
        return sorted(self.folder.glob("*.jsonl"))

    @contextmanager
    def writing(self, name: str = RECORDS) -> Iterator[Writer]:
        """Hold a file of it alone; StoreError while another sweep writes there."""
        path = self.folder / name
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # the system's own lock, which goes with a process that is killed
            lock = FileLock(path.with_name(f".{name}.lock"), timeout=0).acquire()
        except Timeout as error:
            raise StoreError(
                f"another sweep is writing {path}; wait for it, or give another --output"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
        with lock:
            try:
                file = open(path, "a+b", buffering=0)  # noqa: SIM115 - closed below
            except OSError as error:
                raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
            with file:
                yield Writer(path, file)


def _mend(file: FileIO) -> None:
    """Let the file end with a whole line: what was cut short is no record."""
    end = _end_of_last_line(file)
    file.seek(end)
    if _is_torn(rest := file.read()):
        file.truncate(end)
    elif rest:
        file.write(b"\n")


def _end_of_last_line(file: FileIO) -> int:
    """Bytes up to the end of the last whole line."""
    end = position = file.seek(0, os.SEEK_END)
    while position > 0:
        start = max(0, position - 65536)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            return int(start + found + 1)
        position = start
    return 0 if end else int(end)


def _lines(path: Path) -> Iterator[tuple[Path, int, bytes]]:
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.endswith(b"\n") or not _is_torn(line):
                    yield path, number, line.removesuffix(b"\n")
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def _is_torn(line: bytes) -> bool:
    """Whether a last line is the beginning of a record and no more.

    An editor may leave out its end of line, or join two.
    """
    try:
        json.JSONDecoder().raw_decode(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return line.startswith(b"{")
    return False
