"""`path/net.onnx`, `path/net.tflite`: a graph, which is counted as it stands and not built."""

from __future__ import annotations

from cnnbench.errors import SourceError
from cnnbench.models.sources.source import Found
from cnnbench.models.spec import SourceSpec

library = ""


def find(spec: SourceSpec) -> Found:
    """SourceError: there is no network of torch's in it."""
    raise not_run(str(spec))


def not_run(spec: str) -> SourceError:
    """The error of what would run it."""
    return SourceError(
        f"{spec} is a graph, which is counted and not run; give it to flops, show, predict, "
        "baseline, check, audit, sweep --static, compare --static or --on"
    )
