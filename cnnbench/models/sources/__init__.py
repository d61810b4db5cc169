"""Other people's networks: where a spec's name is found, and how it is built.

Takes a `SourceSpec`, gives a `Found`, which `building` makes a network of. What has a name of its
own in front of the colon (`timm:resnet50`) is in `SOURCES`; the rest is a module, a file (`python`)
or a name that another package adds (`plugins`).

A new source is a module with `find(spec) -> Found` and a line in `SOURCES`. Another package adds
one by an entry point of the group `cnnbench.models` whose name ends in a colon:

    [project.entry-points."cnnbench.models"]
    "mine:" = "mypackage.source"
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

from cnnbench.errors import SourceError, reason_of

if TYPE_CHECKING:
    from cnnbench.models.sources.source import Source

SOURCES = {  # imported when asked for
    "timm": "cnnbench.models.sources.timm",
    "torchvision": "cnnbench.models.sources.torchvision",
}


def names() -> list[str]:
    """Every source that has a name; what they give is installed, not the user's own file."""
    from cnnbench.models.sources import plugins

    return list(dict.fromkeys((*SOURCES, *plugins.sources())))


def named(name: str) -> Source | None:
    """The source of a name; None where a module or a file is meant.

    SourceError where another package's cannot be imported.
    """
    from cnnbench.models.sources import plugins

    if name in SOURCES:
        return cast("Source", importlib.import_module(SOURCES[name]))
    point = plugins.sources().get(name)
    if point is None:
        return None
    try:
        return cast("Source", point.load())
    except Exception as error:  # whatever another package does as it is imported
        raise SourceError(f"the source {name} cannot be imported: {reason_of(error)}") from error
