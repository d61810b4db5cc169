"""A worker as the parent sees it; each network in it is an entry of rounds like any other."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from cnnbench.counting.cost import OpCost
from cnnbench.errors import InputError, reason_of
from cnnbench.timing.layers import TIMED
from cnnbench.timing.setting import Setting
from cnnbench.timing.workers.order import Job, Order
from cnnbench.timing.workers.process import begin
from cnnbench.timing.workers.worker import END

_PATIENCE_S = 5.0


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
        begun = begin(order)
        self._process, self._errors = begun.process, begun.errors
        self._write(order.line())

    def begin(self, job: Job) -> None:
        """Let it build a network; `ready` waits for that."""
        self._tell({"prepare": asdict(job)})

    def ready(self, job: Job) -> RemoteEntry:
        """The network that it was told to build; WorkerError where it cannot be built or run."""
        return RemoteEntry(self, job.setting, **self.answer())

    def prepare(self, job: Job) -> RemoteEntry:
        """Build a network, and wait for it."""
        self.begin(job)
        return self.ready(job)

    def ask(self, **question: Any) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        self._tell(question)
        return self.answer()

    def close(self) -> None:
        """End it, gently where it may have something to remove."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self._gently:
            self._tell(END)
        else:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._process.stdout.close()
            self._errors.close()

    def _tell(self, question: dict[str, Any]) -> None:
        self._write(json.dumps(question))

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died, as its answer will say
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The next answer; WorkerError where it is that something went wrong."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            reason = f"it ended the process: {self._last_words()}"
            raise WorkerError(self._said(reason), ended=True)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(self._said(answer.pop("error")), **answer)
        return answer

    def _said(self, reason: str) -> str:
        return f"{self._where}: {reason}" if self._where else reason

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return reason_of(InputError(lines[-1])) if lines else f"exit code {code}"


@dataclass
class RemoteEntry:
    """A network in a worker, with what the worker says of it: `Prepared`, seen from afar."""

    remote: Remote
    setting: Setting
    entry: int
    model: str
    dtype: str
    cost: dict[str, Any]
    trace: dict[str, Any] | None
    warnings: list[dict[str, Any]]
    held_bytes: int = 0
    watched: bool = field(default=False)

    def seconds(self, repeats: int, counts: bool = True) -> float:
        """Seconds of so many passes, `watched` by operator; WorkerError where one fails."""
        watched = self.watched
        found = self.remote.ask(entry=self.entry, repeats=repeats, counts=counts, watched=watched)
        return float(found["seconds"])

    def operators(self) -> list[tuple[OpCost, float]]:
        """Each operator and its median seconds in the watched passes so far."""
        return TIMED.validate_python(self.remote.ask(operators=self.entry)["operators"])


@contextmanager
def started(orders: Sequence[Order], where: Sequence[str] = ()) -> Iterator[list[Remote]]:
    """Workers, ended afterwards."""
    remotes: list[Remote] = []
    try:
        for order, name in zip(orders, where or [""] * len(orders), strict=True):
            remotes.append(Remote(order, name))
        yield remotes
    finally:
        for remote in remotes:
            remote.close()
