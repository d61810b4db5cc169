"""thop's profile: multiply-adds of modules of exactly the types it knows.

Batch norm 4 an element, average pooling 1 an output element (adaptive: its window and 1); biases,
functions and subclasses are free, and a transposed convolution counts by its output.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from torch import Tensor, nn

from cnnbench.studies.audit.calls import Call, calls, main_operator, places
from cnnbench.studies.audit.counter import Pass, Term, What


def ask(net: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[int, dict[str, int]]:
    """It hooks a real forward pass."""
    import thop

    total, _, tree = thop.profile(net, inputs=inputs, verbose=False, ret_layer_info=True)
    own: dict[str, int] = {}

    def walk(prefix: str, nodes: dict[str, Any]) -> float:
        inside = 0.0
        for name, (number, _, children) in nodes.items():
            path = f"{prefix}.{name}" if prefix else name
            own[path] = int(number - walk(path, children))
            inside += number
        return inside

    own[""] = int(total - walk("", tree))
    return int(total), own


def terms(done: Pass) -> Iterator[Term]:
    """Terms by module type; a module at two places is hooked twice and added up twice."""
    standing = places(done.net, lambda _: False)
    for call in calls(done):
        for name, amount in _terms(call):
            yield Term(name, amount * standing[call.module] ** 2, call.op)


def _terms(call: Call) -> Iterator[tuple[What, float]]:
    module, x, y = call.module, call.x, call.y
    kind = main_operator(module)
    if kind.startswith("conv"):
        assert isinstance(module, nn.modules.conv._ConvNd)
        yield What.MACS, prod(y) * (x[1] // module.groups) * prod(module.kernel_size)
    elif kind == "linear":
        yield What.MACS, x[-1] * prod(y)
    elif kind in ("batch_norm", "instance_norm", "layer_norm"):
        affine = getattr(module, "affine", False) or getattr(module, "elementwise_affine", False)
        yield What.NORM, prod(x) * (4 if affine else 2)
    elif kind == "prelu":
        yield What.ACTIVATION, prod(x)
    elif kind == "softmax":
        default = 0 if len(x) in (0, 1, 3) else 1  # torch's own
        width = x[default if module.dim is None else int(module.dim)]  # type: ignore[arg-type]
        yield What.SOFTMAX, prod(x) // width * (3 * width - 1)
    elif kind.startswith("avg_pool"):
        yield What.POOL, prod(y)
    elif kind.startswith("adaptive_avg_pool"):
        window = prod(before / after for before, after in zip(x[2:], y[2:], strict=True))
        yield What.POOL, int((window + 1) * prod(y))
    elif type(module) in (nn.Upsample, nn.UpsamplingBilinear2d, nn.UpsamplingNearest2d):
        each = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 259}
        yield What.RESIZE, each.get(str(module.mode), 0) * prod(y)
