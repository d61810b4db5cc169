"""Networks trained for a few steps on digits: their loss, and how far each block is from identity.

He et al. 2015, figure 1: deeper plain networks have a higher training error. Ng, Convolutional
Neural Networks, "Why ResNets work": where weight decay shrinks a residual block's weights towards
0 it computes the identity, ReLU(0 + x) = x, and a plain block nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from cnnbench.errors import InputError
from cnnbench.models.given import Inputs
from cnnbench.models.network import Model, Network
from cnnbench.studies.depth.batch_norm import BatchNorm
from cnnbench.studies.depth.blocks import blocks_of, looking, norm, share, variance
from cnnbench.studies.depth.digits import Digits, digits
from cnnbench.studies.depth.gradients import Say, telling, variant, variants
from cnnbench.studies.depth.training import BATCH, LEARNING_RATE, Training, mode, sgd, train

_LOOKED_AT = 64  # held-out images on which blocks are looked at


@dataclass(frozen=True)
class After:
    """A block after training, in evaluation on images that it was not trained on.

    `identity_distance` is ||block(x) - x|| / ||x||, None where its output has another shape;
    `weight_ratio` the norm of its weights over what it was before, biases and norms left out; None
    where it has none. `variance` is of its output.
    """

    depth: int
    name: str
    identity_distance: float | None
    weight_ratio: float | None
    variance: float


@dataclass(frozen=True)
class Trained:
    """One training of a network, and its blocks afterwards."""

    model: str
    batch_norm: bool
    weight_decay: float
    training: Training
    blocks: tuple[After, ...]


@dataclass(frozen=True)
class Trainings:
    """All of them; where Ctrl-C ended it, those so far."""

    rows: list[Trained]
    interrupted: bool = False


def trainings(
    models: Sequence[Model],
    given: Inputs | None = None,
    *,
    steps: int,
    batch: int = BATCH,
    learning_rate: float = LEARNING_RATE,
    weight_decays: Sequence[float] = (0.0,),
    seed: int = 0,
    batch_norm: BatchNorm = BatchNorm.BOTH,
    say: Say = lambda text, done, of: None,
) -> Trainings:
    """Train each on the digits, once for each weight decay, from the same weights and images.

    CnnbenchError says in one line what cannot be trained. Ctrl-C ends it with what there is, the
    steps of the one that was being trained too.
    """
    rows: list[Trained] = []
    try:
        for model in models:
            for normed in variants(model, given, batch_norm):
                for decay in weight_decays:
                    network = variant(model, given, normed, seed, batch, fits=True)
                    learn = partial(
                        train,
                        steps=steps,
                        optimiser=sgd(learning_rate, weight_decay=decay),
                        batch=batch,
                        seed=seed,
                    )
                    found, after = _trained(network, learn, seed, say)
                    if found.losses:
                        rows.append(Trained(network.name, normed, decay, found, after))
                    if found.interrupted:
                        return Trainings(rows, interrupted=True)
    except KeyboardInterrupt:  # while one is built
        return Trainings(rows, interrupted=True)
    return Trainings(rows)


def blocks_after(net: nn.Module, images: Tensor, before: dict[str, float]) -> tuple[After, ...]:
    """Every block in evaluation, in the order they run; `before` are weights' norms by block."""
    found: list[After] = []
    weights = weight_norms(net)

    def look(name: str, x: Tensor | None, output: Tensor) -> None:
        same = x is not None and x.shape == output.shape
        found.append(
            After(
                len(found) + 1,
                name,
                share(norm(output - x), norm(x)) if same and x is not None else None,
                share(weights[name], before[name]) if before[name] else None,
                variance(output),
            )
        )

    with mode(net, training=False), torch.no_grad(), looking(net, look):
        net(images)
    return tuple(found)


def weight_norms(net: nn.Module) -> dict[str, float]:
    """The l2 norm of each block's weights, biases and norms left out."""
    return {
        name: sum(norm(p) ** 2 for p in block.parameters() if p.dim() > 1) ** 0.5
        for name, block in blocks_of(net).items()
    }


def _trained(
    network: Network, learn: Callable[..., Training], seed: int, say: Say
) -> tuple[Training, tuple[After, ...]]:
    name, net = network.name, network.net
    with telling(name, "be trained"):
        given = _digits(network, seed)
        before = weight_norms(net)
        training = learn(
            net,
            given.images,
            given.labels,
            progress=lambda done, of, loss: say(f"{name}, loss {loss:.2f}", done, of),
        )
        return training, blocks_after(net, given.held_images[:_LOOKED_AT], before)


def _digits(network: Network, seed: int) -> Digits:
    """Digits as the network takes them; InputError where it takes no image."""
    first, *more = network.inputs
    if more or first.name or first.dtype or len(first.shape) != 3:
        taken = " ".join(map(str, network.inputs))
        raise InputError(f"digits are one image of C x H x W, and it takes {taken}")
    return digits(first.shape, seed, network.dtype)
