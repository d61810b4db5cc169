"""The layer that an operator belongs to, as converters write it into the names of tensors.

An operator has no name. Its weight is called after its layer, else its output is: after all
operators that were fused into it, of which the one that computes is the last.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnbench.counting.files.graph import Value

_LONGEST = 200  # characters of a layer's name


def path_of(operator: str, inputs: Sequence[Value], outputs: Sequence[Value]) -> str:
    """`model/conv1/Conv2D` -> `model.conv1`; torch's are told by their classes, with dots."""
    weights = [weight for value in inputs for weight in value.weights if weight.real]
    named = [name for one in weights if "/" in (name := one.name.rpartition("#")[0])]
    fused = (*named, *(value.name for value in outputs), operator)[0].split(";")
    parts = [part for part in fused if part and not part.isdigit()]
    best = next((part for part in reversed(parts) if "/" in part), (*parts, operator)[0])
    scopes = best.split("/")
    _, dot, name = scopes[0].rpartition(".")
    if dot and name[:1].isupper():
        return ".".join(filter(None, map(_attribute, scopes)))
    return ".".join(scopes[:-1] or scopes)[:_LONGEST]


def _attribute(scope: str) -> str:
    """`torch.nn.modules.conv.Conv2d_conv1` -> `conv1`; nothing for the network itself."""
    return scope.rpartition(".")[2].partition("_")[2]
