"""A worker as the parent sees it; each network in it is an entry of rounds like any other."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from cnnbench.devices.passes import Passes
from cnnbench.errors import InputError, reason_of
from cnnbench.timing.by_layer.by_operator import TIMED, Medians
from cnnbench.timing.by_layer.onednn import Reorders
from cnnbench.timing.by_layer.threads import Threads
from cnnbench.timing.workers.order import Job, Order
from cnnbench.timing.workers.process import begin
from cnnbench.timing.workers.worker import END

_PATIENCE_S = 5.0
_LOOK_S = 1.0  # after which to look whether a worker that is silent still runs


class WorkerError(InputError):
    """What went wrong in a worker, in one line.

    `missing`: there is no such network; `short`: of memory; `ended`: the process has ended.
    """

    def __init__(
        self, reason: str, *, missing: bool = False, short: bool = False, ended: bool = False
    ) -> None:
        """`reason` is one line."""
        super().__init__(reason)
        self.missing, self.short, self.ended = missing, short, ended


class Remote:
    """A process that runs networks; `where` stands before what it says is wrong."""

    def __init__(self, order: Order, where: str = "") -> None:
        """Start it; it imports torch meanwhile."""
        self._where = where
        self._gently = order.origin is not None
        self._waiting = False  # for an answer
        self._running = "it"  # the network that it is at
        begun = begin(order)
        self._process, self._errors = begun.process, begun.errors
        self._write(order.line())

    def begin(self, job: Job) -> None:
        """Let it build a network; `ready` waits for that."""
        self._running = job.model
        self._tell({"prepare": asdict(job)})

    def ready(self) -> RemoteEntry:
        """The network that it was told to build; WorkerError where it cannot be built or run."""
        return RemoteEntry(self, **self.answer())

    def prepare(self, job: Job) -> RemoteEntry:
        """Build a network, and wait for it."""
        self.begin(job)
        return self.ready()

    def ask(self, model: str, **question: Any) -> dict[str, Any]:
        """Ask something of a network, and wait for the answer."""
        self._running = model
        self._tell(question)
        return self.answer()

    def close(self) -> None:
        """End it and all that it began, gently where it may have something to remove."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        self._tell(END)
        with contextlib.suppress(OSError):
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S if self._gently else 0.0)
        _kill_group(process)
        process.wait()
        process.stdout.close()
        self._errors.close()

    def _tell(self, question: dict[str, Any]) -> None:
        self._write(json.dumps(question))

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it has died, as its answer will say
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The next answer; WorkerError where it is that something went wrong.

        Whoever was interrupted while it waited gets none anymore: it would be another question's.
        """
        if self._waiting:
            raise WorkerError(self._said("it was interrupted"), ended=True)
        self._waiting = True
        line = self._line()
        self._waiting = False
        if not line.endswith(b"\n"):  # it was killed as it wrote
            reason = f"{self._running} ended the process: {self._last_words()}"
            raise WorkerError(self._said(reason), ended=True)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(self._said(answer.pop("error")), **answer)
        return answer

    def _line(self) -> bytes:
        """Wait for a line; nothing where the process has ended, whoever may hold its pipe."""
        pipe = self._process.stdout
        assert pipe is not None
        if sys.platform != "win32":  # where select knows sockets alone
            while not select.select([pipe], [], [], _LOOK_S)[0]:
                if self._process.poll() is not None:
                    return b""
        return pipe.readline()

    def _said(self, reason: str) -> str:
        return f"{self._where}: {reason}" if self._where else reason

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        if lines:
            return reason_of(InputError(lines[-1]))
        names = {-one: one.name for one in signal.Signals}
        return names.get(code, f"exit code {code}")


@dataclass
class RemoteEntry:
    """A network in a worker, with what the worker says of it: `Prepared`, seen from afar."""

    remote: Remote
    entry: int
    model: str
    dtype: str
    cost: dict[str, Any]
    trace: dict[str, Any] | None
    warnings: list[dict[str, Any]]
    ran: dict[str, Any]
    held_bytes: int = 0
    watched: bool = False

    def seconds(self, repeats: int, counts: bool = True) -> float:
        """Seconds of so many passes, `watched` by operator; WorkerError where one fails."""
        watched = self.watched
        found = self.remote.ask(
            self.model, entry=self.entry, repeats=repeats, counts=counts, watched=watched
        )
        return float(found["seconds"])

    def passes(self) -> Passes:
        """What its passes so far took beside time."""
        return Passes(**self.remote.ask(self.model, passes=self.entry))

    def operators(self) -> Medians:
        """Each operator and its median seconds in the watched passes so far."""
        return TIMED.validate_python(self.remote.ask(self.model, operators=self.entry)["operators"])

    def reorders(self) -> Reorders | None:
        """What oneDNN spends on layouts in a pass; None where it does not run."""
        found = self.remote.ask(self.model, reorders=self.entry)["reorders"]
        return None if found is None else Reorders(**found)

    def threads(self) -> Threads | None:
        """What tells how long threads waited in a pass; None where nothing does."""
        found = self.remote.ask(self.model, threads=self.entry)["threads"]
        return None if found is None else Threads(**found)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process, and those that a network in it has begun and that may outlive it.

    It leads a session of its own, whose number no other process has while one of them runs.
    """
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def started(orders: Sequence[Order], where: Sequence[str]) -> Iterator[list[Remote]]:
    """Workers, ended afterwards."""
    remotes: list[Remote] = []
    try:
        for order, name in zip(orders, where, strict=True):
            remotes.append(Remote(order, name))
        yield remotes
    finally:
        for remote in remotes:
            remote.close()
