"""The signal through a network's blocks: what goes forward, and what comes back of the loss."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd

from cnnbench.counting.tracing.running import outputs_of
from cnnbench.counting.tracing.trace import uncompiled
from cnnbench.errors import InputError
from cnnbench.models.arguments import Arguments
from cnnbench.models.nesting import modules
from cnnbench.studies.depth.training import mode, scores

_BLOCK = re.compile(r"block\d+")
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
# A block as it ran: its name, its first input, its output.
Look = Callable[[str, Tensor | None, Tensor], None]


@dataclass
class Passed:
    """One pass forward and back, by block in the order they ran.

    `variances` are of a block's output over batch, channels and pixels; `gradients` the l2 norms of
    the loss's gradient by it, which He initialisation keeps alike from block to block, whatever
    their widths and strides (He et al. 2015, Delving deep into rectifiers, section 2.2).
    """

    names: list[str] = field(default_factory=list)
    variances: list[float] = field(default_factory=list)
    gradients: list[float] = field(default_factory=list)


def blocks_of(net: nn.Module) -> dict[str, nn.Module]:
    """What the network calls block1, block2, …, by path; else its convolutions and linear layers.

    Of blocks within blocks the outer ones. InputError where there are not two.
    """
    named = modules(net)
    blocks = {p: m for p, m in named.items() if _BLOCK.fullmatch(p.rpartition(".")[2])}
    outer = {p: m for p, m in blocks.items() if not any(p.startswith(f"{q}.") for q in blocks)}
    layers: dict[str, nn.Module] = {
        p: m for p, m in named.items() if isinstance(m, (_ConvNd, nn.Linear))
    }
    found = outer if len(outer) > 1 else layers
    if len(found) < 2:
        raise InputError("it has no two blocks or layers between which a signal could change")
    return found


def has_batch_norm(net: nn.Module) -> bool:
    """Whether there is any."""
    return any(isinstance(module, _BATCH_NORMS) for module in modules(net).values())


def remove_batch_norm(net: nn.Module) -> None:
    """Put an identity in the place of each, which changes no other weight.

    InputError where one does more than normalise.
    """
    for parent in modules(net).values():
        for name, child in parent.named_children():
            if not isinstance(child, _BATCH_NORMS):
                continue
            if type(child) not in _BATCH_NORMS:
                kind = type(child).__name__
                raise InputError(
                    f"its {kind} does more than normalise; give --batch-norm with, or leave it out"
                )
            setattr(parent, name, nn.Identity())


def passed(net: nn.Module, given: Arguments, seed: int = 0) -> Passed:
    """Forward in training mode, cross-entropy against random labels, and back.

    For a network that nobody else has: its gradients and running statistics are not put back. The
    seed is of labels and dropout; the caller's random state stays. A block that no gradient reaches
    has 0. InputError where the output are no scores.
    """
    found = Passed()

    def look(name: str, _: Tensor | None, output: Tensor) -> None:
        place = len(found.names)
        found.names.append(name)
        found.variances.append(variance(output))
        found.gradients.append(0.0)

        def back(gradient: Tensor) -> None:
            found.gradients[place] = norm(gradient)

        if output.requires_grad:
            output.register_hook(back)  # type: ignore[no-untyped-call]

    with torch.random.fork_rng(devices=[]), mode(net, training=True), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        with looking(net, look):
            output = scores(net(*given.positional, **given.named), 2)
        labels = torch.randint(output.shape[1], (len(output),))
        F.cross_entropy(output, labels).backward()  # type: ignore[no-untyped-call]
    return found


@contextmanager
def looking(net: nn.Module, look: Look) -> Iterator[None]:
    """Look at every block that runs, with its input as it was before the block began."""
    inputs: dict[int, Tensor | None] = {}
    hooks = []

    def before(module: nn.Module, given: tuple[object, ...]) -> None:
        first = given[0] if given else None
        # a block may begin with an activation in place
        inputs[id(module)] = first.detach().clone() if isinstance(first, Tensor) else None

    for path, block in blocks_of(net).items():

        def after(module: nn.Module, _: object, output: object, path: str = path) -> None:
            look(path, inputs.pop(id(module), None), outputs_of(output)[0])

        hooks += [block.register_forward_pre_hook(before), block.register_forward_hook(after)]
    try:
        with uncompiled():
            yield
    finally:
        for hook in hooks:
            hook.remove()


def variance(tensor: Tensor) -> float:
    """Over all its elements."""
    return float(tensor.detach().double().var(correction=0))


def norm(tensor: Tensor) -> float:
    """The l2 norm of all its elements."""
    return float(torch.linalg.vector_norm(tensor.detach(), dtype=torch.float64))


def share(part: float, whole: float) -> float:
    """part / whole; 0 of what has vanished altogether, infinite where either overflowed."""
    if not (math.isfinite(part) and math.isfinite(whole)):
        return math.inf
    if whole == 0:
        return math.inf if part else 0.0
    return part / whole
