"""The process of a worker: begun at once, or early, so that it imports torch while its parent does.

Needs no torch.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cnnbench.timing.workers.conditions import conditions
from cnnbench.timing.workers.order import Order

if TYPE_CHECKING:
    import subprocess

# cnnbench is found as it was here, and last, so that no revision's modules are hidden by it.
_START = (
    "import sys; sys.path.append({!r}); from cnnbench.timing.workers.worker import main; main({})"
)
HOME = str(Path(__file__).parents[3])


@dataclass(frozen=True)
class Begun:
    """A process that waits for its order, and the file that its stderr goes to."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]


_early: list[Begun] = []


def begin_early() -> None:
    """Begin a worker of this folder that an order to come will find; one is enough."""
    if not _early:
        _early.append(_begin(os.getcwd(), conditions(), early=True))


def end_early() -> None:
    """End the worker that was begun early, and that no order came for."""
    while _early:
        _early.pop().process.kill()


def begin(order: Order) -> Begun:
    """A process for this order: the one that was begun early, where it is like that."""
    usual = order.pinned and not (order.cores or order.origin)
    if usual and _early and order.folder == os.getcwd():
        return _early.pop()
    more = conditions(order.cores, pinned=order.pinned)
    return _begin(order.folder, more, early=usual, compiled=order.origin is None)


def _begin(folder: str, more: dict[str, str], *, early: bool, compiled: bool = True) -> Begun:
    """A process in a folder, with more variables; without `compiled` it leaves no bytecode."""
    import subprocess  # which no command needs that times nothing
    import tempfile

    errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
    process = subprocess.Popen(
        [sys.executable, "-P", *([] if compiled else ["-B"]), "-c", _START.format(HOME, early)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=folder,
        start_new_session=True,  # what ends a whole group leaves it, to clean up
        env={**os.environ, **more},
    )
    return Begun(process, errors)
