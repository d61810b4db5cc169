"""A sweep as one array job of Slurm: each task holds its node alone, all write into one store."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import torch

from cnnbench.errors import SlurmError, reason_of
from cnnbench.sweeps.groups import SIZE, chunks
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.store import Store
from cnnbench.timing.sampling import Plan
from cnnbench.version import __version__

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

Options = Mapping[str, str | bool]

_MOST_TASKS = 1000  # of an array, by Slurm's default MaxArraySize
_GPUS = ("gres", "gpus", "gpus-per-node", "gpus-per-task")
_POLL_S = 2.0
_ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE"}


@dataclass(frozen=True)
class Task:
    """What one task of the array measures, and where it writes."""

    folder: Path
    of: tuple[Configuration, ...]
    static: bool
    device: str | None
    threads: int | None
    plan: Plan
    retry: bool = False

    def __call__(self) -> None:
        """Do what the store lacks, into a file of this task's own."""
        from cnnbench.sweeps.run import Place, run
        from cnnbench.timing import cores, devices

        place = None
        if not self.static:
            place = Place(devices.find(self.device), cores.threads(self.threads))
        name = _file_name(os.environ)
        run(self.of, Store(self.folder), place, self.plan, name=name, retry=self.retry)

    def checkpoint(self) -> DelayedSubmission:
        """Go on in a new job: what is finished stands in the store."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _file_name(job: Mapping[str, str]) -> str:
    """Another one after each restart: the dead node's task may still hold the one before."""
    array, alone = job.get("SLURM_ARRAY_JOB_ID"), job.get("SLURM_JOB_ID", "0")
    task = f"{array}_{job.get('SLURM_ARRAY_TASK_ID', '0')}" if array else alone
    restart = job.get("SLURM_RESTART_COUNT")
    return f"slurm-{task}{f'-{restart}' if restart else ''}.jsonl"


def unfinished(
    of: Sequence[Configuration], store: Store, *, static: bool, retry: bool = False
) -> list[Configuration]:
    """Those of which the store has no record by this software, whichever node measured it.

    With `retry` those too that failed.
    """
    known: dict[Configuration, str] = {}
    for record in store:
        about = json.loads(record["key"])
        if (about.pop("cnnbench"), about.pop("torch")) != (__version__, torch.__version__):
            continue
        timed = about.pop("device", None) is not None
        about = {key: about[key] for key in Configuration.__dataclass_fields__}
        if timed is not static:
            known[Configuration(**about)] = record["failure"]
    return [one for one in of if one not in known or (retry and known[one])]


@dataclass(frozen=True)
class Submitted:
    """An array job, and where its tasks' logs are."""

    job: str
    tasks: int
    logs: Path


def options(text: str, *, static: bool) -> dict[str, str | bool]:
    """`partition=gpu,exclusive=true` -> what sbatch is given; a timed task has its node alone.

    Any long option of sbatch goes; SlurmError says which part cannot be read.
    """
    found: dict[str, str | bool] = {} if static else {"exclusive": True}
    for item in re.split(r",(?=[\w-]+=)", text.strip()):
        key, equals, value = (part.strip() for part in item.partition("="))
        key = key.replace("_", "-")
        if not equals or not value or not re.fullmatch(r"[a-z][a-z-]*", key):
            raise SlurmError(
                f"malformed --slurm {item!r}; write options of sbatch: partition=gpu,exclusive=true"
            )
        found[key] = {"true": True, "false": False}.get(value.lower(), value)
    if not static and found.get("exclusive") is False and not any(key in found for key in _GPUS):
        raise SlurmError(
            "exclusive=false shares a node with others, which makes no honest time; leave it out, "
            "or ask for a GPU: gpus=1"
        )
    return {key: value for key, value in found.items() if value is not False}


def submit(left: Sequence[Configuration], given: Options, task: Task) -> Submitted:
    """One array job, each task of configurations that are compared or as many as fit a group.

    SlurmError where submitit or Slurm is not there, and with what sbatch says.
    """
    try:
        import submitit
    except ImportError as error:
        raise SlurmError("--slurm needs submitit; type: pip install 'cnnbench[slurm]'") from error
    size = max(SIZE, math.ceil(len(left) / _MOST_TASKS))
    parts = [replace(task, of=tuple(part)) for part in chunks(left, size)]
    logs = task.folder.resolve() / "slurm"
    said: list[str] = []
    try:
        executor = submitit.AutoExecutor(folder=logs, cluster="slurm")
        executor.update_parameters(
            timeout_min=_minutes(task, size),
            name="cnnbench",
            slurm_srun_args=["--cpu-bind=none"],  # a node that is held alone is used whole
            slurm_additional_parameters=dict(given),
        )
        with _stderr() as said:
            jobs = executor.submit_array(parts)
    except (RuntimeError, OSError, submitit.core.utils.FailedJobError) as error:
        reason = said[0] if said else reason_of(error)
        raise SlurmError(f"Slurm takes no job: {reason}; 'sinfo' shows its partitions") from error
    return Submitted(jobs[0].job_id.partition("_")[0], len(parts), logs)


@contextmanager
def _stderr() -> Iterator[list[str]]:
    """What programs started meanwhile say on stderr, by line: sbatch, which says why not."""
    said: list[str] = []
    sys.stderr.flush()
    before = os.dup(2)
    with TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(before, 2)
            os.close(before)
            file.seek(0)
            lines = file.read().decode("utf-8", "replace").splitlines()
            said += [line.removeprefix("sbatch: error: ") for line in lines if line.strip()]


def _minutes(task: Task, size: int) -> int:
    """Time for a task, in minutes: of sampling, of making ready, of measuring the device."""
    each = 5.0 if task.static else 2 * task.plan.max_time + 60
    return 20 + math.ceil(size * each / 60)


def wait(
    submitted: Submitted,
    store: Store,
    told: Callable[[int], None] = lambda records: None,
) -> dict[str, str]:
    """Wait until no task is left in the queue; states of those that did not complete.

    `told` hears how many records there are of the job.
    """
    last: dict[str, str] = {}
    while True:
        states = _states(submitted.job)
        last |= states
        told(_records(submitted, store))
        if not any(state not in _ENDED for state in states.values()):
            return {task: state for task, state in last.items() if state != "COMPLETED"}
        time.sleep(_POLL_S)


def _states(job: str) -> dict[str, str]:
    """Each task's state by squeue, which works without accounting; none once they are forgotten."""
    line = ["squeue", "--noheader", "--array", "--states=all", "--job", job, "--format=%i %T"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode and "Invalid job id" not in done.stderr:
        raise SlurmError(f"squeue does not answer: {done.stderr.strip()}; job {job} goes on")
    return dict(part for text in done.stdout.splitlines() if len(part := text.split()) == 2)


def _records(submitted: Submitted, store: Store) -> int:
    files = store.folder.glob(f"slurm-{submitted.job}[_.-]*jsonl")
    return sum(file.read_bytes().count(b"\n") for file in files)
