"""Count a model by its spec, or a network that stands before us."""

from __future__ import annotations

from torch import nn

from cnnbench.counting.cost import Trace
from cnnbench.counting.tracing.trace import trace
from cnnbench.errors import InputError, ShapeError
from cnnbench.models.arguments import Inputs
from cnnbench.models.build import surroundings
from cnnbench.models.network import Model, Network, load


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

    `model` is a spec such as `resnet50`, or a module, which is left exactly as it was.
    `input_shape` has no batch: (3, 224, 224), or what --input takes, once or in a list:
    ["3x224x224", "mask:bool=224x224"]. A spec of ours has a default, a module needs one. `dtype`
    (float32 by default) is the spec's network's; a module keeps its own. CnnbenchError says in one
    line what is wrong.
    """
    return count_model(model, input_shape, batch=batch, dtype=dtype, train=train)[1]


def count_model(
    model: Model,
    given: Inputs | None,
    *,
    batch: int = 1,
    dtype: str | None = None,
    train: bool = False,
    values: bool = False,
    seed: int = 0,
) -> tuple[Network, Trace]:
    """The network beside its trace, with `values` one that can run; the rest as for `count`."""
    if isinstance(model, nn.Module) and given is None:
        raise InputError("count(module) needs an input shape: count(net, (3, 224, 224))")
    if isinstance(model, nn.Module) and dtype is not None:
        raise ShapeError("a module has a dtype already: convert it with net.to(dtype)")
    with surroundings():
        network = load(model, given, dtype=dtype, values=values, seed=seed)
        return network, count_network(network, batch, train=train)


def count_network(
    network: Network, batch: int = 1, *, train: bool = False, channels_last: bool = False
) -> Trace:
    """Count a pass of a network, which is left as it was.

    InputError says that it cannot take its inputs, and why.
    """
    given = network.shapes(batch)
    given = given.channels_last() if channels_last else given
    try:
        return trace(network.net, given.positional, given.named, train=train)
    except InputError as error:
        raise network.refusal(error, batch, train=train) from error
