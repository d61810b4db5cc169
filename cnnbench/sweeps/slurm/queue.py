"""What Slurm does with a sweep's jobs: asked of squeue, which works without accounting."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cnnbench.errors import SlurmError
from cnnbench.sweeps.store import Store

_POLL_S = 2.0
_SILENT = 30  # polls without an answer before waiting ends: a controller restarts in a minute
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE"}


@dataclass(frozen=True)
class Submitted:
    """An array job, and where its tasks' logs are."""

    job: str
    tasks: int
    logs: Path


def logs_of(folder: Path) -> Path:
    """The folder in which the tasks of a store's jobs write what they say."""
    return folder.resolve() / "slurm"


def remember(submitted: Submitted) -> None:
    """Keep a job's number beside its logs."""
    with open(submitted.logs / "jobs.txt", "a", encoding="utf-8") as file:
        file.write(f"{submitted.job}\n")


def refuse_while_at_work(folder: Path) -> None:
    """SlurmError while a job of the same store is queued or runs: it would be done twice."""
    try:
        jobs = (logs_of(folder) / "jobs.txt").read_text("utf-8").split()
    except OSError:
        return
    for job in jobs:
        try:
            left = [state for state in states(job).values() if state not in _ENDED]
        except SlurmError:  # submitting will say what is wrong
            continue
        if left:
            raise SlurmError(
                f"job {job} is at work on {folder}; 'squeue --job {job}' shows it, 'scancel {job}' "
                "ends it"
            )


def wait(
    submitted: Submitted,
    store: Store,
    told: Callable[[int], None] = lambda records: None,
) -> dict[str, str]:
    """Wait until no task is left in the queue; states of those that did not complete.

    `told` hears how many records there are of the job. SlurmError where squeue falls silent.
    """
    last: dict[str, str] = {}
    silent = 0
    while True:
        try:
            now, silent = states(submitted.job), 0
        except SlurmError:
            now, silent = {"": "UNKNOWN"}, silent + 1
            if silent > _SILENT:
                raise
        last |= now
        told(_records(submitted, store))
        if not any(state not in _ENDED for state in now.values()):
            return {task: state for task, state in last.items() if state in _ENDED - {"COMPLETED"}}
        time.sleep(_POLL_S)


def states(job: str) -> dict[str, str]:
    """Each task's state; none once Slurm has forgotten the job. SlurmError where it is silent."""
    line = ["squeue", "--noheader", "--array", "--states=all", "--job", job, "--format=%i %T"]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SlurmError(f"squeue cannot be run: {error.strerror or error}") from error
    if done.returncode and "Invalid job id" not in done.stderr:
        raise SlurmError(f"squeue does not answer: {done.stderr.strip()}; job {job} goes on")
    return dict(part for text in done.stdout.splitlines() if len(part := text.split()) == 2)


def _records(submitted: Submitted, store: Store) -> int:
    files = store.folder.glob(f"slurm-{submitted.job}[_.-]*jsonl")
    return sum(file.read_bytes().count(b"\n") for file in files)
