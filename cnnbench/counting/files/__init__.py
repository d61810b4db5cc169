"""COUNT model files: the graph that a file holds, and the trace of a pass through it.

Takes a file's path and the inputs it is given, gives a `Trace`, as of a network of torch's. Nothing
of a file is run, no weights are read, and torch is not imported. A format reads its file into a
`Graph` whose shapes are known; `passes` puts the graph's operators into a trace, by the same
convention.

A new format is a module with a `read`, and a line in `FORMATS`.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from cnnbench.models.spec import SourceSpec, parse

if TYPE_CHECKING:
    from cnnbench.counting.files.graph import Format

FORMATS = {  # imported when asked for
    ".onnx": "cnnbench.counting.files.onnx.reading",
    ".tflite": "cnnbench.counting.files.tflite.reading",
}


def file_of(model: Any) -> SourceSpec | None:
    """The spec of a file whose graph is counted as it stands; None of any other model."""
    spec = parse(model) if isinstance(model, str) else model
    if isinstance(spec, SourceSpec) and not spec.name and _suffix(spec) in FORMATS:
        return spec
    return None


def format_of(spec: SourceSpec) -> Format:
    """What reads a file of its format."""
    import importlib

    found: Any = importlib.import_module(FORMATS[_suffix(spec)])
    return found  # type: ignore[no-any-return]


def _suffix(spec: SourceSpec) -> str:
    return PurePath(spec.source).suffix.lower()
