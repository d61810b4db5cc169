"""Does the signal survive depth? Every block of fresh networks, with batch norm and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from cnnbench.devices.device import find_device
from cnnbench.errors import InputError
from cnnbench.models.foreign import failing
from cnnbench.models.given import Inputs
from cnnbench.models.network import Model, Network, name_of
from cnnbench.studies.depth.batch_norm import BatchNorm
from cnnbench.studies.depth.blocks import Passed, has_batch_norm, passed, remove_batch_norm, share
from cnnbench.studies.depth.signal import Block, Signal, Signals
from cnnbench.timing.preparing.prepared import fitting, ready
from cnnbench.timing.samples.statistics import interval
from cnnbench.timing.setting import Setting

SEEDS = 6  # the fewest whose median has an interval
Say = Callable[[str, int, int], None]  # what, how many are done, of how many


def signals(
    models: Sequence[Model],
    given: Inputs | None = None,
    *,
    batch: int = 32,
    seeds: int = SEEDS,
    seed: int = 0,
    batch_norm: BatchNorm = BatchNorm.BOTH,
    say: Say = lambda text, done, of: None,
) -> Signals:
    """Pass a batch of normal images with random labels through each, for seeds from `seed` on.

    A seed is of weights, images and labels, the same with batch norm and without. Blocks are what
    `blocks_of` finds. CnnbenchError says in one line what cannot be passed through. Ctrl-C ends it
    with what there is.
    """
    rows: list[Signal] = []
    for model in models:
        for normed in variants(model, given, batch_norm):
            seen: list[Passed] = []
            try:
                for at in range(seed, seed + seeds):
                    say(name_of(model), len(seen), seeds)
                    network = variant(model, given, normed, at, batch, fits=not seen)
                    seen.append(_pass(network, batch, at))
            except KeyboardInterrupt:
                if seen:
                    rows.append(_signal(network, normed, batch, seed, seen))
                if not rows:
                    raise
                return Signals(rows, interrupted=True)
            rows.append(_signal(network, normed, batch, seed, seen))
    return Signals(rows)


def variants(model: Model, given: Inputs | None, wanted: BatchNorm) -> list[bool]:
    """With batch norm or without, of those wanted the ones that the network has.

    InputError where it has none to be with.
    """
    there = has_batch_norm(ready(model, given, Setting(), find_device("cpu")).net)
    if not there and wanted is BatchNorm.WITH:
        raise InputError(f"{name_of(model)} has no batch norm; leave --batch-norm out")
    if not there:
        return [False]
    return {BatchNorm.BOTH: [True, False], BatchNorm.WITH: [True]}.get(wanted, [False])


def variant(
    model: Model,
    given: Inputs | None,
    batch_norm: bool,
    seed: int,
    batch: int,
    *,
    fits: bool = False,
) -> Network:
    """A network of that seed's weights that nobody else has, on the CPU, in training mode.

    Without batch norm its other weights are the same. `fits` counts it, and sees that a step at
    that batch has memory: MemoryShortage, or InputError, where not.
    """
    setting, device = Setting(batch, train=True), find_device("cpu")
    network = ready(model, given, setting, device, seed)
    if not batch_norm:
        with telling(network.name):
            remove_batch_norm(network.net)
    if fits:
        fitting(network, setting, device)
    return network


@contextmanager
def telling(name: str, verb: str = "run") -> Iterator[None]:
    """Raise whatever a network raises as one line that says whose it is."""
    with failing(name, verb):
        try:
            yield
        except InputError as error:
            raise InputError(f"{name}: {error}") from error


def _pass(network: Network, batch: int, seed: int) -> Passed:
    with telling(network.name):
        return passed(network.net, network.arguments(batch, torch.device("cpu"), seed), seed)


def _signal(
    network: Network, batch_norm: bool, batch: int, seed: int, seen: Sequence[Passed]
) -> Signal:
    """Medians over seeds from `seed` on. InputError where they ran other blocks."""
    names = seen[0].names
    if any(one.names != names for one in seen):
        raise InputError(f"{network.name} runs other blocks from pass to pass; it has no depth")
    variances = zip(*(one.variances for one in seen), strict=True)
    gradients = zip(*(one.gradients for one in seen), strict=True)
    shapes = network.shapes(batch)
    return Signal(
        network.name,
        tuple(tuple(x.shape) for x in (*shapes.positional, *shapes.named.values())),
        str(network.dtype).removeprefix("torch."),
        batch_norm,
        tuple(range(seed, seed + len(seen))),
        tuple(
            Block(depth, name, interval(forward), interval(back))
            for depth, (name, forward, back) in enumerate(
                zip(names, variances, gradients, strict=True), 1
            )
        ),
        interval([share(one.gradients[0], one.gradients[-1]) for one in seen]),
        interval([share(one.variances[-1], one.variances[0]) for one in seen]),
    )
