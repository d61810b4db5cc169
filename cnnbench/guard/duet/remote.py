"""A worker as the parent sees it: an entry of rounds like any other, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cnnbench
from cnnbench.errors import InputError, reason_of
from cnnbench.guard.costs import Layer
from cnnbench.guard.duet.worker import END, Order

# cnnbench is found as it was here, and last, so that no revision's modules are hidden by it.
_START = "import sys; sys.path.append({!r}); from cnnbench.guard.duet.worker import main; main()"
_HOME = str(Path(cnnbench.__file__).parents[1])
_PATIENCE_S = 5.0


class WorkerError(InputError):
    """What went wrong in a worker; `new` tells that the base has no such network."""

    def __init__(self, reason: str, *, base: bool, missing: bool = False) -> None:
        """`reason` is one line."""
        super().__init__(f"at the base: {reason}" if base else reason)
        self.new = base and missing


class Remote:
    """A process that builds one revision's network; `ready` waits until it has."""

    def __init__(self, order: Order) -> None:
        """Start it."""
        self.base = order.other is not None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the process)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-c", _START.format(_HOME)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=order.folder,
            start_new_session=True,  # what ends a whole group leaves it, to clean up
            env={**os.environ, **_bound(order.cores)},
        )
        self._tell(asdict(order))
        self.layers: list[Layer] = []

    def ready(self) -> None:
        """Wait for the network; WorkerError where it cannot be built or run."""
        self.layers = [Layer(**layer) for layer in self._answer()["layers"]]

    def seconds(self, repeats: int, counts: bool = True, *, watched: bool = False) -> float:
        """Seconds of so many passes, `watched` by operator; WorkerError where one fails."""
        self._tell({"repeats": repeats, "counts": counts, "watched": watched})
        return float(self._answer()["seconds"])

    def seconds_of_layers(self) -> dict[str, float]:
        """Median seconds of each layer in the watched passes so far, by its name."""
        self._tell({"seconds_of_layers": True})
        found: dict[str, float] = self._answer()["seconds"]
        return found

    def close(self) -> None:
        """End it, gently at first: it may have something to remove."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._tell(END)
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

    def _tell(self, order: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has died, as its answer will say
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"it ended the process: {self._last_words()}", base=self.base)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            missing = answer.get("missing", False)
            raise WorkerError(answer["error"], base=self.base, missing=missing)
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        return reason_of(InputError(lines[-1])) if lines else f"exit code {code}"


def _bound(cores: Sequence[int]) -> dict[str, str]:
    """What makes OpenMP bind its threads to those cores, in their order; nothing for none."""
    if not cores:
        return {}
    return {"OMP_PROC_BIND": "true", "OMP_PLACES": ",".join(f"{{{core}}}" for core in cores)}


class RemoteByOperator:
    """The same process, timed operator by operator."""

    def __init__(self, remote: Remote) -> None:
        """`remote` is ready."""
        self._remote = remote

    def seconds(self, repeats: int, counts: bool = True) -> float:
        """Seconds of its operators."""
        return self._remote.seconds(repeats, counts, watched=True)


@contextmanager
def started(orders: Sequence[Order]) -> Iterator[list[Remote]]:
    """Processes that are ready, ended afterwards."""
    remotes: list[Remote] = []
    try:
        for order in orders:
            remotes.append(Remote(order))
        for remote in sorted(remotes, key=lambda remote: remote.base):
            remote.ready()  # what the head cannot do is nothing to ask of the base
        yield remotes
    finally:
        for remote in remotes:
            remote.close()
