"""One small training loop: torch's own optimiser and loader, a stated seed, losses by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice, repeat
from time import perf_counter

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from cnnbench.counting.tracing.running import outputs_of
from cnnbench.errors import InputError
from cnnbench.models.nesting import modules

# Steps done, of how many, the last one's loss.
Progress = Callable[[int, int, float], None]
Optimiser = Callable[[Iterator[nn.Parameter]], torch.optim.Optimizer]

LEARNING_RATE, MOMENTUM, BATCH = 0.01, 0.9, 32
_EVALUATED = 256  # images at once


@dataclass(frozen=True)
class Training:
    """The loss of each step before its update, over the step's batch; `interrupted` by Ctrl-C."""

    losses: tuple[float, ...]
    seconds: float
    interrupted: bool = False

    @property
    def diverged(self) -> bool:
        """Whether it ended early at a loss that is no number."""
        return bool(self.losses) and not math.isfinite(self.losses[-1])


def sgd(
    learning_rate: float = LEARNING_RATE, momentum: float = MOMENTUM, weight_decay: float = 0.0
) -> Optimiser:
    """SGD as He et al. 2015 use it, with weight decay on every parameter."""
    return lambda ps: torch.optim.SGD(ps, learning_rate, momentum, weight_decay=weight_decay)


def train(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int,
    optimiser: Optimiser,
    batch: int = BATCH,
    seed: int = 0,
    progress: Progress = lambda done, of, loss: None,
) -> Training:
    """Train `net` where it is by cross-entropy, for so many steps of full batches.

    The seed is of the order of images and of dropout; the caller's random state stays. Ctrl-C ends
    it with the losses so far, a loss that is no number does too. InputError where the network's
    output are no scores of the labels' classes.
    """
    losses: list[float] = []
    interrupted, start = False, perf_counter()
    with torch.random.fork_rng(devices=[]), mode(net, training=True), torch.enable_grad():
        torch.default_generator.manual_seed(seed)
        try:
            updates = optimiser(p for p in net.parameters() if p.requires_grad)
            for some, answers in islice(_batches(images, labels, batch, seed), steps):
                updates.zero_grad()
                loss = F.cross_entropy(scores(net(some), int(labels.max()) + 1), answers)
                loss.backward()  # type: ignore[no-untyped-call]
                updates.step()
                losses.append(loss.item())
                progress(len(losses), steps, losses[-1])
                if not math.isfinite(losses[-1]):
                    break
        except KeyboardInterrupt:
            interrupted = True
    return Training(tuple(losses), perf_counter() - start, interrupted)


def accuracy(net: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of images whose highest score is their label's, in evaluation."""
    right = 0
    with mode(net, training=False), torch.inference_mode():
        for start in range(0, len(images), _EVALUATED):
            some = slice(start, start + _EVALUATED)
            right += int((scores(net(images[some]), 1).argmax(1) == labels[some]).sum())
    return right / len(images)


def scores(output: object, classes: int) -> Tensor:
    """The first tensor that a network returned, [N, classes or more]; InputError where it is not.

    Auxiliary classifiers, which come after it, are passed by.
    """
    found = outputs_of(output)[0]
    if found.dim() != 2 or found.shape[1] < classes:
        shape = "x".join(map(str, found.shape[1:])) or "one number"
        raise InputError(f"it returns {shape} an image, which are no scores of {classes} classes")
    return found


@contextmanager
def mode(net: nn.Module, *, training: bool) -> Iterator[None]:
    """Train or evaluate meanwhile; each layer's own flag is as it was afterwards."""
    flags = [(module, module.training) for module in modules(net).values()]
    net.train(training)
    try:
        yield
    finally:
        for module, flag in flags:
            module.training = flag


def _batches(
    images: Tensor, labels: Tensor, batch: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Full batches without end, of one shuffle after another."""
    loader = DataLoader(
        TensorDataset(images, labels),
        min(batch, len(images)),
        shuffle=True,
        drop_last=True,  # a batch of one image has no statistics
        generator=torch.Generator().manual_seed(seed),
    )
    return chain.from_iterable(repeat(loader))
