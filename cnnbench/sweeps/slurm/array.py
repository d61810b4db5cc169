"""A sweep as one array job of Slurm: each task holds its node alone, all write into one store."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import torch

from cnnbench.errors import SlurmError, reason_of
from cnnbench.sweeps.groups import SIZE, chunks
from cnnbench.sweeps.plan import Configuration, Plan
from cnnbench.sweeps.reading import standing
from cnnbench.sweeps.results import Result, said
from cnnbench.sweeps.slurm import queue
from cnnbench.sweeps.store import Store
from cnnbench.timing.session import StopRule
from cnnbench.version import __version__

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

Options = Mapping[str, str | bool]

_MOST_TASKS = 1000  # of an array, by Slurm's default MaxArraySize
_GPUS = ("gres", "gpus", "gpus-per-node", "gpus-per-task")


@dataclass(frozen=True)
class Task:
    """What one task of the array measures, and where it writes."""

    folder: Path
    of: tuple[Configuration, ...]
    plan: Plan
    rule: StopRule
    retry: bool = False
    wait: bool = True

    def __call__(self) -> None:
        """Do what the store lacks, into a file of this task's own."""
        from cnnbench.devices.machine import Machine
        from cnnbench.sweeps.run import run

        plan, machine = self.plan, None
        if not plan.static:
            machine = Machine.find(plan.device, plan.threads)
        store, name = Store(self.folder), _file_name(os.environ)
        of = unfinished(self.of, store, static=plan.static, retry=self.retry)
        run(of, store, machine, self.rule, name=name, retry=self.retry, wait=self.wait)

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
    """Configurations of which the store has no record by this software, whichever node measured it.

    With `retry` those too that failed, or whose times are not usable.
    """
    there = _by_this_software(store, static=static)
    known = {result.configuration for result in there if result.stands(retry=retry)}
    return [one for one in of if one not in known]


def failures(of: Sequence[Configuration], store: Store, *, static: bool) -> int:
    """How many of the configurations have a record that says why they failed, and no other."""
    there = _by_this_software(store, static=static)
    known = {result.configuration for result in there if not result.failure}
    failed = {result.configuration for result in there if result.failure} - known
    return sum(one in failed for one in of)


def _by_this_software(store: Store, *, static: bool) -> list[Result]:
    """Records of these versions, timed or not, whichever node measured them."""
    found = []
    for result in standing(store).values():
        about = said(result.key)
        software = (about.pop("cnnbench", None), about.pop("torch", None))
        timed = about.pop("device", None) is not None
        if software == (__version__, torch.__version__) and timed is not static:
            found.append(result)
    return found


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


def submit(left: Sequence[Configuration], given: Options, task: Task) -> queue.Submitted:
    """One array job, each task of configurations that are compared or as many as fit a group.

    SlurmError where submitit or Slurm is not there, and with what sbatch says.
    """
    try:
        import submitit
    except ImportError as error:
        raise SlurmError("--slurm needs submitit; type: pip install 'cnnbench[slurm]'") from error
    queue.refuse_while_at_work(task.folder)
    size = max(SIZE, math.ceil(len(left) / _MOST_TASKS))
    while len(parts := chunks(left, size)) > _MOST_TASKS:  # blocks that stay together leave gaps
        size += 1
    logs = queue.logs_of(task.folder)
    said: list[str] = []
    try:
        executor = submitit.AutoExecutor(folder=logs, cluster="slurm")
        executor.update_parameters(
            timeout_min=_minutes(task, max(map(len, parts))),
            name="cnnbench",
            slurm_srun_args=["--cpu-bind=none"],  # a node that is held alone is used whole
            slurm_additional_parameters=dict(given),
        )
        with _stderr() as said:
            jobs = executor.submit_array([replace(task, of=tuple(part)) for part in parts])
    except (RuntimeError, OSError, submitit.core.utils.FailedJobError) as error:
        reason = said[0] if said else reason_of(error)
        raise SlurmError(f"Slurm takes no job: {reason}; 'sinfo' shows its partitions") from error
    submitted = queue.Submitted(jobs[0].job_id.partition("_")[0], len(parts), logs)
    queue.remember(submitted)
    return submitted


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
    each = 5.0 if task.plan.static else 2 * task.rule.max_time + 60
    return 20 + math.ceil(size * each / 60)
