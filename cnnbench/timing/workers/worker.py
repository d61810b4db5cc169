"""A worker's process: it builds networks and times them when asked.

It reads one JSON line a question from stdin and answers with one; what a network's code prints
goes to stderr, and what it reads is empty. It ends when stdin does, so that no worker outlives who
asked; where that happens before it is told to, who asked was killed, and the worker removes its
revision's files.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import IO, Any

from cnnbench.errors import CnnbenchError, MemoryShortage, MissingError
from cnnbench.lineage import end_with
from cnnbench.models.nesting import room
from cnnbench.timing.preparing.run_folder import VARIABLE as RUN_FOLDER
from cnnbench.timing.workers.order import Job, Order

END = {"end": True}
_COLLECT = 64  # samples, after which to collect garbage where no pass between them does


@room()
def main(early: bool = False) -> None:
    """Serve until told to end, or stdin ends; with `early` import before there is an order."""
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull) as nothing:  # is what the network's code reads, and we write nothing else
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    gc.disable()  # what imports make is no garbage, and passes are to be timed alone
    if early:
        importlib.import_module("cnnbench.timing.preparing.builder")
    given = questions.readline()
    if not given:
        return
    order = Order.read(given)
    process = os.getpid()
    try:
        told = _serve(order, questions, answers)
    except BrokenPipeError:
        told = False
    finally:
        if os.getpid() != process:  # a copy that a network has made
            os._exit(1)
    if not told and order.origin and order.origin.temporary:
        shutil.rmtree(order.origin.temporary, ignore_errors=True)


def _serve(order: Order, questions: IO[str], answers: IO[str]) -> bool:
    """Answer each question; return whether told to end."""
    process = os.getpid()
    if order.origin is None:  # else it has something to remove, and ends when its questions do
        end_with(os.getppid(), Event().wait)
    os.chdir(order.folder)
    sys.path[:0] = order.paths
    if order.run_folder:
        os.environ[RUN_FOLDER] = order.run_folder
    if order.cores:
        _load_openmp()
    served = _Served(order)
    if order.cores:
        os.sched_setaffinity(0, order.cores[:1])  # OpenMP's other threads are where it put them
    for line in questions:
        question = json.loads(line)
        if question == END:
            return True
        try:
            answer = served.answer(question)
        except CnnbenchError as error:
            kinds = {"missing": MissingError, "short": MemoryShortage}
            answer = {key: isinstance(error, kind) for key, kind in kinds.items()}
            answer["error"] = str(error)
        if os.getpid() != process:  # a copy that a network has made would answer, too
            os._exit(1)
        print(json.dumps(answer), file=answers, flush=True)
    return False


def _load_openmp() -> None:
    """Load torch's OpenMP, which binds this thread at once, and be free again.

    Otherwise both workers of a pair would import torch on one core, one after the other.
    """
    free = os.sched_getaffinity(0)
    found = importlib.util.find_spec("torch")
    if found is not None and found.origin:
        for library in sorted(Path(found.origin).parent.glob("lib/libgomp*")):
            with contextlib.suppress(OSError):
                ctypes.CDLL(str(library))
    os.sched_setaffinity(0, free)


class _Served:
    """Networks, ready to be timed as a whole and operator by operator."""

    def __init__(self, order: Order) -> None:
        """Import all that any network needs."""
        import torch

        from cnnbench.devices.device import find_device
        from cnnbench.timing.by_layer.by_node import ByNode
        from cnnbench.timing.by_layer.by_operator import ByOperator
        from cnnbench.timing.preparing.builder import Builder
        from cnnbench.timing.preparing.prepared import Prepared

        torch.set_num_threads(order.threads)
        self._order = order
        self._device = find_device(order.device)
        self._builder = Builder(self._device, order.seed, settle=order.pinned)
        self._asked = 0
        self._prepared: list[Prepared] = []
        self._watched: dict[int, ByOperator | ByNode] = {}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What a question is answered with."""
        if "prepare" in question:
            return self._prepare(Job.read(question["prepare"]))
        if "passes" in question:
            return asdict(self._prepared[question["passes"]].passes)
        if "operators" in question:
            from cnnbench.timing.by_layer.by_operator import TIMED

            found: dict[str, Any] = {
                "operators": TIMED.dump_python(self._by_operator(question["operators"]).medians())
            }
            return found
        if "reorders" in question:
            reorders = self._by_operator(question["reorders"]).reorders()
            return {"reorders": None if reorders is None else asdict(reorders)}
        if "threads" in question:
            threads = self._by_operator(question["threads"]).threads()
            return {"threads": None if threads is None else asdict(threads)}
        self._asked += 1
        if not question["counts"] or self._asked % _COLLECT == 0:
            gc.collect()
        index, entry = question["entry"], self._prepared[question["entry"]].seconds
        if question["watched"]:
            entry = self._by_operator(index).seconds
        return {"seconds": entry(question["repeats"], question["counts"])}

    def _by_operator(self, index: int) -> Any:
        from cnnbench.timing.by_layer.by_node import watched

        if index not in self._watched:
            self._watched[index] = watched(self._prepared[index])
        return self._watched[index]

    def _prepare(self, job: Job) -> dict[str, Any]:
        """Build a network and run it once; CnnbenchError where it cannot, or is another's."""
        from cnnbench.counting.totals import TOTALS, TRACE
        from cnnbench.models.given import Given

        known = None if job.cost is None else TOTALS.validate_python(job.cost)
        given = None if job.given is None else Given.read(job.given)
        done = self._builder.prepared(job.model, given, job.setting, known, largest=job.largest)
        if self._order.origin is not None:
            self._order.origin.check(job.model)
        self._prepared.append(done)
        gc.collect()
        gc.freeze()
        return {
            "entry": len(self._prepared) - 1,
            "model": done.model,
            "dtype": done.dtype,
            "cost": TOTALS.dump_python(done.totals, mode="json"),
            "trace": TRACE.dump_python(done.trace, mode="json")
            if job.traced and done.trace
            else None,
            "warnings": [asdict(warning) for warning in done.warnings],
            "ran": asdict(done.ran),
            "held_bytes": self._device.held_bytes(),
        }
