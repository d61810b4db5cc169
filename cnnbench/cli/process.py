"""A command's process: its streams, who waits for its answer, and its end.

A network's code may end the process that it runs in, with any exit code or by a signal. So where
somebody else's network may run, a parent waits for the command's own code. It says so where none
comes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from cnnbench.harmless import line, message
from cnnbench.lineage import end_with
from cnnbench.models import lookup
from cnnbench.timing.preparing.run_folder import remove_run_folder
from cnnbench.timing.workers.process import end_early

INTERRUPTED = 130  # as shells have it: 128 + SIGINT
HEEDED = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a CI's cancel, a closed terminal
    if hasattr(signal, name)
]
_NAME_MODELS_IN_FILES = {"baseline", "check", "sweep"}
_PATIENCE_S = 1.0  # after which a second Ctrl-C ends what heeds none
_answers: tuple[int, int] | None = None  # where one waits: this process, and a pipe to the parent


def open_streams() -> None:
    """Give the standard streams that are closed somewhere to go, or a file would take their place.

    Python's own stdout stays None.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != descriptor:
                os.dup2(nothing, descriptor)
                os.close(nothing)
            os.set_inheritable(descriptor, True)  # git and workers have it, too
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as long as the process


def complain(text: str, code: int) -> int:
    """Say on stderr what is wrong, in one line; return the code, whoever can read it."""
    with suppress(OSError, ValueError):  # stderr is a full disk, or closed
        print(f"cnnbench: {message(text)}", file=sys.stderr, flush=True)
    return code


def print_trace(error: BaseException) -> None:
    """Print a traceback, which quotes somebody's code and names."""
    with suppress(OSError, ValueError):
        for text in "".join(traceback.format_exception(error)).splitlines():
            print(line(text), file=sys.stderr, flush=True)


def end(code: int) -> NoReturn:
    """End the process with its code, whatever threads and processes a network has left."""
    try:
        for number in HEEDED:
            signal.signal(number, signal.SIG_IGN)  # there is nothing left to interrupt
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        end_early()
        remove_run_folder()
        if is_attended():
            _end_children()
            os.write(_answers[1], bytes([code]))  # type: ignore[index]
    finally:
        os._exit(code)


def _end_children() -> None:
    """End what a network has begun: it may hold a pipe open that somebody reads to its end."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            child.kill()


def is_attended() -> bool:
    """Whether a parent waits for this process, and not for one that a network has made of it."""
    return _answers is not None and _answers[0] == os.getpid()


def attend(words: Sequence[str]) -> None:
    """Go on in a child where others' code may run; the parent waits, and ends as the child does.

    In the child signals are blocked until it heeds them.
    """
    global _answers
    if not (hasattr(os, "fork") and _may_run_others(words)):
        return
    parent = os.getpid()
    answers, answer = os.pipe()
    alive, life = os.pipe()  # it ends where the parent does
    signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)
    try:
        child = os.fork()
    except OSError:  # no more processes may be begun: then nobody waits
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
        for descriptor in (answers, answer, alive, life):
            os.close(descriptor)
        return
    if child:
        os.close(answer)
        _Parent(child, answers).wait()
    os.close(answers)
    os.close(life)
    end_with(parent, lambda: os.read(alive, 1))
    _answers = (os.getpid(), answer)


def _may_run_others(words: Sequence[str]) -> bool:
    """Whether a word may name a network that is not ours; one too many costs a millisecond."""
    command, *rest = words or ("",)
    if command in _NAME_MODELS_IN_FILES:
        return True
    values = (word.partition("=")[2] if word.startswith("-") else word for word in rest)
    return any(value and not lookup.knows(value.partition("@")[0]) for value in values)


class _Parent:
    """Waits for a child's answer, and hands on the signals it gets."""

    def __init__(self, child: int, answers: int) -> None:
        """`answers` is where the child writes its code."""
        self._child = child
        self._answers = answers
        self._interrupted = 0.0

    def wait(self) -> NoReturn:
        """End as the child does; with exit code 2 and a line where it had not answered."""
        code = 2
        try:
            for number in HEEDED:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                    signal.signal(number, self._hand_on)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
            _, status = os.waitpid(self._child, 0)
            code = self._answered(status)
        finally:
            os._exit(code)

    def _answered(self, status: int) -> int:
        os.set_blocking(self._answers, False)  # what a network has begun may hold it open
        with suppress(BlockingIOError):
            if answer := os.read(self._answers, 1):
                return answer[0]
        if os.isatty(2):
            os.write(2, b"\x1b[?25h")  # the cursor, which a progress bar hides
        if self._interrupted:
            return complain("interrupted", INTERRUPTED)
        return complain(_silence(os.waitstatus_to_exitcode(status)), 2)

    def _hand_on(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        deaf = self._interrupted and now - self._interrupted > _PATIENCE_S
        self._interrupted = self._interrupted or now
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL if deaf else number)


def _silence(code: int) -> str:
    """Why there is no answer."""
    if code >= 0:
        how = f"a network's code ended the process, with exit code {code}"
    else:
        known = {one.value: one.name for one in signal.Signals}
        name = known.get(-code, f"signal {-code}")
        how = f"{name} ended the process, as a network's code may"
        how += ", or the system where memory runs out" if name == "SIGKILL" else ""
    return f"no answer: {how}; nothing can be told"
