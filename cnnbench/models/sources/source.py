"""What a source is, and what it finds of somebody else's before it is built."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Protocol

from cnnbench.errors import MissingError, SourceError, reason_of
from cnnbench.models.inputs import Shape
from cnnbench.models.spec import SourceSpec

Carried = Shape | str | tuple[str, ...]  # what a library says that a network takes
_WEIGHTS = ("pretrained", "weights", "weights_backbone", "checkpoint_path", "pretrained_cfg")


@dataclass(frozen=True)
class Found:
    """A callable that builds a network, or a network.

    `options` are set beside the user's; `input_shape` is what the library says of it; `only_layers`
    is for builders that compute nothing, and so can build without memory.
    """

    target: object
    options: dict[str, object] = field(default_factory=dict)
    input_shape: Carried | None = None
    only_layers: bool = False


class Source(Protocol):
    """A place where networks are found by name. A module can be one."""

    library: str  # whose networks they are; empty where they are the user's own

    def find(self, spec: SourceSpec) -> Found:
        """What `spec` names; SourceError in one line where there is none."""
        ...


def imported(library: str, spec: SourceSpec) -> ModuleType:
    """Import a library that is an extra of ours; SourceError says what to install, or why not."""
    for option, _ in spec.options:
        if option in _WEIGHTS:
            raise SourceError(f"{spec}: leave out {option}; weights change no cost")
    try:
        return importlib.import_module(library)
    except Exception as error:  # torchvision's operators need the torch they were built for
        if isinstance(error, ModuleNotFoundError) and error.name == library:
            install = f"pip install 'cnnbench[{library}]'"
            raise SourceError(f"{library} is not installed; type: {install}") from error
        text = f"{library} is installed but cannot be imported with this torch"
        raise SourceError(f"{text}: {reason_of(error)}") from error


def file_in(spec: SourceSpec) -> Path:
    """The file that a spec is; SourceError where it has options, or cannot be read."""
    path = Path(spec.source)
    if spec.options:
        raise SourceError(f"{spec}: a file takes no options; leave out what follows '@'")
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise MissingError(f"{path} {what}; give the path of a file")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path} may not be read")
    return path


@contextmanager
def reported(spec: SourceSpec, verb: str) -> Iterator[None]:
    """Turn whatever somebody else's code raises into one line that names it."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a script may exit where it is imported
        what = spec.source or spec.name if verb == "import" else str(spec)
        reason = f"{type(error).__name__}: {reason_of(error)}"
        missing = isinstance(error, ModuleNotFoundError) and error.name == spec.source
        kind = MissingError if missing else SourceError
        raise kind(f"cannot {verb} {what}: {reason}") from error
