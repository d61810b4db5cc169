"""ptflops' get_model_complexity_info: modules of the types it knows, and functions it patches.

Biases 1 an output, normalisation 2 an element, activations and pooling 1 an element; F.relu, and
so the module that calls it, counts once more. The work of modules is an image's, of functions the
batch's.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from math import prod
from typing import Any

from torch import Tensor, nn

from cnnbench.counting.cost import OpCost
from cnnbench.studies.audit.calls import Call, calls, main_operator, operators, places, where
from cnnbench.studies.audit.counter import Pass, Term, What

_NORMS = {"batch_norm", "instance_norm", "group_norm", "layer_norm"}
_ACTIVATIONS = {"relu", "prelu", "elu", "leaky_relu", "relu6", "gelu"}
_FUNCTIONS = {"relu", "prelu", "elu", "relu6", "gelu", "silu", "softmax"}


def ask(given: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[int, dict[str, int]]:
    """It hooks a real forward pass, and patches functions while that runs."""
    from ptflops import pytorch_engine as engine

    own: Tally[str] = Tally()
    net: Any = engine.add_flops_counting_methods(given)
    net.start_flops_count(ost=None, verbose=False, ignore_list=[])
    with where(net) as path:

        class Located(list[int]):
            """What functions cost, by the module that calls them."""

            def append(self, number: int) -> None:
                own[path()] += int(number)
                super().append(number)

        functions = Located()
        engine.patch_functional(functions)
        engine.patch_tensor_ops(functions)
        try:
            net(*inputs)
        finally:
            engine.unpatch_functional()
            engine.unpatch_tensor_ops()
    total = net.compute_average_flops_cost()[0] + sum(functions)

    def walk(prefix: str, module: Any) -> None:
        if engine.is_supported_instance(module):
            own[prefix] += module.__flops__ / net.__batch_counter__
            return
        for name, child in module.named_children():
            walk(f"{prefix}.{name}" if prefix else name, child)

    walk("", net)
    net.stop_flops_count()
    return int(total), {layer: int(number) for layer, number in own.items()}


def terms(done: Pass) -> Iterator[Term]:
    """Terms by module, an image's; then by function, the batch's."""
    batch = done.trace.input_shapes[0][0]
    standing = places(done.net, _known)
    for call in calls(done):
        for what, amount in _modules(call):
            whole = amount * standing[call.module]
            yield Term(what, whole, call.op)
            yield Term(What.ONE_IMAGE, whole / batch - whole, call.op)
    for op, module in operators(done):
        for name, amount in _functions(op, module):
            yield Term(name, amount, op)


def _known(module: nn.Module) -> bool:
    """Whether it hooks modules of this type; it does not look below one."""
    kind = main_operator(module)
    return bool(kind) and kind != "softmax" and not isinstance(module, nn.SyncBatchNorm)


def _modules(call: Call) -> Iterator[tuple[What, int]]:
    module, x, y = call.module, call.x, call.y
    kind = main_operator(module)
    if kind.startswith("conv"):
        assert isinstance(module, nn.modules.conv._ConvNd)
        places = x[0] * prod((x if "transpose" in kind else y)[2:])
        pairs = module.in_channels * (module.out_channels // module.groups)
        yield What.MACS, prod(module.kernel_size) * pairs * places
        yield What.BIAS, prod(y) if module.bias is not None else 0
    elif kind == "linear":
        yield What.MACS, x[-1] * prod(y)
        yield What.BIAS, prod(y) if module.bias is not None else 0
    elif kind in _NORMS and not isinstance(module, nn.SyncBatchNorm):
        yield What.NORM, prod(x) * (2 if getattr(module, "affine", False) else 1)
    elif kind in _ACTIVATIONS:
        yield What.ACTIVATION, prod(y)
    elif "pool" in kind:
        yield What.POOL, prod(x)
    elif type(module) is nn.Upsample:
        yield What.RESIZE, prod(y[1:])  # an image's, whatever the batch


def _functions(op: OpCost, module: nn.Module) -> Iterator[tuple[What, int]]:
    elements = prod(op.inputs[0]) if op.inputs else 0
    name, kind = op.operator, main_operator(module)
    if name == "relu6" and isinstance(module, nn.Hardtanh):  # which calls F.hardtanh
        return
    if name in _FUNCTIONS or "_pool" in name:
        own = kind in _ACTIVATIONS or "pool" in kind
        activation = What.SOFTMAX if name == "softmax" else What.ACTIVATION
        what = What.POOL if "pool" in name else activation
        yield What.AGAIN if own else what, elements
    elif name.startswith("upsample"):
        yield What.AGAIN if type(module) is nn.Upsample else What.RESIZE, prod(op.output)
    elif name in ("add", "mul") and isinstance(module, nn.LocalResponseNorm):
        yield What.ARITHMETIC, elements  # by name: `a + b`, alike in a trace, does not count
    elif name in ("matmul", "mm", "bmm", "addmm", "baddbmm") and op.cost.macs:
        yield What.MACS, op.cost.macs
