"""A sweep's results on disk: a line of JSON for each finished configuration, never rewritten.

Whoever writes holds its file alone and has each line on the disk before the next is begun, so that
a sweep that is killed loses what it was doing and nothing else. A last line that was cut short is
no record: readers pass by it, the next writer removes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cnnbench.errors import OutputError, StoreError
from cnnbench.files import write

Record = dict[str, Any]

RECORDS = "records.jsonl"


def standing(records: Iterable[Record]) -> dict[str, Record]:
    """What stands of each key: one that did not fail, of several the one measured last."""
    found: dict[str, Record] = {}
    for record in records:
        known = found.get(record["key"])
        if known is None or _weight(known) <= _weight(record):
            found[record["key"]] = record
    return found


def _weight(record: Record) -> tuple[bool, str]:
    return not record.get("failure"), str(record.get("measured", ""))


def as_line(record: Record) -> bytes:
    """A record as it stands in a file."""
    return json.dumps(record, allow_nan=False).encode("ascii") + b"\n"


class Writer:
    """Appends to one file of a store."""

    def __init__(self, path: Path, file: FileIO) -> None:
        """`file` is locked, and ends with a whole line."""
        self._path = path
        self._file = file

    def append(self, record: Record) -> None:
        """Put it on the disk; OutputError, and no trace of it, where there is no room."""
        left = memoryview(as_line(record))
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


class Store:
    """A folder of records: one file, or one for each task of several machines."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or made yet."""
        self.folder = folder

    def __iter__(self) -> Iterator[Record]:
        """Every finished record, in the order they were finished within each file.

        StoreError where a line that is not the last cannot be read.
        """
        for path, number, line in self.lines():
            yield _record(line, path, number)

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
                file.truncate(_whole(file))
                yield Writer(path, file)


@dataclass(frozen=True)
class Merged:
    """The number of records there are now, and what two stores had measured differently."""

    records: int
    conflicts: list[Record]


def merge(sources: Sequence[Store], into: Store) -> Merged:
    """Write each key once: configuration, device and software. Nothing is averaged.

    Where stores differ in a key the record that was measured last stays, one that did not fail
    before one that did, and the others are conflicts. StoreError for a source without records,
    and a target that has some.
    """
    found: dict[str, Record] = {}
    conflicts = []
    for source in sources:
        if not source.files():
            raise StoreError(f"{source.folder} holds no records of a sweep")
        for name, record in standing(source).items():
            known = found.setdefault(name, record)
            if known != record:
                found[name] = standing((known, record))[name]
                conflicts.append(record if found[name] is known else known)
    if into.files():
        raise StoreError(f"{into.folder} holds records already; give another --output")
    content = b"".join(map(as_line, found.values()))
    try:
        into.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {into.folder}: {error.strerror or error}") from error
    write(into.folder / RECORDS, content)  # whole or not at all
    return Merged(len(found), conflicts)


def _whole(file: Any) -> int:
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
                if not line.endswith(b"\n"):
                    return
                yield path, number, line
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error


def _record(line: bytes, path: Path, number: int) -> Record:
    try:
        found = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("key"), str):
        raise StoreError(f"line {number} of {path} is no record of a sweep; remove it")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
