"""Networks timed in workers of their own: what comes back, and what becomes of one that ends it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from cnnbench.devices.machine import Machine
from cnnbench.progress import Progress
from cnnbench.timing.measure import Timing, timed
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting
from cnnbench.timing.workers.conditions import ALLOCATOR, conditions

from ..commands import ROOT, command, wait_for
from ..zoo import costly

ENDING = """
import os
import torch
from torch import nn

class Ending(nn.Module):
    def __init__(self, after):
        super().__init__()
        self.after, self.layer = after, nn.Linear(4, 4)

    def forward(self, x):
        self.after -= x.shape[0] > 0 and x.device.type != "meta"
        if self.after < 0 and CONDITION:
            os._exit(7)
        return self.layer(x)

def at_once():
    return Ending(0)

def at_a_glance():
    return Ending(3)

def later():
    return Ending(8)

class Forking(Ending):
    def forward(self, x):
        self.after -= x.shape[0] > 0 and x.device.type != "meta"
        if self.after == 0 and CONDITION:
            os.fork()  # and the copy goes on
        return self.layer(x)

def forking():
    return Forking(12)

def leaves_one():
    net = Ending(8)
    if CONDITION:
        os.fork() or os.execvp("sleep", ["sleep", "600"])
    return net

def good():
    return nn.Linear(4, 4)

class Failing(nn.Linear):
    def forward(self, x):
        if CONDITION and len(x):
            raise ValueError("only in a worker")
        return super().forward(x)

def failing():
    return Failing(4, 4)
"""
SHORT = StopRule(max_time=5, processes=2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose networks end a worker's process, but not this one."""
    text = ENDING.replace("CONDITION", '"MALLOC_TOP_PAD_" in os.environ')
    (tmp_path / "endings.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def measured(*names: str, rule: StopRule = SHORT, layers: bool = False) -> Timing:
    asked = [(f"endings:{name}" if name.islower() else name, Setting()) for name in names]
    return timed(asked, (4,), Session(Machine.find("cpu", 1), rule), layers=layers)


def test_what_workers_say_is_what_is_said_here(folder: Path) -> None:
    (there,) = measured("good").latencies
    (here,) = measured("good", rule=StopRule(max_time=0.3, processes=0)).latencies
    assert (there.model, there.macs, there.params) == (here.model, here.macs, here.params)
    assert there.dtype == here.dtype == "float32"
    assert there.input == here.input == ((1, 4),)
    assert there.samples >= 8 and there.latency_s


def test_a_network_that_ends_its_worker_is_a_row_and_the_others_go_on(folder: Path) -> None:
    first, good, later, failing = measured("at_once", "good", "later", "failing").latencies
    assert str(first.error).endswith("ended the process: exit code 7")
    assert good.error is None and good.samples >= 8
    assert str(later.error).endswith("ended the process: exit code 7")
    assert failing.error is not None and "only in a worker" in failing.error


@costly
def test_an_operator_that_ends_its_worker_is_a_row_too(folder: Path) -> None:
    timing = measured("later", "good", rule=StopRule(0.5, 1, processes=2), layers=True)
    assert timing.networks is not None
    later, good = timing.networks
    assert str(later.whole.error).endswith("ended the process: exit code 7")
    assert not later.operators
    assert [op.cost.operator for op in good.operators] == ["linear"] and good.whole.samples >= 8


@costly
def test_one_that_ends_its_worker_at_first_sight_is_a_row_too(folder: Path) -> None:
    session = Session(Machine.find("cpu", 1), SHORT, Progress(say=lambda text: None))
    asked = [(f"endings:{name}", Setting()) for name in ("at_a_glance", "good")]
    first, good = timed(asked, (4,), session).latencies
    assert str(first.error).endswith("ended the process: exit code 7")
    assert good.error is None and good.samples >= 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such copies here")
def test_what_a_network_has_begun_neither_holds_us_up_nor_stays(folder: Path) -> None:
    before = sleeping()
    (row,) = measured("leaves_one").latencies
    assert str(row.error).endswith("ended the process: exit code 7")
    assert sleeping() <= before


def sleeping() -> set[int]:
    """Processes of that command line."""
    found = set()
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if one.cmdline() == ["sleep", "600"] and one.status() != psutil.STATUS_ZOMBIE:
                found.add(one.pid)
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such copies here")
def test_a_copy_of_a_worker_answers_nothing(folder: Path) -> None:
    first, good = measured("forking", "good", rule=StopRule(1e-9, 1.0, 0, 1)).latencies
    assert first.error is None and good.error is None
    assert first.samples == good.samples > 12 and first.page_faults is not None


def test_a_model_that_is_not_there_is_said_as_it_is_here(folder: Path) -> None:
    (row,) = measured("nothing").latencies
    assert row.error is not None and "nothing" in row.error


def test_the_allocator_is_pinned_unless_a_user_has_said_otherwise() -> None:
    assert conditions(given={}) == ALLOCATOR
    given = {"MALLOC_TRIM_THRESHOLD_": "1"}
    assert "MALLOC_TRIM_THRESHOLD_" not in conditions(given=given)
    assert conditions((1, 0), given={})["OMP_PLACES"] == "{1},{0}"


def test_the_command_line_says_how_many() -> None:
    wrong = command("time", "lenet5", CNNBENCH_PROCESSES="many")
    assert wrong.returncode == 2 and "CNNBENCH_PROCESSES='many' makes no sense" in wrong.stderr
    good = command("time", "lenet5", "--max-time", "0.3", CNNBENCH_PROCESSES="1")
    assert good.returncode == 0, good.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
@costly
def test_no_worker_outlives_who_asked() -> None:
    code = (
        "from cnnbench.timing.measure import measure;"
        "measure('lenet5', device='cpu', threads=1, precision=1e-9, max_time=600, processes=2)"
    )
    asking = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    workers: list[psutil.Process] = []

    def two() -> bool:
        workers[:] = psutil.Process(asking.pid).children()
        return len(workers) == 2

    try:
        wait_for(asking, two)
    finally:
        asking.kill()
        asking.wait()
    gone, alive = psutil.wait_procs(workers, 120)
    assert len(gone) == 2 and not alive
