"""Networks exported to files count what they count themselves, to the last product."""

import math
from pathlib import Path

import pytest

from cnnbench import count
from cnnbench.counting.cost import Trace
from cnnbench.models import registry

from ...zoo import EVERY, costly
from .exported import exported

ALL = [model.name for model in (*registry.MODELS, *registry.BLOCKS)]
SOME = "lenet5 resnet20 separable bottleneck inverted_residual".split()


@pytest.mark.parametrize("name", ALL if EVERY else SOME)
def test_the_zoo(name: str, tmp_path: Path) -> None:
    made = exported(name, tmp_path)
    found = count(str(made.file))
    assert (found.total.macs, found.total.params) == (made.trace.total.macs, made.params)
    assert not found.uncounted and found.dtype == "float32"
    if not any(op.operator == "batch_norm" for op in made.trace.operators):  # called after that
        assert layers(found) == layers(made.trace)


def test_the_exporter_before_names_layers_alike(tmp_path: Path) -> None:
    made = exported("googlenet", tmp_path, old=True)
    found = count(str(made.file))
    assert found.total.macs == made.trace.total.macs
    assert layers(found) == layers(made.trace)


def layers(trace: Trace) -> list[str]:
    """Where products are, in order."""
    return [op.path for op in trace.operators if op.cost.macs]


@costly
def test_memory_is_that_of_what_is_alive(tmp_path: Path) -> None:
    """A plain chain: the most that is there is an operator's input beside its output."""
    made = exported("vgg11", tmp_path)
    found = count(str(made.file))
    pairs = [sum(_size(shape) for shape in (*op.inputs, op.output)) for op in found.operators]
    image = _size(found.input_shapes[0])
    assert found.peak_activation_bytes == max(pairs[0], *(pair + image for pair in pairs[1:]))
    assert found.arena_bytes <= found.peak_activation_bytes


def _size(shape: tuple[int, ...]) -> int:
    return 4 * math.prod(shape)
