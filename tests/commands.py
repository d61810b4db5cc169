"""The command line as a person types it: in this process for speed, or as a process of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import sysconfig
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from types import ModuleType
from typing import IO, Any

import psutil
import torch

from cnnbench.cli import run

ROOT = Path(__file__).parents[1]
PLAIN = {"COLUMNS": "120", "NO_COLOR": "1"}
SECONDS = 600.0  # that a process may take, which on a busy machine is far more than it needs
_KEPT = tuple({*map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), str(ROOT)})
_UNSEEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)

Done = subprocess.CompletedProcess[str]


def command(*arguments: str, cwd: Path = ROOT, **environment: str) -> Done:
    """Run `cnnbench …` without a terminal and without colour, as if in a process of its own."""
    with alone(cwd, {**PLAIN, **environment}):
        code, out, err = captured(lambda: run(arguments))
    return subprocess.CompletedProcess(["cnnbench", *arguments], code, out, err)


def process(*arguments: str, cwd: Path = ROOT, **environment: str) -> Done:
    """Run `cnnbench …` as a process of its own, where that is the point."""
    return python("-m", "cnnbench", *arguments, cwd=cwd, **environment)


def python(*arguments: str, cwd: Path = ROOT, **environment: str) -> Done:
    """Run Python in a process of its own, without a terminal and without colour."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **PLAIN, **environment},
        timeout=SECONDS,
    )


def shell(line: str, cwd: Path) -> Done:
    """Run a line in bash, in which `cnnbench` is ours."""
    paths = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        ["bash", "-c", line],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, **paths},
        errors="replace",
        timeout=SECONDS,
    )


_TOGETHER = """
import json, sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from cnnbench.cli import run
for line in json.loads(sys.stdin.read()):
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(line)
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


def together(lines: list[list[str]], cwd: Path, **environment: str) -> list[Done]:
    """Run several `cnnbench …` one after the other in one process of their own."""
    done = subprocess.run(
        [sys.executable, "-c", _TOGETHER],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    answers = map(json.loads, done.stdout.splitlines())
    return [Done(line, *answer) for line, answer in zip(lines, answers, strict=True)]


def wait_for(process: subprocess.Popen[Any], done: Callable[[], bool]) -> None:
    """Wait until a process has done something; it must not end before."""
    until = time.monotonic() + SECONDS
    while not done():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.02)


def wait_for_torch(process: subprocess.Popen[Any]) -> None:
    """Wait until a process imports torch: its handlers of signals are there by then."""
    maps = Path(f"/proc/{process.pid}/maps")
    if maps.exists():
        wait_for(process, lambda: any("libtorch" in _maps(one) for one in family(process.pid)))
    else:  # a system without /proc
        time.sleep(3)


def family(pid: int) -> list[int]:
    """A process and all that it has begun and that still run."""
    try:
        process = psutil.Process(pid)
        found = [process, *process.children(recursive=True)]
        return [one.pid for one in found if one.status() != psutil.STATUS_ZOMBIE]
    except psutil.NoSuchProcess:
        return []


def running(pids: list[int]) -> list[int]:
    """Processes that still run; one that nobody has buried does not."""
    return [pid for pid in pids if family(pid)[:1] == [pid]]


def _maps(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:  # it has ended
        return ""


@contextmanager
def alone(cwd: Path, environment: dict[str, str]) -> Iterator[None]:
    """Change to a folder and an environment; all that a process would take along is put back."""
    before, variables, path = Path.cwd(), dict(os.environ), list(sys.path)
    theirs, threads = _taken_out(), torch.get_num_threads()
    os.chdir(cwd)
    os.environ.update(environment)
    try:
        yield
    finally:
        os.chdir(before)
        os.environ.clear()
        os.environ.update(variables)
        sys.path[:] = path
        _taken_out()
        sys.modules.update(theirs)
        torch.set_num_threads(threads)


def _taken_out() -> dict[str, ModuleType]:
    """Modules that are networks of a test, which others may have by the same name."""
    files = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    theirs = [name for name, file in files.items() if file and not file.startswith(_KEPT)]
    return {name: sys.modules.pop(name) for name in theirs}


def captured(work: Callable[[], int]) -> tuple[int, str, str]:
    """What it returns and what it writes, by Python or not, to standard output and to error."""
    with ExitStack() as stack:
        out, err = (stack.enter_context(TemporaryFile()) for _ in range(2))
        stack.enter_context(_written("stdout", 1, out))
        stack.enter_context(_written("stderr", 2, err))
        stack.enter_context(_warned())
        code = work()
        sys.stdout.flush()
        sys.stderr.flush()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return code, *texts


@contextmanager
def _written(name: str, descriptor: int, file: IO[bytes]) -> Iterator[None]:
    before, stream = os.dup(descriptor), getattr(sys, name)
    stream.flush()
    os.dup2(file.fileno(), descriptor)
    ours = io.TextIOWrapper(os.fdopen(descriptor, "wb", closefd=False), encoding="utf-8")
    setattr(sys, name, ours)
    try:
        yield
    finally:
        getattr(sys, name).flush()
        setattr(sys, name, stream)
        os.dup2(before, descriptor)
        os.close(before)


@contextmanager
def _warned() -> Iterator[None]:
    """Warnings go to standard error, as Python has it by default, and not into pytest's list."""

    def show(*what: Any, **more: Any) -> None:
        sys.stderr.write(warnings.formatwarning(*what[:4]))

    with warnings.catch_warnings():
        warnings.resetwarnings()
        for quiet in (
            DeprecationWarning,
            PendingDeprecationWarning,
            ImportWarning,
            ResourceWarning,
        ):
            warnings.simplefilter("ignore", quiet)
        warnings.showwarning = show
        yield
