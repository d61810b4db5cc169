"""A trace as counters of modules see it: runs of layers, and where layers stand."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

from torch import nn

from cnnbench.counting.cost import OpCost
from cnnbench.counting.tracing.running import paths
from cnnbench.models.inputs import Shape
from cnnbench.models.nesting import modules
from cnnbench.studies.audit.counter import Pass


@dataclass(frozen=True)
class Call:
    """One run of a module without children: its input's shape, its output's, its main operator."""

    module: nn.Module
    op: OpCost
    x: Shape
    y: Shape


def operators(done: Pass) -> Iterator[tuple[OpCost, nn.Module]]:
    """Every operator with the module that ran it."""
    return ((op, done.net.get_submodule(op.path)) for op in done.trace.operators)


def home(net: nn.Module) -> Callable[[str], str]:
    """Say where a layer stands first: a shared one has several places, and counters know one."""
    first = {id(module): path for path, module in modules(net).items()}

    def of(path: str) -> str:
        try:
            return first.get(id(net.get_submodule(path)), path)
        except AttributeError:  # a counter's own name of something
            return path

    return of


def calls(done: Pass) -> Iterator[Call]:
    """Every run of a module without children; of torch's own layers, by their one operator."""
    for module, group in groupby(operators(done), key=lambda pair: pair[1]):
        ran = [op for op, _ in group]
        known = main_operator(module)
        for op in ran if known else ():
            if op.operator == known:
                yield Call(module, op, op.inputs[0] if op.inputs else (), op.output)
        if not known and not any(True for _ in module.children()):
            op = next((op for op in ran if op.cost.macs), ran[0])
            yield Call(module, op, ran[0].inputs[0] if ran[0].inputs else (), ran[-1].output)


@contextmanager
def where(net: nn.Module) -> Iterator[Callable[[], str]]:
    """Say, while the network runs, which module does."""
    with paths(modules(net)) as stack:
        yield lambda: stack[-1][0] if stack else ""


def places(net: nn.Module, closed: Callable[[nn.Module], bool]) -> Tally[nn.Module]:
    """How often each module stands in the tree, not looking below one that is `closed`."""
    found: Tally[nn.Module] = Tally()
    around: set[nn.Module] = set()
    left: list[tuple[nn.Module, bool]] = [(net, False)]
    while left:
        module, done = left.pop()
        if done:
            around.remove(module)
            continue
        if module in around:
            raise RuntimeError("a module contains itself")
        found[module] += 1
        around.add(module)
        left.append((module, True))
        left += [(child, False) for child in (() if closed(module) else module.children())]
    return found


def main_operator(module: nn.Module) -> str:
    """The operator that a layer of exactly one of torch's types runs once a call, or nothing."""
    return _MAIN.get(type(module), "")


_DIMS = (1, 2, 3)
_MAIN: dict[type[nn.Module], str] = {
    **{getattr(nn, f"Conv{d}d"): f"conv{d}d" for d in _DIMS},
    **{getattr(nn, f"ConvTranspose{d}d"): f"conv_transpose{d}d" for d in _DIMS},
    **{getattr(nn, f"BatchNorm{d}d"): "batch_norm" for d in _DIMS},
    **{getattr(nn, f"InstanceNorm{d}d"): "instance_norm" for d in _DIMS},
    **{getattr(nn, f"AvgPool{d}d"): f"avg_pool{d}d" for d in _DIMS},
    **{getattr(nn, f"MaxPool{d}d"): f"max_pool{d}d" for d in _DIMS},
    **{getattr(nn, f"AdaptiveAvgPool{d}d"): f"adaptive_avg_pool{d}d" for d in _DIMS},
    **{getattr(nn, f"AdaptiveMaxPool{d}d"): f"adaptive_max_pool{d}d" for d in _DIMS},
    nn.SyncBatchNorm: "batch_norm",
    nn.LayerNorm: "layer_norm",
    nn.GroupNorm: "group_norm",
    nn.Linear: "linear",
    nn.ReLU: "relu",
    nn.ReLU6: "relu6",
    nn.LeakyReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.PReLU: "prelu",
    nn.GELU: "gelu",
    nn.Softmax: "softmax",
}
