"""A sweep's records, read back from its stores: every reader judges a line alike."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import TypeVar

from cnnbench.errors import StoreError
from cnnbench.files import Complaint, validated
from cnnbench.sweeps.results import FORMAT, Result
from cnnbench.sweeps.store import Store

Judged = tuple[Result, bytes]  # a record beside its line
K = TypeVar("K")


def read(stores: Sequence[Store]) -> list[Result]:
    """Every configuration once a place, as it was measured last, in the order of the records.

    A configuration that was counted alone is left out where it was timed, too. StoreError for a
    store without records, and for a record that lacks what a sweep writes.
    """
    for store in stores:
        if not store.files():
            raise StoreError(
                f"{store.folder} holds no records; 'cnnbench sweep … --output {store.folder}' "
                "writes some"
            )
    with _no_garbage():
        every = chain.from_iterable(map(judged, stores))
        found = heaviest(every, lambda result: (result.configuration, result.place))
    if not found:
        raise StoreError(f"{stores[0].folder} holds no finished record yet; run its sweep again")
    return _without_counted_alone(result for result, _ in found.values())


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Spare the collector from looking again and again at records that stay: half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # what has been read is no garbage later either
        if enabled:
            gc.enable()


def standing(store: Store) -> dict[str, Result]:
    """What stands of each key: one that did not fail, of several the one measured last."""
    return {key: result for key, (result, _) in heaviest(judged(store), attrgetter("key")).items()}


def heaviest(of: Iterable[Judged], name: Callable[[Result], K]) -> dict[K, Judged]:
    """The one that stands of those of each name, in the order in which the names are met."""
    found: dict[K, Judged] = {}
    for one in of:
        known = found.setdefault(name(one[0]), one)
        if known[0].weight <= one[0].weight:
            found[name(one[0])] = one
    return found


def judged(store: Store) -> Iterator[Judged]:
    """Every finished record beside its line, in the order they were finished within each file.

    StoreError for a line that is none, and for one that a newer cnnbench has written.
    """
    for path, number, line in store.lines():
        where = f"line {number} of {path}"
        found = validated(Result, line, partial(_wrong, where, line))
        if found.format > FORMAT:
            raise _newer(where, found.format)
        yield found, line


def _wrong(where: str, line: bytes, complaint: Complaint) -> StoreError:
    try:
        form = json.loads(line)["format"]
    except (ValueError, RecursionError, LookupError, TypeError):
        form = FORMAT
    if isinstance(form, int) and form > FORMAT:
        return _newer(where, form)
    reason = f"{complaint.key}: {complaint.text}"
    return StoreError(f"{where} is no record of a sweep: {reason}; remove it")


def _newer(where: str, form: int) -> StoreError:
    return StoreError(
        f"{where} was written by a newer cnnbench (format {form}; this reads {FORMAT}); "
        "upgrade: pip install --upgrade cnnbench"
    )


def _without_counted_alone(results: Iterable[Result]) -> list[Result]:
    kept = list(results)
    timed = {one.configuration for one in kept if one.environment is not None}
    return [one for one in kept if one.environment is not None or one.configuration not in timed]
