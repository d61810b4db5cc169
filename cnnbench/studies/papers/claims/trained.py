"""Claims about learning: short trainings on the digits that scikit-learn ships, fresh networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from statistics import mean, median
from typing import Any

import torch
from torch import nn

from cnnbench import units
from cnnbench.models.build import build
from cnnbench.studies.depth.batch_norm import BatchNorm
from cnnbench.studies.depth.digits import Digits, digits, distorted, require_scikit_learn
from cnnbench.studies.depth.gradients import signals
from cnnbench.studies.depth.signal import EXPLODING
from cnnbench.studies.depth.training import BATCH, Progress, Training, accuracy, train
from cnnbench.studies.depth.trainings import Trained, trainings
from cnnbench.studies.papers.claims.claim import Answer, Claim, Need, Setup, at_least, at_most

_EPOCHS, _COPIES = 6, 9  # of LeNet-5 on the digits and on distorted copies of each
_RATE = 1e-3  # of Adam
_STEPS = 150
_DECAY = 0.1
_LAST = 30  # steps whose loss is compared
_SEEDS = 3
_DECADES = math.log10(EXPLODING)
# Of first/last: within a factor of 10 is near 1, beyond what `gradients` calls exploding far.
NEAR, FAR = at_most(_DECADES / 2, _DECADES), at_least(_DECADES, _DECADES / 2)

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "ReLU": nn.ReLU,
}


def lenet(activation: str, seed: int) -> nn.Module:
    """LeNet-5 in its textbook form with another activation, in torch's own initialisation.

    The paper's ±2.4 / fan_in is made for its scaled tanh.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        net = build("lenet5_dense")
        for name, layer in list(net.named_children()):
            if isinstance(layer, nn.Tanh):
                setattr(net, name, _ACTIVATIONS[activation]())
            elif isinstance(layer, (nn.Conv2d, nn.Linear)):
                layer.reset_parameters()
    return net


def _digits(setup: Setup) -> Answer:
    """Share of a held-out fifth that LeNet-5 recognises with tanh; the others stand beside it."""
    require_scikit_learn()
    given = digits((1, 32, 32), setup.rule.seed)
    right: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for activation in _ACTIVATIONS:
        net = lenet(activation, setup.rule.seed)

        def say(done: int, of: int, loss: float, name: str = activation) -> None:
            setup.progress.part(f"LeNet-5 with {name}, loss {loss:.3f}", done, of)

        found = taught(net, given, setup.rule.seed, say)
        if found.interrupted:
            raise KeyboardInterrupt
        right[activation] = accuracy(net, given.held_images, given.held_labels)
        seconds[activation] = found.seconds
    said = ", ".join(
        f"{name} {100 * share:.1f}% in {units.duration(seconds[name])}"
        for name, share in right.items()
    )
    return Answer(
        right["tanh"],
        f"{said}; trained on {len(given.labels)} digits and {_COPIES} distorted copies of each, "
        f"{len(given.held_labels)} held out",
    )


def taught(
    net: nn.Module,
    given: Digits,
    seed: int,
    progress: Progress = lambda done, of, loss: None,
) -> Training:
    """Train on the digits and on copies of each that are moved, scaled and sheared."""
    return train(
        net,
        distorted(given.images, _COPIES, seed),
        given.labels.repeat(1 + _COPIES),
        steps=_EPOCHS * (len(given.labels) * (1 + _COPIES) // BATCH),
        seed=seed,
        optimiser=lambda parameters: torch.optim.Adam(parameters, _RATE),
        progress=progress,
    )


def _gradient(model: str, setup: Setup, batch_norm: BatchNorm, batch: int = 32) -> Answer:
    """Decades by which the gradient's first/last block differ, with the interval over six seeds."""
    found = signals(
        [model],
        batch=batch,
        batch_norm=batch_norm,
        seed=setup.rule.seed,
        say=lambda name, done, of: setup.progress.part(f"gradients of {name}", done, of),
    )
    if found.interrupted:
        raise KeyboardInterrupt
    (row,) = found.rows
    ratio = row.gradient_ratio
    ends = sorted(math.log10(end) for end in (ratio.low, ratio.high))
    low, high = sorted(map(abs, ends))
    return Answer(
        abs(math.log10(ratio.median)),
        f"{model}: the gradient by the first block's output is {units.magnitude(ratio.median)} "
        f"times that by the last's ({units.magnitudes(ratio.low, ratio.high)}, six seeds)",
        (0.0 if ends[0] < 0 < ends[1] else low, high),
    )


def _loss(model: str, seed: int, setup: Setup) -> float:
    """Mean of the last steps' losses, of one training that several claims ask for."""
    if (model, seed) not in setup.losses:
        (one,) = _trained([model], BatchNorm.WITH, (0.0,), seed, setup)
        setup.losses[model, seed] = mean(one.training.losses[-_LAST:])
    return setup.losses[model, seed]


def _trained(
    models: list[str], batch_norm: BatchNorm, decays: tuple[float, ...], seed: int, setup: Setup
) -> list[Trained]:
    require_scikit_learn()
    done = trainings(
        models,
        steps=_STEPS,
        weight_decays=decays,
        seed=seed,
        batch_norm=batch_norm,
        say=setup.progress.part,
    )
    if done.interrupted:
        raise KeyboardInterrupt
    return done.rows


def _against(model: str, other: str, setup: Setup) -> Answer:
    """Loss of a network over that of another after the same steps, from the least seed's on."""
    pairs = [
        (_loss(model, seed, setup), _loss(other, seed, setup))
        for seed in range(setup.rule.seed, setup.rule.seed + _SEEDS)
    ]
    ratios = [loss / others for loss, others in pairs]
    losses, of_other = (
        ", ".join(f"{loss:.2f}" for loss in losses) for losses in zip(*pairs, strict=True)
    )
    return Answer(
        median(ratios),
        f"{model} {losses}; {other} {of_other}: mean loss of the last {_LAST} of {_STEPS} steps "
        f"on digits, {_SEEDS} seeds; the verdict holds for all",
        (min(ratios), max(ratios)),
    )


def _identity(setup: Setup, batch_norm: BatchNorm) -> Answer:
    """How far ResNet-20's blocks are from the identity after training with weight decay."""
    free, decayed, _, plain = _trained(
        ["resnet20", "plain20"], batch_norm, (0.0, _DECAY), setup.rule.seed, setup
    )
    without, with_decay = (_distance(one) for one in (free, decayed))
    return Answer(
        with_decay,
        f"median ||block(x) - x|| / ||x|| with decay {_DECAY:g}, {without:.2f} without it; "
        f"plain-20's last block is left a variance of {units.magnitude(plain.blocks[-1].variance)}"
        f"; {_STEPS} steps, one seed",
    )


def _distance(one: Trained) -> float:
    return median(
        block.identity_distance for block in one.blocks if block.identity_distance is not None
    )


def _decades(value: float) -> str:
    return f"{value:.1f} decades"


_TRAINED = partial(Claim, need=Need.TRAINING)


def _either(name: str, text: str, find: Callable[..., Answer], **rest: Any) -> tuple[Claim, ...]:
    """A claim of networks with batch norm, which `find` is told, and of those without."""
    return tuple(
        _TRAINED(
            name=name + suffix,
            text=f"{text}: {batch_norm} batch norm",
            find=partial(find, batch_norm=batch_norm),
            **rest,
        )
        for batch_norm, suffix in ((BatchNorm.WITH, ""), (BatchNorm.WITHOUT, "_bare"))
    )


CLAIMS = (
    _TRAINED(
        name="lenet5_digits",
        text="LeNet-5 recognises handwritten digits",
        source="LeCun et al. 1998, section III, of MNIST",
        promised="98%",
        band=at_least(0.98, 0.95),
        find=_digits,
        show=lambda value: f"{100 * value:.1f}%",
    ),
    *_either(
        name="plain_gradient",
        text="In very deep plain networks gradients vanish or explode",
        source="Ng, course 4 week 2",
        promised="far from 1",
        band=FAR,
        find=partial(_gradient, "plain56"),
        show=_decades,
    ),
    _TRAINED(
        name="plain_healthy",
        text="Backward signals of plain-34 are healthy with batch norm",
        source="He et al. 2015, section 4.1",
        promised="near 1",
        band=NEAR,
        find=partial(_gradient, "plain34", batch_norm=BatchNorm.WITH, batch=8),
        show=_decades,
    ),
    *_either(
        name="residual_gradient",
        text="With shortcuts the gradient reaches the first layers",
        source="Ng, course 4 week 2",
        promised="near 1",
        band=NEAR,
        find=partial(_gradient, "resnet56"),
        show=_decades,
    ),
    _TRAINED(
        name="degradation",
        text="Deeper plain networks have a higher training error",
        source="He et al. 2015, figure 1, after 64,000 steps on CIFAR-10",
        promised="over 1x",
        band=at_least(1.05, 1.0),
        find=partial(_against, "plain56", "plain20"),
    ),
    _TRAINED(
        name="residual_depth",
        text="Deeper residual networks do not",
        source="He et al. 2015, figure 6",
        promised="under 1x",
        band=at_most(1.0, 1.05),
        find=partial(_against, "resnet56", "resnet20"),
    ),
    _TRAINED(
        name="residual_trains",
        text="A residual network trains better than its plain twin",
        source="He et al. 2015, section 4.2; Ng, course 4 week 2",
        promised="under 1x",
        band=at_most(0.8, 1.0),
        find=partial(_against, "resnet56", "plain56"),
    ),
    *_either(
        name="weight_decay",
        text="Weight decay makes a residual block the identity",
        source="Ng, course 4 week 2, Why ResNets work",
        promised="0",
        band=at_most(0.25, 0.5),
        find=_identity,
        show=lambda value: f"{value:.2f}",
    ),
)
