"""A command's process: silence is no success, and it ends when its work is done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cnnbench.cli.process import _silence

from ..commands import (
    ROOT,
    SECONDS,
    command,
    family,
    process,
    python,
    running,
    shell,
    wait_for,
    wait_for_torch,
)
from ..zoo import costly
from .test_sweep import needs_workers

NETS = """
import atexit, os, signal, subprocess, sys, threading, time
from torch import nn


class Rude(nn.Conv2d):
    input_shape = (3, 8, 8)

    def __init__(self, how, at="forward"):
        super().__init__(3, 3, 1)
        self.how = how
        if at == "build":
            DEEDS[how]()

    def forward(self, x):
        DEEDS[self.how]()
        return super().forward(x)


def deaf():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    open("deaf", "w").close()
    time.sleep(10_000)


def thread():
    threading.Thread(target=time.sleep, args=(10_000,)).start()
    atexit.register(time.sleep, 10_000)


def process():
    # Two that hold our output open, one of them deaf.
    subprocess.Popen(["sleep", "10000"])
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(9999)"
    subprocess.Popen([sys.executable, "-c", ignore])


def fork():
    # A copy of the command, which comes to an end of its own.
    if os.fork() == 0:
        time.sleep(0.5)


class Wordless(ValueError):
    def __str__(self):
        raise SystemExit("its text")


def wordless():
    raise Wordless


DEEDS = {
    "quiet": int,
    "wordless": wordless,
    "exit": lambda: os._exit(0),
    "exit7": lambda: os._exit(7),
    "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "thread": thread,
    "process": process,
    "fork": fork,
    "deaf": deaf,
}
"""
CONFIG = '[[model]]\nname = "nets:Rude@how=exit"\n'
SILENT = "cnnbench: no answer: "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "cnnbench.toml").write_text(CONFIG)
    return tmp_path


def begun(*arguments: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cnnbench", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("line", "how"),
    [
        pytest.param(["flops", "nets:Rude@how=exit7,at=build"], "with exit code 7", marks=costly),
        pytest.param(["check"], "with exit code 0", marks=costly),
        (["time", "nets:Rude@how=segfault"], "SIGSEGV"),
        (["flops", "lenet5", "nets.py:Rude@how=kill"], "where memory runs out"),
    ],
)
def test_silence_is_no_success(line: list[str], how: str, folder: Path) -> None:
    if line[0] == "check":
        (folder / "cnnbench.toml").write_text('[[model]]\nname = "lenet5"\n')
        assert process("baseline", cwd=folder, PYTHONPATH=str(ROOT)).returncode == 0
        (folder / "cnnbench.toml").write_text(f'[[model]]\nname = "lenet5"\n{CONFIG}')
    done = process(*line, cwd=folder, PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(SILENT) and done.stderr.count("\n") == 1 and how in done.stderr


def test_a_signal_without_a_name_has_a_number() -> None:
    assert "signal 40 ended the process" in _silence(-40)


@pytest.mark.parametrize(
    "how", ["process", *(pytest.param(how, marks=costly) for how in ("thread", "fork"))]
)
def test_it_ends_when_its_work_is_done(how: str, folder: Path) -> None:
    """Whatever threads, processes and handlers of its end a network has left."""
    done = process("flops", f"nets:Rude@how={how}", cwd=folder, PYTHONPATH=str(ROOT))
    assert done.returncode == 0 and done.stdout.count("nets:Rude@how") == 2  # a row and its note


def test_an_error_without_words_is_one_line(folder: Path) -> None:
    done = command("flops", "nets:Rude@how=wordless", cwd=folder)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "Wordless: it says no more" in done.stderr


def test_what_heeds_no_ctrl_c_is_ended_by_the_second(folder: Path) -> None:
    at_work = begun("flops", "nets:Rude@how=deaf", cwd=folder)
    wait_for(at_work, (folder / "deaf").exists)
    below = family(at_work.pid)[1:]
    at_work.send_signal(signal.SIGINT)
    while at_work.poll() is None:
        time.sleep(1.5)
        at_work.send_signal(signal.SIGINT)
    assert at_work.communicate(timeout=SECONDS) == ("", "cnnbench: interrupted\n")
    assert at_work.returncode == 130 and below and not running(below)


@pytest.mark.parametrize(("number", "together"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_who_waits_hands_a_signal_on(number: signal.Signals, together: bool, folder: Path) -> None:
    """As a terminal gives it to both, or a CI server to the one that it has begun."""
    line = ("time", "nets:Rude@how=quiet", "lenet5", "--max-time", "1000", "--precision", "0.01%")
    at_work = begun(*line, cwd=folder)
    wait_for_torch(at_work)
    (os.killpg if together else os.kill)(at_work.pid, number)
    _, errors = at_work.communicate(timeout=SECONDS)
    assert (at_work.returncode, errors) == (130, "cnnbench: interrupted\n")


@needs_workers
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere they look for their parent")
@pytest.mark.parametrize("early", [True, False])
def test_processes_of_a_killed_sweep_go_with_it(early: bool, tmp_path: Path) -> None:
    """While they import, and while they count."""
    batches = ",".join(map(str, range(1, 200)))
    line = ("--models", "mobilenet_v2", "--batch", batches, "--static", "--output", "run")
    at_work = begun("sweep", *line, cwd=tmp_path)
    if early:
        wait_for(at_work, lambda: len(family(at_work.pid)) > 3)
    else:
        wait_for(at_work, (tmp_path / "run" / "records.jsonl").exists)
    below = family(at_work.pid)[1:]
    at_work.kill()
    at_work.wait()
    until = time.monotonic() + SECONDS
    while running(below) and time.monotonic() < until:
        time.sleep(0.02)
    assert below and not running(below)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("cnnbench flops nope 2>&-", 2),
        ("cnnbench flops lenet5 >/dev/full 2>&1", 2),
        *(
            pytest.param(*more, marks=costly)
            for more in (
                ("cnnbench flops nets:Rude@how=exit 2>&-", 2),
                ("cnnbench flops lenet5 <&- 2>&- | grep -q 'lenet5'", 0),
                ("cnnbench flops lenet5@foo=1 --debug 2>/dev/full", 2),
            )
        ),
    ],
)
def test_an_error_that_nobody_reads_keeps_its_code(line: str, code: int, folder: Path) -> None:
    done = shell(line, folder)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


INTERRUPTED_AT_THE_END = """
import os, signal, sys, cnnbench.cli as cli, cnnbench.cli.process as process
flush = sys.stdout.flush
def interrupted():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(os.getpid(), number)
    flush()
run = cli.run
def done(arguments):
    code = run(arguments)
    sys.stdout.flush = interrupted
    return code
cli.run = done
cli.main()
"""


def test_a_signal_at_the_end_changes_nothing(folder: Path) -> None:
    done = python("-c", INTERRUPTED_AT_THE_END, "flops", "lenet5", cwd=folder, PYTHONPATH=str(ROOT))
    assert done.returncode == 0 and "lenet5" in done.stdout and done.stderr == ""


NO_MORE_PROCESSES = """
import os, cnnbench.cli as cli
def fork():
    raise BlockingIOError(11, "Resource temporarily unavailable")
os.fork = fork
cli.main()
"""


def test_where_no_process_can_be_begun_nobody_waits(folder: Path) -> None:
    line = ("flops", "nets:Rude@how=quiet")
    done = python("-c", NO_MORE_PROCESSES, *line, cwd=folder, PYTHONPATH=str(ROOT))
    assert done.returncode == 0 and done.stdout and done.stderr == ""


def test_streams_that_were_closed_are_there_for_what_is_begun() -> None:
    script = (
        "import subprocess, sys; from cnnbench.cli.process import open_streams; open_streams();"
        "print(subprocess.run(['sh', '-c', 'echo x >&2; cat']).returncode)"
    )
    line = f'{sys.executable} -c "{script}" <&- 2>&-'
    done = shell(line, ROOT)
    assert (done.returncode, done.stdout) == (0, "0\n")


@pytest.mark.parametrize("arguments", ["flops lenet5", "check"])
def test_a_folder_that_is_gone_is_one_line(arguments: str, tmp_path: Path) -> None:
    done = shell(f"mkdir x && cd x && rmdir ../x && exec cnnbench {arguments}", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "cnnbench: this folder is no longer there; change to one that is\n"
