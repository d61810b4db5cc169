"""A sweep through a real Slurm: two nodes on this machine, submitit's array, a node that dies."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cnnbench.sweeps.store import Store

from ..commands import ROOT, SECONDS, process
from ..machines import calibrated
from ..sweeps import made
from ..zoo import costly
from .cluster import Cluster, cluster, missing

pytestmark = [
    costly,
    pytest.mark.skipif(
        bool(missing()) and not os.environ.get("CNNBENCH_SLURM"),  # CI has installed it
        reason=f"no Slurm here: {missing()}",
    ),
]

SWEEP = ("sweep", "--models", "lenet5", "--device", "cpu", "--threads", "1")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: a socket's path has 108 characters."""
    with TemporaryDirectory(prefix="slurm-") as name:
        yield Path(name)


@pytest.fixture
def slurm(folder: Path) -> Iterator[Cluster]:
    pytest.importorskip("submitit")
    # a starved daemon is no dead one
    with cluster(folder / "slurm", {"SlurmdTimeout": 20}) as running:
        yield running


@pytest.fixture
def ready(folder: Path, slurm: Cluster) -> dict[str, str]:
    """What a process needs to submit there; its device is known already."""
    return {**slurm.environment, **calibrated(folder / "cache")}


def batches(number: int) -> str:
    return ",".join(map(str, range(1, number + 1)))


def test_tasks_hold_their_node_alone_and_share_a_store(folder: Path, ready: dict[str, str]) -> None:
    run = folder / "run"
    line = (*SWEEP, "--batch", batches(32), "--max-time", "0.2", "--output", str(run))
    done = process(*line, "--slurm", "partition=debug", "--wait", **ready)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first.startswith("job ") and "32 of 32 configurations in 4 tasks" in first
    assert last == f"{run}: 32 of 32 configurations"
    assert len(Store(run).files()) >= 4
    records = made.records(Store(run))
    assert sorted(record["batch"] for record in records) == list(range(1, 33))
    assert all(record["latency"]["latency_s"] > 0 for record in records)
    spans = jobs(ready)
    assert len(spans) >= 4 and {node for node, *_ in spans} == {"n1", "n2"}
    for node in ("n1", "n2"):
        here = sorted(span for span in spans if span[0] == node)
        assert all(a[2] <= b[1] for a, b in pairwise(here)), here
    again = process(*line, "--slurm", "partition=debug", **ready)
    assert again.stdout == f"{run}: 32 of 32 configurations, nothing to submit\n"
    shown = process("report", str(run), "--format", "csv")
    assert shown.returncode == 0 and len(shown.stdout.splitlines()) == 33


def jobs(ready: dict[str, str]) -> list[tuple[str, datetime, datetime]]:
    """Node, start and end of every task that Slurm remembers."""
    text = subprocess.run(
        ["scontrol", "--oneliner", "show", "job"],
        env={**os.environ, **ready},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = []
    for line in text.splitlines():
        start, end, node = (
            re.search(rf" {key}=(\S+)", line)[1]  # type: ignore[index]
            for key in ("StartTime", "EndTime", "NodeList")
        )
        found.append((node, datetime.fromisoformat(start), datetime.fromisoformat(end)))
    return found


def test_the_task_of_a_node_that_dies_is_tried_again(
    folder: Path, slurm: Cluster, ready: dict[str, str]
) -> None:
    run = folder / "run"
    line = (*SWEEP, "--batch", batches(16), "--max-time", "1.5", "--precision", "0.01%")
    line = (*line, "--output", str(run))
    waiting = subprocess.Popen(
        [sys.executable, "-m", "cnnbench", *line, *("--slurm", "partition=debug", "--wait")],
        cwd=ROOT,
        env={**os.environ, **ready},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: sum(state == "allocated" for state in slurm.nodes().values()) == 2)
    until(lambda: len(Store(run).files()) >= 1)
    slurm.kill("n1")
    second = process(*line, "--slurm", "partition=debug", **ready)  # while the first is at work
    assert second.returncode == 2 and "is at work on" in second.stderr, second.stderr
    output, errors = waiting.communicate(timeout=SECONDS)
    assert waiting.returncode == 0, errors
    assert output.splitlines()[-1] == f"{run}: 16 of 16 configurations"
    assert sorted(record["batch"] for record in made.records(Store(run))) == list(range(1, 17))
    assert any(path.name.endswith("-1.jsonl") for path in Store(run).files())


def until(holds: Callable[[], bool], seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_what_slurm_does_not_take_is_one_line(folder: Path, ready: dict[str, str]) -> None:
    line = (*SWEEP, "--batch", "1", "--output", str(folder / "run"))
    done = process(*line, "--slurm", "partition=nosuch", **ready)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "Slurm takes no job" in done.stderr and "partition" in done.stderr
