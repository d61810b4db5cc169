"""A command's process: its streams, who waits for its answer, and its end.

A network's code may end the process that it runs in, with any exit code or by a signal. So where
somebody else's network may run, a parent waits for the command's own code, and says so where none
comes.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from cnnbench.harmless import message
from cnnbench.lineage import end_with
from cnnbench.models import lookup

INTERRUPTED = 130  # as shells have it: 128 + SIGINT
_READ_ELSEWHERE = {"baseline", "check", "sweep"}  # their files name networks
_PATIENCE_S = 1.0  # after which a second Ctrl-C ends what heeds none
_answers: int | None = None  # the parent's end of a pipe, where one waits


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
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as long as the process


def complain(text: str, code: int) -> int:
    """Say on stderr what is wrong, in one line; return the code, whoever can read it."""
    with suppress(OSError, ValueError):  # stderr is a full disk, or closed
        print(f"cnnbench: {message(text)}", file=sys.stderr, flush=True)
    return code


def end(code: int) -> NoReturn:
    """End the process with its code, whatever threads and processes a network has left."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    if (processes := sys.modules.get("multiprocessing")) is not None:
        for left in processes.active_children():
            left.terminate()
    if _answers is not None:
        with suppress(OSError):
            os.write(_answers, bytes([code]))
    os._exit(code)


def attend(words: Sequence[str]) -> None:
    """Go on in a child where others' code may run; the parent waits, and ends as the child does."""
    global _answers
    if not (hasattr(os, "fork") and _may_run_others(words)):
        return
    heeded = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    reads, writes = os.pipe()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, heeded)
    child = os.fork()
    if child:
        os.close(writes)
        _Parent(child, reads).wait(heeded)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, heeded)
    os.close(reads)
    end_with(parent)
    _answers = writes


def _may_run_others(words: Sequence[str]) -> bool:
    """Whether a word may name a network that is not ours; one too many costs a millisecond."""
    command, *rest = words or ("",)
    if command in _READ_ELSEWHERE:
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

    def wait(self, heeded: set[signal.Signals]) -> NoReturn:
        """End as the child does; with exit code 2 and a line where it had not answered."""
        for number in heeded:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._hand_on)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, heeded)
        _, status = os.waitpid(self._child, 0)
        os.set_blocking(self._answers, False)  # what a network has begun may hold it open
        with suppress(BlockingIOError):
            if answer := os.read(self._answers, 1):
                os._exit(answer[0])
        if os.isatty(2):
            os.write(2, b"\x1b[?25h")  # the cursor, which a progress bar hides
        if self._interrupted:
            os._exit(complain("interrupted", INTERRUPTED))
        os._exit(complain(_silence(os.waitstatus_to_exitcode(status)), 2))

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
        name = signal.Signals(-code).name
        how = f"{name} ended the process, as a network's code may"
        how += ", or the system where memory runs out" if name == "SIGKILL" else ""
    return f"no answer: {how}; nothing can be told"
