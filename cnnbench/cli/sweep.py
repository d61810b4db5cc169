"""`cnnbench sweep`: many configurations, resumable, on one machine or on Slurm."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench import units
from cnnbench.cli import reading
from cnnbench.cli.frame import Measuring, command, their_code
from cnnbench.cli.passed import Passing
from cnnbench.cli.process import INTERRUPTED
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.devices import cores
from cnnbench.errors import CnnbenchError, OutputError, SlurmError, SomeFailed
from cnnbench.reports.formats.emit import say
from cnnbench.sweeps.plan import Configuration, Plan, planned, read
from cnnbench.sweeps.store import Store
from cnnbench.timing.backends import BACKENDS

if TYPE_CHECKING:
    from cnnbench.sweeps.slurm.array import Options, Task

_NEXT = re.compile(r",(?![\w.]+=)")  # a comma before key=value is within a spec
_FLAGS = {"no": [False], "yes": [True], "both": [False, True]}
_BOTH = "yes|no|both"
_READ: dict[str, Callable[[str], list[Any]]] = {  # the others are flags
    "models": _NEXT.split,
    "batch": reading.read_batches,
    "dtype": lambda text: text.split(","),
    "backend": reading.read_backends,
}


def _axis(name: str, metavar: str, text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=text)


@dataclass(frozen=True)
class _Axes:
    """The options that stand instead of a plan's file."""

    models: Annotated[
        str | None,
        _axis(
            "--models",
            "SPEC,…",
            "Instead of a plan; 'all' is every network, and a block without options, such as "
            "conv, stands at each of its stages.",
        ),
    ] = None
    batch: Annotated[
        str | None, _axis("--batch", "N,…", "How many images pass at once; several: 1,8,32.")
    ] = None
    dtype: Annotated[
        str | None, _axis("--dtype", "DTYPE,…", "float32, bfloat16, …; default: the network's.")
    ] = None
    channels_last: Annotated[
        str | None, _axis("--channels-last", _BOTH, "Keep images channels last (NHWC) in memory.")
    ] = None
    backend: Annotated[
        str | None, _axis("--backend", "NAME,…", f"What runs them: {', '.join(BACKENDS)}, ….")
    ] = None
    compile: Annotated[
        str | None, _axis("--compile", _BOTH, "Short for --backend compile, or eager,compile.")
    ] = None
    train: Annotated[str | None, _axis("--train", _BOTH, "Take a training step.")] = None

    def given(self) -> dict[str, str]:
        """Those that were given, by the plan's names."""
        return {name: text for name, text in asdict(self).items() if text is not None}


@command
def sweep(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="PLAN.toml",
            help="A TOML file with the axes: models, batch, dtype, channels_last, backend, train.",
            show_default=False,
        ),
    ] = None,
    axes: _Axes = _Axes(),
    passing: Passing = Passing(),
    static: Annotated[bool, typer.Option("--static", help="Only count: time nothing.")] = False,
    measuring: Measuring = Measuring(),
    retry: Annotated[
        bool, typer.Option("--retry", help="Measure again what failed before, or is not usable.")
    ] = False,
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
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end of the Slurm job.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="The folder of records.", show_default=False
        ),
    ] = None,
) -> None:
    """Measure every combination of models, batches, dtypes and layouts; go on where it ended.

    Each finished configuration is a line of JSON in the store, with its raw samples.

    A sweep that is killed continues by the same command and redoes nothing.

    'cnnbench report' shows what is there.

    cnnbench sweep --models mobilenet,resnet50 --batch 1,8 --output run1

    cnnbench sweep --models all --static --output run1

    cnnbench sweep --models nets.py:Small --input 3x64x64 --batch 1,8 --output run1

    cnnbench sweep plan.toml --output run1

    cnnbench sweep plan.toml --slurm partition=gpu,gpus=1 --output run1
    """
    changed = {"device": measuring.device, "threads": measuring.threads, "static": static or None}
    plan = _plan(
        file, axes.given(), passing.keys(), {k: v for k, v in changed.items() if v is not None}
    )
    if plan.threads is not None:
        cores.check_threads(plan.threads)
    measuring.unless(static, None)
    if output is None and not dry_run:
        raise CnnbenchError("name the folder of its records: --output run1")
    if output is not None and output.exists() and not output.is_dir():
        raise OutputError(f"cannot write {output}: it is no folder; give another --output")
    if wait and slurm is None:
        raise CnnbenchError("--wait is for a Slurm job; give --slurm partition=…, or leave it out")
    left = of = plan.configurations()
    store = Store(output) if output is not None else None
    rule, machine = measuring.rule(), None
    with heavy_imports():
        from cnnbench.devices.machine import Machine
        from cnnbench.reports.sweep_run import left_to_do, summary
        from cnnbench.sweeps.run import finished, missing, run
        from cnnbench.sweeps.slurm import array
    if slurm is not None:
        given = array.options(slurm, static=plan.static)
        where = f"Slurm ({slurm})"
        if store is not None:
            left = array.unfinished(of, store, static=plan.static, retry=retry)
    else:
        machine = None if plan.static else Machine.find(plan.device, plan.threads)
        where = str(machine and machine.device)
        if store is not None and dry_run:
            left = missing(of, store, machine, retry=retry)
    if dry_run or store is None:
        say(*left_to_do(left, of, None if plan.static else where, rule.max_time))
    elif slurm is not None:
        task = array.Task(store.folder.resolve(), (), plan, rule, retry, wait=not measuring.no_wait)
        _submit(task, left, of, given, store, wait=wait)
    else:
        with their_code(), bar() as shown:
            wait = not measuring.no_wait
            done = run(of, store, machine, rule, retry=retry, wait=wait, progress=shown)
        there = finished(of, store, machine)
        say(*summary(store, of, there, done.new))
        if done.interrupted:
            raise typer.Exit(INTERRUPTED)
        _end_if_some_failed(sum(bool(one.failure) for one in there), len(there))
        unusable = sum(not one.reliable for one in there)
        if measuring.strict and unusable:
            text = units.number(unusable, "configuration")
            raise SomeFailed([f"{text} of which the times are not usable; --retry measures again"])


def _end_if_some_failed(failed: int, of: int) -> None:
    """SomeFailed where any did, with what tells why."""
    if failed:
        text = f"{failed} of {units.number(of, 'configuration')} failed"
        hint = "'cnnbench report' says why, --retry tries again"
        raise SomeFailed([f"{text}; {hint}"], exit_code=1 if failed < of else 2)


def _plan(
    file: Path | None, axes: dict[str, str], passed: dict[str, Any], changed: dict[str, Any]
) -> Plan:
    """Read the plan, from its file or the options that stand instead of one."""
    if file is not None:
        for name in map(_option, (*axes, *passed)):
            raise CnnbenchError(f"{file} has the axes; write them there and leave {name} out")
        return read(file).model_copy(update=changed)
    if "models" not in axes:
        raise CnnbenchError("name a plan, or models: cnnbench sweep --models mobilenet,resnet50")
    values = {**passed, **changed}
    for name, text in axes.items():
        if name not in _READ and text not in _FLAGS:
            given = f"{_option(name)} {text!r}"
            raise CnnbenchError(f"{given} says nothing; give {', '.join(_FLAGS)}")
        values[name] = _READ.get(name, _FLAGS.get)(text)
    return planned(values, "the options")


def _option(name: str) -> str:
    return "--no-batch" if name == "batched" else f"--{name.replace('_', '-')}"


def _submit(
    task: Task,
    left: Sequence[Configuration],
    of: Sequence[Configuration],
    given: Options,
    store: Store,
    *,
    wait: bool,
) -> None:
    """Submit what is left as one array job, and wait for it where that is asked."""
    from cnnbench.sweeps.slurm import array, queue

    folder, number = store.folder, len(of)
    if not left:
        say(f"{folder}: {number} of {number} configurations, nothing to submit")
        return
    job = array.submit(left, given, task)
    tasks = units.number(job.tasks, "task")
    say(f"job {job.job}: {len(left)} of {number} configurations in {tasks}, into {folder}")
    if not wait:
        say(
            f"'squeue --job {job.job}' shows it; the same command goes on with what is missing, "
            f"'cnnbench report {folder}' shows what is there"
        )
        return
    try:
        with bar() as shown:
            failed = queue.wait(job, store, lambda done: shown.counted(done, len(left)))
    except KeyboardInterrupt:
        say(f"job {job.job} goes on; 'scancel {job.job}' ends it")
        raise typer.Exit(INTERRUPTED) from None
    missing = len(array.unfinished(of, store, static=task.plan.static))
    say(f"{folder}: {number - missing} of {number} configurations")
    if missing or failed:
        ended = "".join(f"; task {name} ended as {state}" for name, state in failed.items())
        raise SlurmError(
            f"{missing or 'no'} configurations are missing{ended}; logs are in {job.logs}"
            + ("; the same command submits what is missing again" if missing else "")
        )
    _end_if_some_failed(array.failures(of, store, static=task.plan.static), number)
