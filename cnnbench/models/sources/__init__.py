"""Other people's networks: where a spec's name is found, and how it is built.

Takes a `SourceSpec`, gives a `Found`, which `building` makes a network of. What has a name of its
own in front of the colon (`timm:resnet50`), or is a file of a suffix of its own, is in `SOURCES`;
the rest is a module, a file, or a name that another package adds (`python`, `plugins`).

A new source is a module with what `source.Source` asks for, and a line in `SOURCES`: a name, or a
suffix such as `.onnx`. Another package adds one by an entry point of the group `cnnbench.models`
whose name ends in a colon:

    [project.entry-points."cnnbench.models"]
    "mine:" = "mypackage.source"
"""

from __future__ import annotations

import importlib
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from cnnbench.errors import SourceError, reason_of
from cnnbench.models.sources import plugins

if TYPE_CHECKING:
    from cnnbench.models.sources.source import Source
    from cnnbench.models.spec import SourceSpec

SOURCES = {  # imported when asked for
    "timm": "cnnbench.models.sources.timm",
    "torchvision": "cnnbench.models.sources.torchvision",
    ".onnx": "cnnbench.models.sources.graphs",
    ".tflite": "cnnbench.models.sources.graphs",
    **dict.fromkeys((".pt2", ".pt", ".ts"), "cnnbench.models.sources.exported"),
}
_OWN = "cnnbench.models.sources.python"


def names() -> list[str]:
    """Every source that has a name or a suffix."""
    return list(dict.fromkeys((*SOURCES, *plugins.sources())))


def typed(name: str) -> str:
    """How a user names its networks: `timm:NAME`, `path/file.onnx`."""
    return f"path/file{name}" if name.startswith(".") else f"{name}:NAME"


def is_network(path: str) -> bool:
    """Whether it is a file that is a network as it stands, by its suffix."""
    suffix = PurePath(path).suffix.lower()
    return bool(suffix) and suffix in names()


def source_of(spec: SourceSpec) -> Source:
    """The source that a spec is found in; a name of ours stays ours.

    SourceError where another package's cannot be imported, or two have its name.
    """
    name = spec.source if spec.name else PurePath(spec.source).suffix.lower()
    if name in SOURCES or name not in plugins.sources():
        return cast("Source", importlib.import_module(SOURCES.get(name, _OWN)))
    point = plugins.source(name)
    try:
        return cast("Source", point.load())
    except (Exception, SystemExit) as error:  # whatever another package does as it is imported
        raise SourceError(f"the source {name} cannot be imported: {reason_of(error)}") from error
