"""A sweep on Slurm: what is submitted, and what became of it. Needs torch."""

from __future__ import annotations

from pathlib import Path

import typer

from cnnbench.cli import INTERRUPTED
from cnnbench.cli.progress import bar
from cnnbench.cli.sweep_plan import say_plan
from cnnbench.errors import SlurmError
from cnnbench.sweeps.plan import Plan
from cnnbench.sweeps.slurm import array as slurm
from cnnbench.sweeps.slurm.queue import wait as wait_for
from cnnbench.sweeps.store import Store
from cnnbench.timing.sampling import StopRule


def submitted(
    plan: Plan,
    asked: str,
    timing: StopRule,
    output: Path | None,
    *,
    retry: bool,
    dry_run: bool,
    wait: bool,
) -> None:
    """Submit what the store lacks as one array job, and wait for it where that is asked."""
    given = slurm.options(asked, static=plan.static)
    of = plan.configurations()
    store = Store(output) if output is not None else None
    left = of
    if store is not None:
        left = slurm.unfinished(of, store, static=plan.static, retry=retry)
    if dry_run or store is None:
        say_plan(left, of, None if plan.static else f"Slurm ({asked})", timing.max_time)
        return
    if not left:
        typer.echo(f"{output}: {len(of)} of {len(of)} configurations, nothing to submit")
        return
    task = slurm.Task(
        store.folder.resolve(), (), plan.static, plan.device, plan.threads, timing, retry
    )
    job = slurm.submit(left, given, task)
    tasks = f"{job.tasks} task{'s' if job.tasks > 1 else ''}"
    typer.echo(f"job {job.job}: {len(left)} of {len(of)} configurations in {tasks}, into {output}")
    if not wait:
        typer.echo(
            f"'squeue --job {job.job}' shows it; the same command goes on with what is missing, "
            f"'cnnbench report {output}' shows what is there"
        )
        return
    try:
        with bar(0) as shown:
            failed = wait_for(job, store, lambda done: shown.counted(done, len(left)))
    except KeyboardInterrupt:
        typer.echo(f"job {job.job} goes on; 'scancel {job.job}' ends it")
        raise typer.Exit(INTERRUPTED) from None
    missing = len(slurm.unfinished(of, store, static=plan.static))
    typer.echo(f"{output}: {len(of) - missing} of {len(of)} configurations")
    if missing or failed:
        ended = "".join(f"; task {name} ended as {state}" for name, state in failed.items())
        raise SlurmError(
            f"{missing or 'no'} configurations are missing{ended}; logs are in {job.logs}"
            + ("; the same command submits what is missing again" if missing else "")
        )
