"""`cnnbench gradients`: does the signal survive depth, and what becomes of deep plain networks?"""

from __future__ import annotations

import math
from typing import Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.frame import Drawn, command, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.devices import cores
from cnnbench.errors import CnnbenchError
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.depth.batch_norm import BatchNorm

_STEPS = 100  # that weight decay takes where --steps does not say


@command
def gradients(
    models: opt.SomeSpecs,
    seeds: Annotated[
        int,
        typer.Option("--seeds", metavar="N", help="How many initialisations; an interval needs 6."),
    ] = 6,
    batch: Annotated[int, typer.Option("--batch", "-b", help="How many images pass at once.")] = 32,
    batch_norm: Annotated[
        BatchNorm, typer.Option("--batch-norm", help="With batch norm, without it, or both.")
    ] = BatchNorm.BOTH,
    blocks: Annotated[bool, typer.Option("--blocks", help="Show a table of every block.")] = False,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps",
            metavar="N",
            help="Train each network for N steps on handwritten digits; 100 with --weight-decay.",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            "--learning-rate",
            metavar="RATE",
            help="The learning rate of SGD with momentum 0.9. Default: 0.01.",
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        typer.Option(
            "--weight-decay",
            metavar="DECAY",
            help="Also train with weight decay, and show how near blocks come to the identity.",
        ),
    ] = None,
    passed: Passed = Passed(),
    threads: opt.Threads = None,
    seed: Annotated[
        int, typer.Option("--seed", help="The first seed of weights, images and their order.")
    ] = 0,
    written: Drawn = Drawn(),
) -> None:
    """Show whether a signal survives depth: forward and back, block by block.

    Of fresh networks: each block's variance, and the l2 norm of the loss's gradient by its output.

    The verdict is of what multiplies either from end to end, with batch norm and without.

    A block is what a network calls block1, block2, …; of others each convolution or linear layer.

    --steps trains each for a moment on scikit-learn's digits: plain networks beside residual ones.

    --weight-decay trains each with it too, and shows how near to the identity that brings blocks.

    cnnbench gradients plain20 plain56 resnet20 resnet56 --output depth.svg

    cnnbench gradients vgg11_bn@resolution=32 --batch-norm without --blocks

    cnnbench gradients plain20 resnet20 --weight-decay 0.1 --batch-norm without
    """
    specs = list(dict.fromkeys(map(parse, models)))
    for spec in specs:
        if isinstance(spec, Spec) and spec.model.is_block:
            raise CnnbenchError(f"{spec} is a block, which has no classes to tell; name a network")
    _check(seeds, batch, steps, learning_rate, weight_decay)
    if threads is not None:
        cores.check_threads(threads)
    reading.check_seed(seed)
    given = passed.given(batch, specs)
    steps = steps or (_STEPS if weight_decay is not None else 0)
    with heavy_imports():
        from cnnbench.devices.environment import environment
        from cnnbench.devices.machine import Machine
        from cnnbench.reports.gradients import report_of
        from cnnbench.reports.gradients_notes import Asked
        from cnnbench.studies.depth.digits import require_scikit_learn
        from cnnbench.studies.depth.gradients import signals
        from cnnbench.studies.depth.training import LEARNING_RATE
        from cnnbench.studies.depth.trainings import Trainings, trainings

        if steps:
            require_scikit_learn()
        written.require()
    asked = Asked(batch, seed, steps, learning_rate or LEARNING_RATE, weight_decay)
    machine, trained = Machine.find("cpu", threads), Trainings([])
    with their_code(), cores.limited(machine.threads.number), bar() as shown:
        found = signals(
            specs,
            given,
            batch=batch,
            seeds=seeds,
            seed=seed,
            batch_norm=batch_norm,
            say=shown.part,
        )
        if steps and not found.interrupted:
            trained = trainings(
                specs,
                given,
                steps=steps,
                batch=batch,
                learning_rate=asked.learning_rate,
                weight_decays=asked.weight_decays,
                seed=seed,
                batch_norm=batch_norm,
                say=shown.part,
            )
    about = environment(machine)
    report = report_of(found, trained, asked, about, blocks=blocks)

    def draw() -> Any:
        from cnnbench.reports.charts.depth import depth

        return depth(report.results)

    written.hand_over(report, interrupted=report.environment["interrupted"], draw=draw)


def _check(
    seeds: int,
    batch: int,
    steps: int | None,
    learning_rate: float | None,
    weight_decay: float | None,
) -> None:
    """Refuse what makes no sense before anything heavy is imported."""
    if not 1 <= seeds <= 1000:
        raise CnnbenchError(f"--seeds {seeds} makes no sense; give 1 to 1000: --seeds 6")
    if batch < 2:
        raise CnnbenchError(f"--batch {batch} has no statistics for batch norm; give at least 2")
    if steps is not None and steps < 1:
        raise CnnbenchError(f"--steps {steps} trains nothing; give at least 1, or leave it out")
    for option, value, usual in (
        ("--learning-rate", learning_rate, 0.01),
        ("--weight-decay", weight_decay, 0.1),
    ):
        if value is not None and not 0 < value < math.inf:
            wrong = f"{option} {value:g} makes no sense"
            raise CnnbenchError(f"{wrong}; give it above 0, such as {usual}")
    if learning_rate is not None and steps is None and weight_decay is None:
        raise CnnbenchError("--learning-rate is for training; add --steps 100")
