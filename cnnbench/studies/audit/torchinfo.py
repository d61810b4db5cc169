"""torchinfo's total_mult_adds: parameters of layers without children, times positions.

A convolution's parameters (its bias too) count once an output position, any other layer's once an
image; functions and parameters that a module with children holds are free.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from math import prod

from torch import Tensor, nn

from cnnbench.models.nesting import modules
from cnnbench.studies.audit.calls import Call, calls
from cnnbench.studies.audit.counter import Pass, Term, What

_DEEPEST = 20  # levels, for which it takes a second


def ask(net: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[int, dict[str, int]]:
    """It hooks a real forward pass."""
    from torchinfo import summary

    names = {id(module): name for name, module in modules(net).items()}
    levels = max(name.count(".") for name in names.values()) + 1
    if levels > _DEEPEST:
        raise RuntimeError(f"it takes twice as long for each of {levels} levels of modules")
    result = summary(net, input_data=list(inputs), verbose=0)
    own: Tally[str] = Tally()
    for layer in result.summary_list:
        if layer.is_leaf_layer and layer.macs:
            own[names[id(layer.module)]] += int(layer.macs)
    return int(result.total_mult_adds), dict(own)


def terms(done: Pass) -> Iterator[Term]:
    """Once a run of each layer without children."""
    for call in calls(done):
        for name, amount in _terms(call):
            yield Term(name, amount, call.op)


def _terms(call: Call) -> Iterator[tuple[What, int]]:
    if not call.y:  # a scalar
        return
    convolution = "Conv" in type(call.module).__name__
    for name, parameter in call.module.named_parameters(recurse=False):
        if name in ("weight", "bias"):
            times = prod((call.y[0], *call.y[2:])) if convolution else call.y[0]
        elif "weight" in name or "bias" in name:
            times = prod(call.y[:2])
        else:
            continue
        yield _term(name, call.module), parameter.numel() * times


def _term(name: str, module: nn.Module) -> What:
    if isinstance(module, (nn.modules.conv._ConvNd, nn.Linear)):
        return What.BIAS if name == "bias" else What.MACS
    if isinstance(module, (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)):
        return What.NORM
    return What.ACTIVATION if isinstance(module, nn.PReLU) else What.PARAMETERS
