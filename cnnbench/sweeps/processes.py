"""Processes of a sweep's own, which end with it: also where it was killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from cnnbench.errors import CnnbenchError, MemoryShortage

T = TypeVar("T")

_ENDED = "its process ended before it had answered, as where the system kills it for its memory"


def pool(workers: int, begin: Callable[[Any], None], given: Any) -> ProcessPoolExecutor:
    """So many processes, each of which begins by `begin(given)`."""
    return ProcessPoolExecutor(workers, get_context("spawn"), _ready, (begin, given))


def alone(work: Callable[..., T], *given: Any) -> T:
    """Work in a process of its own, which Ctrl-C ends. MemoryShortage where it is killed."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(theirs, work, given), daemon=True)
    process.start()
    theirs.close()
    try:
        found = ours.recv()
    except EOFError as error:
        raise MemoryShortage(_ENDED) from error
    finally:
        process.terminate()
        process.join()
    if isinstance(found, CnnbenchError):
        raise found
    answer: T = found
    return answer


def _answer(to: Connection, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
    _ready(lambda _: None, None)
    try:
        to.send(work(*given))
    except CnnbenchError as error:
        to.send(error)


def _ready(begin: Callable[[Any], None], given: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is its parent's to hear
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin(given)


def _end_with_parent() -> None:
    """A pool's process whose parent was killed would wait for work for ever."""
    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)
