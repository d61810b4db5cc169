"""Count a model by its spec, a file, or a network that stands before us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cnnbench.counting.cost import Trace
from cnnbench.counting.files import file_of

if TYPE_CHECKING:
    from cnnbench.models.given import Inputs
    from cnnbench.models.network import Model


def count(
    model: Model,
    input_shape: Inputs | None = None,
    *,
    batch: int = 1,
    dtype: str | None = None,
    train: bool = False,
) -> Trace:
    """Count the exact static cost of one evaluation pass; everything static is a view of it.

    `train` counts a training step instead: forward in training mode, and backward from every
    output to every trainable parameter, without a loss and an optimiser.

    `model` is a spec such as `resnet50`, a file such as `net.onnx`, or a module, which is left
    exactly as it was. `input_shape` has no batch: (3, 224, 224), or what --input takes, once or in
    a list: ["3x224x224", "mask:bool=224x224"]. A spec of ours has a default, and a file its own; a
    module needs one. `dtype` (float32 by default) is the spec's network's; a module and a file keep
    their own. CnnbenchError says in one line what is wrong.
    """
    if (file := file_of(model)) is not None:
        from cnnbench.counting.files.count import count_file

        return count_file(file, input_shape, batch=batch, dtype=dtype, train=train)
    from cnnbench.counting.network import count_model

    return count_model(model, input_shape, batch=batch, dtype=dtype, train=train)[1]


def import_for(models: Iterable[Model]) -> None:
    """Import what counting these takes, ahead of it: torch where one is not a file's graph."""
    if not all(map(file_of, models)):
        import cnnbench.counting.network  # noqa: F401
