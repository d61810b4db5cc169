"""`path/net.onnx`, `path/net.tflite`: a graph, which is counted as it stands and not built."""

from __future__ import annotations

from cnnbench.errors import SourceError
from cnnbench.models.sources.source import Found
from cnnbench.models.spec import SourceSpec

library = ""


def find(spec: SourceSpec) -> Found:
    """SourceError: there is no network of torch's in it."""
    raise SourceError(
        f"{spec} is a graph and no network of torch's; give it to flops, show, predict, baseline, "
        "check, audit, compare, or time with a --backend that runs such files"
    )
