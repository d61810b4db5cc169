"""One revision's process: it builds a network from that revision's files and times it when asked.

It reads one JSON line an order from stdin and answers with one; what the network's code prints
goes to stderr, and what it reads is empty. It ends when stdin does, so that no worker outlives who
asked; where that happens before it is told to, who asked was killed, and the worker removes the
revision's files.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cnnbench.errors import CnnbenchError, MissingError, RevisionError
from cnnbench.guard.config import Guarded
from cnnbench.models.nesting import room
from cnnbench.timing.setting import Setting

END = {"end": True}


@dataclass(frozen=True)
class Order:
    """What a worker needs to know: where its files are, and what to run.

    `top` is the top folder of its revision's files, `folder` the configuration's within, `paths`
    where modules are found there; `other` is the other revision's top folder, none of whose files
    may be imported; `temporary` is a folder to remove where nobody else can. `cores` are those that
    its threads are bound to, one each.
    """

    top: str
    folder: str
    paths: tuple[str, ...]
    model: str
    input: tuple[str, ...] | None
    setting: Setting
    device: str
    threads: int
    seed: int
    cores: tuple[int, ...] = ()
    other: str | None = None
    temporary: str | None = None

    @classmethod
    def of(cls, guarded: Guarded, **more: Any) -> Order:
        """The order to run what is guarded."""
        return cls(
            model=guarded.name,
            input=None if guarded.input is None else tuple(map(str, guarded.input)),
            setting=guarded.setting,
            **more,
        )

    @classmethod
    def read(cls, line: str) -> Order:
        """The order that a line of JSON holds."""
        values = json.loads(line)
        return cls(**{**values, "setting": Setting(**values["setting"])})


@room()
def main() -> None:
    """Serve until told to end, or stdin ends."""
    orders = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull) as nothing:  # is what the network's code reads, and we write nothing else
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    given = orders.readline()
    if not given:
        return
    order = Order.read(given)
    try:
        told = _serve(order, orders, answers)
    except BrokenPipeError:
        told = False
    if not told and order.temporary:
        shutil.rmtree(order.temporary, ignore_errors=True)


def _serve(order: Order, orders: IO[str], answers: IO[str]) -> bool:
    """Build, say what came of it, then time as often as asked; return whether told to end."""
    os.chdir(order.folder)
    sys.path[:0] = [str(Path(order.top, path)) for path in order.paths]
    served = None
    gc.disable()  # what imports make is no garbage, and passes are to be timed alone
    if order.cores:
        _load_openmp()
    try:
        served = _Served(order)
        _say(answers, {"layers": served.layers})
    except CnnbenchError as error:
        _say(answers, {"error": str(error), "missing": isinstance(error, MissingError)})
    gc.freeze()
    if order.cores:
        os.sched_setaffinity(0, order.cores[:1])  # OpenMP's other threads are where it put them
    for line in orders:
        question = json.loads(line)
        if question == END or served is None:
            return True
        try:
            _say(answers, served.answer(question))
        except CnnbenchError as error:
            _say(answers, {"error": str(error)})
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


def _say(answers: IO[str], answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=answers, flush=True)


class _Served:
    """The network, ready to be timed as a whole and operator by operator."""

    def __init__(self, order: Order) -> None:
        """Build and run it once; CnnbenchError where it cannot, or is not this revision's."""
        import torch

        from cnnbench.devices.device import find_device
        from cnnbench.guard.costs import layers
        from cnnbench.timing.layers import ByOperator
        from cnnbench.timing.prepared import prepare, ready

        torch.set_num_threads(order.threads)
        device = find_device(order.device)
        setting = order.setting
        given = None if order.input is None else list(order.input)
        network = ready(order.model, given, setting, device, order.seed)
        _check_origin(order)
        self.prepared = prepare(network, setting, device, order.seed)
        assert self.prepared.trace is not None
        self.layers = [layer.record() for layer in layers(self.prepared.trace)]
        self.watched = ByOperator(self.prepared)

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Seconds of so many passes, or what each layer took in those so far."""
        if question.get("seconds_of_layers"):
            return {"seconds": _by_layer(self.watched.medians())}
        if not question["counts"]:
            gc.collect()
        entry = self.watched if question["watched"] else self.prepared
        return {"seconds": entry.seconds(question["repeats"], question["counts"])}


def _by_layer(times: list[tuple[Any, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for op, seconds in times:
        found[op.path] = found.get(op.path, 0.0) + seconds
    return found


def _check_origin(order: Order) -> None:
    """RevisionError where the network is not this revision's: both would time the same."""
    own = own_modules(Path(order.top))
    others = own_modules(Path(order.other)) if order.other else {}
    for name in others.keys() - own.keys():  # the base's files may lie within the clone
        path = others[name]
        raise RevisionError(
            f"{order.model} imports {name} from the working tree ({path}), not from its own "
            "revision; install the project so that its folder decides: pip install -e ."
        )
    if not own:
        raise RevisionError(
            f"{order.model} is not imported from this clone, so no revision of it can be timed; "
            "install the project from here: pip install -e ."
        )


def own_modules(top: Path) -> dict[str, Path]:
    """Imported modules whose files lie below `top`, and are not installed there."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name.partition(".")[0] not in ("cnnbench", "__main__"):
            path = Path(file)
            if not path.is_absolute():  # torch.ops says _ops.py
                continue
            path = path.resolve()
            if path.is_relative_to(top) and not _is_installed(path, top):
                found[name] = path
    return found


def folders(top: Path) -> tuple[str, ...]:
    """Folders in which those are found, relative to `top`: `.`, `src`.

    RevisionError where that is above it, so that no other folder can stand for it.
    """
    found = set()
    for name, path in own_modules(top).items():
        root = path.parents[name.count(".") + (path.stem == "__init__")]
        if not root.is_relative_to(top):
            raise RevisionError(
                f"{name} is found from {root}, above the clone, so no other revision can be; "
                "move the package into a folder of its own"
            )
        found.add(str(root.relative_to(top)))
    return tuple(sorted(found))


def _is_installed(path: Path, top: Path) -> bool:
    """Whether it belongs to an environment, which may well lie within the clone."""
    prefix = Path(sys.prefix).resolve()
    within = prefix != top and prefix.is_relative_to(top) and path.is_relative_to(prefix)
    return within or bool({"site-packages", "dist-packages"} & set(path.parts))
