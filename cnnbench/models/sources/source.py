"""What a spec of somebody else's names, before it is built."""

from __future__ import annotations

from dataclasses import dataclass, field

from cnnbench.models.inputs import Shape


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
