"""`cnnbench sweep`: many configurations, resumable, on one machine or on Slurm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench import units
from cnnbench.cli import INTERRUPTED
from cnnbench.cli import options as opt
from cnnbench.cli.frame import Measuring, command, their_code
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.devices import cores
from cnnbench.errors import CnnbenchError, OutputError, SlurmError
from cnnbench.reports.formats.emit import deliver
from cnnbench.sweeps.plan import Configuration, Plan, planned, read
from cnnbench.sweeps.store import Store, standing
from cnnbench.timing.backends import BACKENDS

if TYPE_CHECKING:
    from cnnbench.devices.machine import Machine
    from cnnbench.sweeps.run import Ran
    from cnnbench.timing.session import StopRule

_FLAGS = {"no": [False], "yes": [True], "both": [False, True]}
_NEXT = re.compile(r",(?![\w.]+=)")  # a comma before key=value is within a spec
_BOTH = "yes|no|both"


def _axis(name: str, metavar: str, text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=text)


@command
def sweep(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLAN.toml",
            help="The axes: models, batch, dtype, channels_last, backend, train.",
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
    backend: Annotated[
        str | None, _axis("--backend", "NAME,…", f"What runs them: {', '.join(BACKENDS)}, ….")
    ] = None,
    compiled: Annotated[
        str | None, _axis("--compile", _BOTH, "Short for --backend compile, or eager,compile.")
    ] = None,
    train: Annotated[str | None, _axis("--train", _BOTH, "Take a training step.")] = None,
    static: Annotated[bool, typer.Option("--static", help="Count alone: time nothing.")] = False,
    measuring: Measuring = Measuring(),
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
        "--backend": backend,
        "--compile": compiled,
        "--train": train,
    }
    plan = _plan(file, axes, static=static, device=measuring.device, threads=measuring.threads)
    if plan.threads is not None:
        cores.check_threads(plan.threads)
    measuring.unless(static, None)
    if output is None and not dry_run:
        raise CnnbenchError("name the folder of its records: --output run1")
    if output is not None and output.exists() and not output.is_dir():
        raise OutputError(f"cannot write {output}: it is no folder; give another --output")
    if wait and slurm is None:
        raise CnnbenchError("--wait is for a Slurm job; give --slurm partition=…, or leave it out")
    of = plan.configurations()
    store = Store(output) if output is not None else None
    with heavy_imports():
        from cnnbench.devices.machine import Machine
        from cnnbench.sweeps.run import missing, run
    if slurm is not None:
        _submit(plan, slurm, measuring.rule(), store, retry=retry, dry_run=dry_run, wait=wait)
        return
    machine = None
    if not plan.static:
        machine = Machine.find(plan.device, plan.threads)
    if dry_run or store is None:
        left = missing(of, store, machine, retry=retry) if store else of
        _say_plan(left, of, None if machine is None else str(machine.device), measuring.max_time)
        return
    with their_code(), bar() as shown:
        done = run(of, store, machine, measuring.rule(), retry=retry, progress=shown)
    _summary(store, of, machine, done)
    if done.interrupted:
        raise typer.Exit(INTERRUPTED)


def _summary(store: Store, of: Sequence[Configuration], machine: Machine | None, done: Ran) -> None:
    """How much of it there is now, and what failed."""
    from cnnbench.sweeps.run import key

    asked = {key(one, machine) for one in of}
    there = {name: record for name, record in standing(store).items() if name in asked}
    failed = [record for record in there.values() if record["failure"]]
    typer.echo(
        f"{store.folder}: {len(there)} of {len(of)} configurations, {done.new} of them new, "
        f"{len(failed)} failed"
    )
    for record in failed:
        typer.echo(f"failed: {record['model']}, batch {record['batch']}: {record['failure']}")


def _plan(
    file: Path | None,
    axes: dict[str, str | None],
    *,
    static: bool,
    device: str | None,
    threads: int | None,
) -> Plan:
    """Read the plan; `axes` are the options that stand instead of a file, by their names."""
    changed: dict[str, Any] = {"device": device, "threads": threads}
    changed = {key: value for key, value in changed.items() if value is not None}
    if static:
        changed["static"] = True
    if file is not None:
        given = [name for name, value in axes.items() if value is not None]
        if given:
            raise CnnbenchError(f"{file} has the axes; write them there and leave {given[0]} out")
        return read(file).model_copy(update=changed)
    models = axes["--models"]
    if models is None:
        raise CnnbenchError("name a plan, or models: cnnbench sweep --models mobilenet,resnet50")
    values: dict[str, Any] = {"models": _NEXT.split(models), **changed}
    if (batch := axes["--batch"]) is not None:
        values["batch"] = opt.read_batches(batch)
    if (dtype := axes["--dtype"]) is not None:
        values["dtype"] = dtype.split(",")
    if (names := axes["--backend"]) is not None:
        values["backend"] = opt.read_backends(names)
    for option in ("--channels-last", "--compile", "--train"):
        if (text := axes[option]) is not None:
            if text not in _FLAGS:
                raise CnnbenchError(f"{option} {text!r} says nothing; give {', '.join(_FLAGS)}")
            values[option.removeprefix("--").replace("-", "_")] = _FLAGS[text]
    return planned(values, "the options")


def _say_plan(
    left: Sequence[Configuration], of: Sequence[Configuration], where: str | None, seconds: float
) -> None:
    """What is left to do, and where anything is timed the longest that it may take."""
    lines = list(map(str, left))
    counted = f"{len(left)} of {len(of)} configurations to do"
    if where is None:
        lines.append(f"{counted}, counted alone")
    else:
        longest = units.span(seconds * len(left))
        lines.append(f"{counted} on {where}, {longest} of timing at most")
    deliver("".join(f"{line}\n" for line in lines), None)


def _submit(
    plan: Plan,
    asked: str,
    timing: StopRule,
    store: Store | None,
    *,
    retry: bool,
    dry_run: bool,
    wait: bool,
) -> None:
    """Submit what the store lacks as one array job, and wait for it where that is asked."""
    from cnnbench.sweeps.slurm import array as slurm
    from cnnbench.sweeps.slurm.queue import wait as wait_for

    given = slurm.options(asked, static=plan.static)
    of = plan.configurations()
    left = of
    if store is not None:
        left = slurm.unfinished(of, store, static=plan.static, retry=retry)
    if dry_run or store is None:
        _say_plan(left, of, None if plan.static else f"Slurm ({asked})", timing.max_time)
        return
    if not left:
        typer.echo(f"{store.folder}: {len(of)} of {len(of)} configurations, nothing to submit")
        return
    task = slurm.Task(
        store.folder.resolve(), (), plan.static, plan.device, plan.threads, timing, retry
    )
    job = slurm.submit(left, given, task)
    tasks = f"{job.tasks} task{'s' if job.tasks > 1 else ''}"
    typer.echo(
        f"job {job.job}: {len(left)} of {len(of)} configurations in {tasks}, into {store.folder}"
    )
    if not wait:
        typer.echo(
            f"'squeue --job {job.job}' shows it; the same command goes on with what is missing, "
            f"'cnnbench report {store.folder}' shows what is there"
        )
        return
    try:
        with bar() as shown:
            failed = wait_for(job, store, lambda done: shown.counted(done, len(left)))
    except KeyboardInterrupt:
        typer.echo(f"job {job.job} goes on; 'scancel {job.job}' ends it")
        raise typer.Exit(INTERRUPTED) from None
    missing = len(slurm.unfinished(of, store, static=plan.static))
    typer.echo(f"{store.folder}: {len(of) - missing} of {len(of)} configurations")
    if missing or failed:
        ended = "".join(f"; task {name} ended as {state}" for name, state in failed.items())
        raise SlurmError(
            f"{missing or 'no'} configurations are missing{ended}; logs are in {job.logs}"
            + ("; the same command submits what is missing again" if missing else "")
        )
