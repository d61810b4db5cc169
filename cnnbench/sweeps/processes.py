"""Processes of a sweep's own, which end with it: also where it was killed."""

from __future__ import annotations

import os
import signal
import traceback
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

from cnnbench.lineage import end_with

T = TypeVar("T")
Given = TypeVar("Given")

ENDED = (
    "its process ended before it had answered: its code may end it, or the system where memory "
    "runs out"
)
_GIVEN = 2  # pieces that a worker has: the one it is at, and the next
_AHEAD = 8  # pieces of each worker that may wait for one before them


def each(
    work: Callable[[Given], T], of: Sequence[Given], workers: int
) -> Generator[tuple[Given, T | None], None, None]:
    """Each piece with what `work` answers, in their order, by so many processes.

    A piece whose process ends is tried once more, in the one process that takes its place, while
    the others rest: it may have been killed for the memory of them all. None where that ends too.
    """
    crew = [_Worker(work) for _ in range(workers)]
    left, again, tried = deque(range(len(of))), deque[tuple[_Worker[Given, T], int]](), set[int]()
    found: dict[int, T | None] = {}
    try:
        for at, piece in enumerate(of):
            while at not in found:
                if not again:
                    _hand_out(of, left, crew, until=at + _AHEAD * workers)
                elif not any(worker.has for worker in crew):
                    fresh, suspect = again.popleft()
                    fresh.give(suspect, of[suspect])
                for worker in _ready(crew):
                    try:
                        answer = worker.answer()
                    except (EOFError, OSError):
                        suspect, *others = worker.has
                        left.extendleft(reversed(others))
                        worker.end()
                        fresh = crew[crew.index(worker)] = _Worker(work)
                        if suspect in tried:
                            found[suspect] = None
                        else:
                            tried.add(suspect)
                            again.append((fresh, suspect))
                    else:
                        found[worker.has.popleft()] = answer
            yield piece, found.pop(at)
    finally:
        for worker in crew:
            worker.end()


class _Worker(Generic[Given, T]):
    """A process that answers one piece after the other."""

    def __init__(self, work: Callable[[Given], T]) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.has: deque[int] = deque()  # which it was given and has not answered yet
        self._process = context.Process(target=_answer_each, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        with suppress(OSError):  # it has ended, which is met where it should answer
            self.connection.send(work)

    def give(self, number: int, piece: Given) -> None:
        """Let it work on one more; that it has ended is met where it should answer."""
        self.has.append(number)
        with suppress(OSError):
            self.connection.send(piece)

    def answer(self) -> T:
        """The answer to its first task; EOFError or OSError where the process has ended."""
        found = self.connection.recv()
        if isinstance(found, Exception):
            raise found
        answer: T = found
        return answer

    def end(self) -> None:
        """End its process, whatever it is at."""
        self._process.terminate()
        self._process.join()
        self.connection.close()


def _hand_out(
    of: Sequence[Given], left: deque[int], crew: Sequence[_Worker[Given, T]], until: int
) -> None:
    """Give each worker what it may have, first the one that has least."""
    for worker in sorted(crew, key=lambda worker: len(worker.has)):
        while left and left[0] < until and len(worker.has) < _GIVEN:
            number = left.popleft()
            worker.give(number, of[number])


def _ready(crew: Sequence[_Worker[Given, T]]) -> list[_Worker[Given, T]]:
    """Workers that have answered, or have ended."""
    answering = wait([worker.connection for worker in crew if worker.has])
    return [worker for worker in crew if worker.connection in answering]


def _answer_each(connection: Connection) -> None:
    """Answer each message. The first is the work, whose import may take a second."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the parent's to hear
    parent = parent_process()
    if parent is not None and parent.pid is not None:
        end_with(parent.pid, parent.join)
    process = os.getpid()
    try:
        work: Callable[[Any], Any] = connection.recv()
        while True:
            piece = connection.recv()
            try:
                answer = work(piece)
            except Exception as error:
                error.add_note(traceback.format_exc())  # where it was raised, which is not sent
                answer = error
            if os.getpid() != process:
                return  # a copy that a network has made would take pieces from us
            connection.send(answer)
    finally:  # also of a copy, and by what a network raises to end the process
        os._exit(1)
