"""`cnnbench sweep`: many configurations, resumable, on one machine or on Slurm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cnnbench.cli import INTERRUPTED
from cnnbench.cli import options as opt
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.cli.sweep_plan import read_sweep, say_plan
from cnnbench.errors import CnnbenchError, OutputError

if TYPE_CHECKING:
    from cnnbench.sweeps.plan import Configuration
    from cnnbench.sweeps.run import Place, Ran
    from cnnbench.sweeps.store import Store

_BOTH = "yes|no|both"


def _axis(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    found: typer.models.OptionInfo = typer.Option(
        name, metavar=metavar, help=text, show_default=False
    )
    return found


def sweep(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLAN.toml",
            help="The axes: models, batch, dtype, channels_last, compile, train.",
            show_default=False,
        ),
    ] = None,
    models: Annotated[
        str | None,
        _axis(
            "--models",
            "SPEC,…",
            "Instead of a plan; 'all' is every network, and a block without options, such as "
            "conv, stands at each of its stages.",
        ),
    ] = None,
    batch: Annotated[str | None, _axis("--batch", "N,…", "Images in one pass: 1,8,32.")] = None,
    dtype: Annotated[
        str | None, _axis("--dtype", "DTYPE,…", "float32, bfloat16, …; default: the network's.")
    ] = None,
    channels_last: Annotated[
        str | None, _axis("--channels-last", _BOTH, "Keep images as NHWC in memory.")
    ] = None,
    compiled: Annotated[
        str | None, _axis("--compile", _BOTH, "Compile with torch.compile.")
    ] = None,
    train: Annotated[str | None, _axis("--train", _BOTH, "Take a training step.")] = None,
    static: Annotated[bool, typer.Option("--static", help="Count alone: time nothing.")] = False,
    device: opt.DeviceOption = None,
    threads: opt.Threads = None,
    precision: opt.Precision = "2%",
    max_time: opt.MaxTime = 10.0,
    seed: opt.Seed = 0,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed before.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what is left to do and how long it may take.")
    ] = False,
    slurm: Annotated[
        str | None,
        typer.Option(
            "--slurm",
            metavar="KEY=VALUE,…",
            help="Submit one array job with these options of sbatch: partition=gpu,gpus=1. A timed "
            "task holds its node alone.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="For the end of the Slurm job.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="The store of its records.", show_default=False
        ),
    ] = None,
    debug: opt.Debug = False,
) -> None:
    """Measure every combination of models, batches, dtypes and layouts; go on where it ended.

    Each finished configuration is a line of JSON in the store, with its raw samples.

    A sweep that is killed continues by the same command and redoes nothing.

    'cnnbench report' shows what is there.

    cnnbench sweep --models mobilenet,resnet50 --batch 1,8 --output run1

    cnnbench sweep --models all --static --output run1

    cnnbench sweep plan.toml --output run1

    cnnbench sweep plan.toml --slurm partition=gpu,gpus=1 --output run1
    """
    axes = {
        "--models": models,
        "--batch": batch,
        "--dtype": dtype,
        "--channels-last": channels_last,
        "--compile": compiled,
        "--train": train,
    }
    plan = read_sweep(file, axes, static=static, device=device, threads=threads)
    plan_of = opt.read_plan(precision, max_time, seed)
    opt.read_threads(plan.threads)
    opt.nothing_measured(static, None, device, threads)
    if output is None and not dry_run:
        raise CnnbenchError("name the folder of its records: --output run1")
    if output is not None and output.exists() and not output.is_dir():
        raise OutputError(f"cannot write {output}: it is no folder; give another --output")
    if wait and slurm is None:
        raise CnnbenchError("--wait is for a Slurm job; give --slurm partition=…, or leave it out")
    of = plan.configurations()
    with heavy_imports():
        from cnnbench.devices import cores
        from cnnbench.devices.device import find_device
        from cnnbench.sweeps.run import Place, missing, run
        from cnnbench.sweeps.store import Store
        from cnnbench.timing.sampling import StopRule
    if slurm is not None:
        from cnnbench.cli.sweep_slurm import submitted

        submitted(plan, slurm, StopRule(*plan_of), output, retry=retry, dry_run=dry_run, wait=wait)
        return
    place = None
    if not plan.static:
        place = Place(find_device(plan.device), cores.threads(plan.threads))
    store = Store(output) if output is not None else None
    if dry_run or store is None:
        left = missing(of, store, place, retry=retry) if store else of
        where = None if place is None else str(place.device)
        say_plan(left, of, where, max_time)
        return
    with opt.their_code(), bar(max_time) as shown:
        done = run(
            of,
            store,
            place,
            StopRule(*plan_of),
            retry=retry,
            say=shown.say,
            counting=shown.counted,
            timing=shown.timed,
        )
    _summary(store, of, place, done)
    if done.interrupted:
        raise typer.Exit(INTERRUPTED)


def _summary(store: Store, of: Sequence[Configuration], place: Place | None, done: Ran) -> None:
    """How much of it there is now, and what failed."""
    from cnnbench.sweeps.run import key
    from cnnbench.sweeps.store import standing

    asked = {key(one, place) for one in of}
    there = {name: record for name, record in standing(store).items() if name in asked}
    failed = [record for record in there.values() if record["failure"]]
    typer.echo(
        f"{store.folder}: {len(there)} of {len(of)} configurations, {done.new} of them new, "
        f"{len(failed)} failed"
    )
    for record in failed:
        typer.echo(f"failed: {record['model']}, batch {record['batch']}: {record['failure']}")
