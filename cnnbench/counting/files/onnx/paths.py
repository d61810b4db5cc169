"""The layer that a node belongs to, as its exporter has written it down.

torch's exporter keeps the scopes of modules in a node's metadata; the one before it, and others,
in the node's name; else its weight is called after its layer.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from onnx import NodeProto

_SCOPES = "pkg.torch.onnx.name_scopes"


def path_of(node: NodeProto, weights: Iterable[str]) -> str:
    """`layer1.0.conv1`, of names that the file has; the node's own where there is no layer."""
    for entry in node.metadata_props:
        if entry.key == _SCOPES:
            return _of_scopes(entry.value)
    if "/" in node.name:
        return _of_name(node.name)
    for name in weights:
        if "." in name and "::" not in name:
            return name.rpartition(".")[0]
    return node.name or next(iter(node.output), "")


def _of_scopes(text: str) -> str:
    """`['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']` -> `layer1.0.conv1`."""
    try:
        scopes = [str(scope) for scope in ast.literal_eval(text)]
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return ""
    return scopes[-2] if len(scopes) > 1 else ""


def _of_name(name: str) -> str:
    """`/layer1/layer1.0/conv1/Conv` -> `layer1.0.conv1`: a list's items repeat the list's name."""
    scopes = [part for part in name.split("/")[:-1] if part]
    found: list[str] = []
    for scope in scopes:
        if found and scope.startswith(f"{found[-1]}."):
            found[-1] = scope
        else:
            found.append(scope)
    return ".".join(found)
