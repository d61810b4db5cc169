"""One store of several: the union of their records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnbench.errors import OutputError, StoreError
from cnnbench.files import write
from cnnbench.sweeps.store import RECORDS, Record, Store, as_line, standing


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
