"""`cnnbench sweep`: many configurations, resumable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from cnnbench import units
from cnnbench.cli import INTERRUPTED
from cnnbench.cli import options as opt
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError, OutputError
from cnnbench.sweeps.plan import SweepPlan, planned, read

_FLAGS = {"no": [False], "yes": [True], "both": [False, True]}
_NEXT = re.compile(r",(?![\w.]+=)")  # a comma before key=value is within a spec


def sweep(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[PLAN.toml]", help="The axes: models, batch, dtype, …"),
    ] = None,
    models: Annotated[
        str | None, typer.Option("--models", metavar="SPEC,…", help="Instead of a plan.")
    ] = None,
    batch: Annotated[str | None, typer.Option("--batch", metavar="N,…")] = None,
    dtype: Annotated[str | None, typer.Option("--dtype", metavar="DTYPE,…")] = None,
    channels_last: Annotated[
        str | None, typer.Option("--channels-last", metavar="yes|no|both")
    ] = None,
    compiled: Annotated[str | None, typer.Option("--compile", metavar="yes|no|both")] = None,
    static: Annotated[bool, typer.Option("--static", help="Count alone: time nothing.")] = False,
    device: opt.DeviceOption = None,
    threads: opt.Threads = None,
    precision: opt.Precision = "2%",
    max_time: opt.MaxTime = 10.0,
    seed: opt.Seed = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done and how long it may take.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="The store of its records."),
    ] = None,
    debug: opt.Debug = False,
) -> None:
    """Measure every combination of models, batches, dtypes and layouts; go on where it ended.

    Each finished configuration is a line of JSON in the store, with its raw samples and what they
    were measured on. A sweep that is killed continues by the same command and redoes nothing.

    cnnbench sweep --models mobilenet,resnet50 --batch 1,8 --output run1

    cnnbench sweep plan.toml --output run1
    """
    plan = _plan(file, models, batch, dtype, channels_last, compiled, static, device, threads)
    plan_of = opt.read_plan(precision, max_time, seed)
    opt.read_threads(plan.threads)
    if output is None and not dry_run:
        raise CnnbenchError("name the folder of its records: --output run1")
    if output is not None and output.exists() and not output.is_dir():
        raise OutputError(f"cannot write {output}: it is no folder; give another --output")
    of = plan.configurations()
    with heavy_imports():
        from cnnbench.sweeps.run import GROUP, Place, key, missing, run
        from cnnbench.sweeps.store import Store
        from cnnbench.timing import cores, devices
        from cnnbench.timing.sampling import Plan
    place = None
    if not plan.static:
        place = Place(devices.find(plan.device), cores.threads(plan.threads))
    store = Store(output) if output is not None else None
    left = missing(of, store, place) if store is not None else of
    if dry_run or store is None:
        _say(left, of, None if place is None else max_time, str(place.device) if place else "")
        return
    with bar(max_time * min(GROUP, len(left)), None) as shown:
        interrupted = run(
            of, store, place, Plan(*plan_of), done=shown.counted, progress=shown.rounds
        )
    asked, known, failed = {key(one, place) for one in of}, set(), []
    for record in store:
        if record["key"] in asked:
            known.add(record["key"])
            failed += [record] if record["failure"] else []
    new = len(known) - (len(of) - len(left))
    typer.echo(
        f"{output}: {len(known)} of {len(of)} configurations, {new} of them new, "
        f"{len(failed)} failed"
    )
    for record in failed:
        typer.echo(f"failed: {record['model']}, batch {record['batch']}: {record['failure']}")
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _plan(
    file: Path | None,
    models: str | None,
    batch: str | None,
    dtype: str | None,
    channels_last: str | None,
    compiled: str | None,
    static: bool,
    device: str | None,
    threads: int | None,
) -> SweepPlan:
    """From a file, or from the options."""
    axes = {
        "--models": models,
        "--batch": batch,
        "--dtype": dtype,
        "--channels-last": channels_last,
        "--compile": compiled,
    }
    if file is not None:
        given = [name for name, value in axes.items() if value is not None]
        if given:
            raise CnnbenchError(f"{file} has the axes; write them there and leave {given[0]} out")
        plan = read(file)
        changed: dict[str, Any] = {"static": plan.static or static}
        changed |= {"device": device} if device is not None else {}
        changed |= {"threads": threads} if threads is not None else {}
        return plan.model_copy(update=changed)
    if models is None:
        raise CnnbenchError("name a plan, or models: cnnbench sweep --models mobilenet,resnet50")
    values: dict[str, Any] = {"models": _NEXT.split(models), "static": static, "device": device}
    values["threads"] = threads
    if batch is not None:
        values["batch"] = opt.read_batches(batch)
    if dtype is not None:
        values["dtype"] = dtype.split(",")
    for name, text in (("channels_last", channels_last), ("compile", compiled)):
        if text is not None:
            if text not in _FLAGS:
                option = f"--{name.replace('_', '-')}"
                raise CnnbenchError(f"{option} {text!r} says nothing; give {', '.join(_FLAGS)}")
            values[name] = _FLAGS[text]
    return planned(values, "the options")


def _say(left: list[Any], of: list[Any], seconds: float | None, device: str) -> None:
    """The plan, and the longest that timing may take."""
    for one in left:
        ways = [str(one.dtype)] if one.dtype else []
        ways += [name for name in ("channels_last", "compile", "train") if getattr(one, name)]
        typer.echo(f"{one.model}, batch {one.batch}{''.join(f', {way}' for way in ways)}")
    counted = f"{len(left)} of {len(of)} configurations to do"
    if seconds is None:
        typer.echo(f"{counted}, counted alone")
    else:
        longest = units.duration(seconds * len(left))
        typer.echo(f"{counted} on {device}, {longest} of timing at most")
