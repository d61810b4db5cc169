"""Models that other installed packages add, by entry points of the group `cnnbench.models`.

    [project.entry-points."cnnbench.models"]
    mynet = "mypackage.nets:build_net"

Finding them imports nothing of those packages. A name of ours stays ours. A name that ends in a
colon is a whole source.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cnnbench.errors import SourceError
from cnnbench.models import lookup
from cnnbench.models.lookup import plain

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "cnnbench.models"


@cache
def entry_points() -> tuple[EntryPoint, ...]:
    """Every entry point of the group, by name."""
    from importlib.metadata import entry_points

    return tuple(sorted(entry_points(group=GROUP), key=lambda point: point.name.lower()))


def models() -> list[EntryPoint]:
    """Models, but those that are hidden by a name of ours."""
    points = (point for point in entry_points() if not point.name.endswith(":"))
    return [point for point in points if not lookup.knows(point.name)]


def names() -> list[str]:
    """Names that other packages have added."""
    return list(dict.fromkeys(point.name for point in models()))


def find(name: str) -> EntryPoint:
    """The entry point that `name` means; SourceError where two packages have one."""
    found = [point for point in models() if point.name.lower() == name.lower()]
    found = found or [point for point in models() if plain(point.name) == plain(name)]
    if len({point.value for point in found}) > 1:
        values = " and ".join(point.value for point in found)
        raise SourceError(f"{name!r} is the name of two installed models; write {values} instead")
    return found[0]


def knows(name: str) -> bool:
    """Whether another package has added a model of that name, however it is written."""
    return any(plain(point.name) == plain(name) for point in models())


def sources() -> list[str]:
    """Names of the whole sources of other packages, without their colon."""
    return [point.name[:-1] for point in entry_points() if point.name.endswith(":")]


def source(name: str) -> EntryPoint:
    """The source of that name; SourceError where two packages have one."""
    found = {point.value: point for point in entry_points() if point.name == f"{name}:"}
    if len(found) > 1:
        values = " and ".join(found)
        raise SourceError(f"{name!r} is the name of two installed sources, {values}; uninstall one")
    return next(iter(found.values()))
