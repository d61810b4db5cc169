"""Latency against another revision: the verdict by simulation, the rest with real processes."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from cnnbench.counting.metrics import Metric
from cnnbench.devices.machine import Machine
from cnnbench.errors import RevisionError
from cnnbench.guard import config
from cnnbench.guard.duet import revision
from cnnbench.guard.duet.latencies import latencies
from cnnbench.guard.duet.pair import LOOKS, verdict
from cnnbench.guard.finding import Status
from cnnbench.timing.samples.confidence import OF_RATIO
from cnnbench.timing.samples.statistics import order_statistic
from cnnbench.timing.session import Session, StopRule

from ..commands import ROOT, SECONDS, wait_for
from ..zoo import costly
from .scratch import Scratch

LIMIT = 1.05
SHORT = Session(Machine.find("cpu", 1), StopRule(max_time=0.1))


def simulated(truth: float, spread: float, generator: np.random.Generator) -> Status:
    """A check's verdict where pairs spread so far, one of ten thrice as far: as they do here."""
    scale = np.where(generator.random(LOOKS[-1]) < 0.1, 3 * spread, spread)
    ratios = truth * np.exp(generator.normal(0, scale))
    for number in LOOKS:
        status, _ = verdict(ratios[:number], LIMIT)
        if status is not Status.IMPRECISE:
            return status
    return Status.IMPRECISE


@pytest.mark.parametrize("spread", [0.005, 0.02, 0.05])
def test_few_false_alarms_and_none_in_doubt(spread: float) -> None:
    generator = np.random.default_rng(1)
    unchanged = [simulated(1.0, spread, generator) for _ in range(1000)]
    at_limit = [simulated(LIMIT, spread, generator) for _ in range(1000)]
    assert unchanged.count(Status.SLOWER) <= 2
    assert at_limit.count(Status.SLOWER) <= 50  # the level of five looks, at the worst place
    if spread <= 0.02:
        assert unchanged.count(Status.INDISTINGUISHABLE) >= 900
        slower = [simulated(1.10, spread, generator) for _ in range(1000)]
        assert slower.count(Status.SLOWER) >= 980


def test_looks_are_where_the_interval_may_leave_out_one_more() -> None:
    for number in LOOKS:
        assert order_statistic(number, OF_RATIO) > order_statistic(number - 1, OF_RATIO)


def test_what_ratios_say() -> None:
    few = [1.2] * (LOOKS[0] - 1)
    assert verdict(few, LIMIT)[0] is Status.IMPRECISE  # whatever they say
    assert verdict([1.2] * 7, LIMIT)[0] is Status.SLOWER
    assert verdict([0.8] * 7, LIMIT)[0] is Status.FASTER
    assert verdict([1.02] * 7, LIMIT)[0] is Status.TOLERATED
    assert verdict([0.99, 1.01] * 4, LIMIT)[0] is Status.INDISTINGUISHABLE
    assert verdict([1.2] * 6 + [1.04], LIMIT)[0] is Status.IMPRECISE  # one pair goes on
    assert verdict([1.2] * 10 + [0.5], LIMIT)[0] is Status.SLOWER  # and decides nothing


@pytest.fixture
def untouched(scratch: Scratch) -> Scratch:
    """A clone whose work, index and staging are in the middle of something."""
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, 12)")
    scratch.git("add", "nets.py")
    scratch.change("nn.Linear(16, 12)", "nn.Linear(16, 11)")
    scratch.write("untracked.txt", "mine")
    for name in ("post-checkout", "post-index-change"):
        hook = scratch.folder / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {scratch.folder}/hooked\n")
        hook.chmod(0o755)
    return scratch


def state(scratch: Scratch) -> list[str]:
    kept = [
        scratch.git(*words.split()) for words in ("status --porcelain", "diff", "worktree list")
    ]
    index = (scratch.folder / ".git/index").read_bytes().hex()
    return [*kept, index, *sorted(os.listdir(scratch.folder))]


def test_one_pair_of_processes_is_not_enough_and_leaves_nothing(
    untouched: Scratch, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = state(untouched)
    found = config.find()
    against, [finding] = latencies(found, found.model, "HEAD", SHORT)
    assert state(untouched) == before and os.listdir(temporary) == []
    assert str(against) == f"HEAD ({untouched.git('rev-parse', 'HEAD')[:8]})"
    assert (finding.status, finding.metric) == (Status.IMPRECISE, Metric.LATENCY)
    assert finding.pairs == 1 and finding.ci_low is None and finding.ci_high is None
    assert finding.baseline is not None and finding.baseline > 0
    assert "1 pair of processes in 100 ms, of 7 at least; raise --max-time" in finding.reason


@costly
def test_a_model_that_is_new_or_not_ours_is_not_timed(scratch: Scratch) -> None:
    scratch.ignore("more.py")
    scratch.write("more.py", "from nets import Net as Other")
    scratch.write(
        "pyproject.toml",
        "".join(
            f'[[tool.cnnbench.model]]\nname = "{name}"\ninput = "3x16x16"\n'
            for name in ("more:Other", "lenet5_dense", "torchvision:resnet18")
        ),
    )
    found = config.find()
    _, findings = latencies(found, found.model, "HEAD", SHORT)
    assert [finding.status for finding in findings] == [Status.UNTIMED] * 3
    new, ours, theirs = (finding.reason for finding in findings)
    assert new.startswith("new; at the base: there is no module 'more'")
    assert "it comes with cnnbench" in ours and "it comes with torchvision" in theirs
    scratch.commit("with a model that is not there")
    _, [finding, *_] = latencies(found, found.model[:1], "HEAD", SHORT)
    assert finding.status is Status.UNKNOWN  # the base guarded it, and it is not there
    assert finding.reason.startswith("at the base: there is no module 'more'")


def test_a_base_that_would_run_the_working_trees_code_cannot_be_told(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch.ignore("library")
    (scratch.folder / "library").mkdir()
    scratch.write("library/parts.py", "WIDTH = 10")
    scratch.change("import torch\n", "import torch\nfrom parts import WIDTH\n")
    scratch.commit("what needs a library that the base has not")
    monkeypatch.setenv("PYTHONPATH", str(scratch.folder / "library"))
    monkeypatch.syspath_prepend(str(scratch.folder / "library"))
    found = config.find()
    _, [finding] = latencies(found, found.model, "HEAD", SHORT)
    assert finding.status is Status.UNKNOWN
    assert "imports parts from the working tree" in finding.reason


@costly
def test_code_that_asks_gets_no_answer_and_code_of_another_place_is_refused(
    scratch: Scratch,
) -> None:
    scratch.change(
        "        super().__init__()", "        input('trust? ')\n        super().__init__()"
    )
    found = config.find()
    _, [finding] = latencies(found, found.model, "HEAD", SHORT)
    assert finding.status is Status.UNKNOWN
    assert finding.reason == "cannot build nets:Net: EOFError: EOF when reading a line"
    scratch.change("nets:Net", f"{scratch.folder}/nets.py:Net", "pyproject.toml")
    found = config.find()
    _, [finding] = latencies(found, found.model, "HEAD", SHORT)
    assert finding.status is Status.UNKNOWN
    assert "is the same file for both; name it from the configuration's folder" in finding.reason


def test_the_base_is_where_this_branch_left_it(scratch: Scratch) -> None:
    left = scratch.git("rev-parse", "HEAD")
    scratch.git("checkout", "-qb", "feature")
    scratch.write("one.txt", "1")
    scratch.commit("on the branch")
    scratch.git("checkout", "-q", "main")
    scratch.write("two.txt", "2")
    ahead = scratch.commit("on main meanwhile")
    scratch.git("checkout", "-q", "feature")
    assert revision.resolve(scratch.folder, "main").commit == left
    with revision.files_of(scratch.folder, revision.Revision("main", ahead)) as files:
        assert sorted(os.listdir(files)) == sorted(
            ["nets.py", "pyproject.toml", "cnnbench-baseline.json", "two.txt"]
        )
    assert not files.exists()
    with pytest.raises(RevisionError, match="no revision 'nosuch'"):
        revision.resolve(scratch.folder, "nosuch")
    with pytest.raises(RevisionError, match="not a git repository"):
        revision.top(Path("/"))


def test_a_shallow_clone_says_what_to_fetch(scratch: Scratch, tmp_path: Path) -> None:
    scratch.git("checkout", "-qb", "feature")
    scratch.write("one.txt", "1")
    scratch.commit("on the branch")
    shallow = tmp_path / "shallow"
    where = f"file://{scratch.folder}"
    scratch.git("clone", "-q", "--depth", "1", "--no-single-branch", where, str(shallow))
    with pytest.raises(RevisionError, match="'git fetch --unshallow', or give actions/checkout"):
        revision.resolve(shallow, "origin/main")


def started(scratch: Scratch, temporary: Path) -> subprocess.Popen[str]:
    """A check that has its base's files and has started its workers."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnbench", "check", "--against", "HEAD", "--threads", "1"],
        cwd=scratch.folder,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(process, lambda: any(temporary.glob("cnnbench-base-*/files/nets.py")))
    wait_for(process, lambda: has_worker(process.pid))  # who removes the files if it is killed
    return process


def has_worker(pid: int) -> bool:
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):  # git, gone by now
            if "workers.worker" in " ".join(child.cmdline()):
                return True
    return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@costly
def test_an_end_at_any_time_leaves_nothing(
    untouched: Scratch, tmp_path_factory: pytest.TempPathFactory, how: signal.Signals
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    before = state(untouched)
    process = started(untouched, temporary)
    time.sleep(1.5)  # somewhere between its workers' imports and their rounds
    os.killpg(process.pid, how)  # as a terminal and `timeout` do
    _, errors = process.communicate(timeout=SECONDS)
    if how is not signal.SIGKILL:
        assert (process.returncode, errors) == (130, "cnnbench: interrupted\n")
    deadline = time.monotonic() + SECONDS
    while list(temporary.glob("cnnbench-base-*")) and time.monotonic() < deadline:
        time.sleep(0.1)  # where it was killed, its worker does it
    assert list(temporary.glob("cnnbench-base-*")) == []
    assert state(untouched) == before


@costly
def test_two_checks_at_once_do_not_disturb_each_other(scratch: Scratch) -> None:
    line = [sys.executable, "-m", "cnnbench", "check", "--against", "HEAD", "--max-time", "0.1"]
    both = [
        subprocess.Popen(
            line,
            cwd=scratch.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=SECONDS) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert all("not enough precision" in output for output, _ in ends)
    assert scratch.git("status", "--porcelain") == ""
