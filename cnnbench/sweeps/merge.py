"""One store of several machines'."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from cnnbench.errors import OutputError, StoreError
from cnnbench.files import write
from cnnbench.sweeps.reading import Judged, heaviest, judged
from cnnbench.sweeps.results import Result
from cnnbench.sweeps.store import RECORDS, Store


@dataclass(frozen=True)
class Merged:
    """The number of records there are now, and what two stores had measured differently."""

    records: int
    conflicts: list[Result]


def merge(sources: Sequence[Store], into: Store) -> Merged:
    """Write each key once: configuration, device and software. Nothing is averaged.

    Where stores differ in a key the record that was measured last stays, one that did not fail
    before one that did, and the others are conflicts. StoreError for a source without records,
    and a target that has some.
    """
    found: dict[str, Judged] = {}
    conflicts = []
    for source in sources:
        if not source.files():
            raise StoreError(f"{source.folder} holds no records of a sweep")
        for name, one in heaviest(judged(source), attrgetter("key")).items():
            known = found.setdefault(name, one)
            if json.loads(known[1]) == json.loads(one[1]):
                continue
            found[name], other = (known, one) if known[0].weight > one[0].weight else (one, known)
            conflicts.append(other[0])
    if into.files():
        raise StoreError(f"{into.folder} holds records already; give another --output")
    content = b"".join(line + b"\n" for _, line in found.values())
    try:
        into.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {into.folder}: {error.strerror or error}") from error
    write(into.folder / RECORDS, content)  # whole or not at all
    return Merged(len(found), conflicts)
