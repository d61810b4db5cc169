"""What a source is, and what it finds of somebody else's before it is built."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cnnbench.models.inputs import Shape
from cnnbench.models.spec import SourceSpec


@dataclass(frozen=True)
class Found:
    """A callable that builds a network, or a network.

    `options` are set beside the user's; `input_shape` is what the library says of it; `only_layers`
    is for builders that compute nothing, and so can build without memory.
    """

    target: object
    options: dict[str, object] = field(default_factory=dict)
    input_shape: Shape | None = None
    only_layers: bool = False


class Source(Protocol):
    """A place where networks are found by name. A module can be one."""

    def find(self, spec: SourceSpec) -> Found:
        """What `spec` names; SourceError in one line where there is none."""
        ...
