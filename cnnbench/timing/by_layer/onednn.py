"""oneDNN's own log of a pass of eager PyTorch: what it spends on changing layouts.

oneDNN computes a convolution on images and weights in blocks of channels. Eager PyTorch keeps both
as they are, so in every pass images are changed before and after, and weights are packed anew.
"""

from __future__ import annotations

import ctypes
import math
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

_EXECUTED = re.compile(
    r"^onednn_verbose,(?:v\d,)?primitive,exec,cpu,(?P<kind>\w+),(?P<rest>.*)$", re.M
)
_WEIGHTS = re.compile(r"wei:(?P<dtype>\w+):")
_CONVOLUTION = re.compile(
    r"(?:g(?P<g>\d+))?mb\d+_?(?:g\d+)?ic(?P<ic>\d+)oc(?P<oc>\d+)_.*?kh(?P<kh>\d+)(?:.*?kw(?P<kw>\d+))?"
)
_BYTES = {"f32": 4, "bf16": 2, "f16": 2}


@dataclass(frozen=True)
class Reorders:
    """What oneDNN's convolutions of one pass took, and of it what went into layouts.

    `packed_bytes` are the weights that were packed, `convolutions` which there were, in order.
    """

    seconds: float
    packing_s: float
    images_s: float
    packed_bytes: int
    convolutions: Sequence[Sequence[int]] = ()  # groups, channels, filters, window

    def record(self) -> dict[str, Any]:
        """Plain data, without the list."""
        return {name: value for name, value in asdict(self).items() if name != "convolutions"}


def reorders(run: Callable[[], object]) -> Reorders | None:
    """Of one pass under oneDNN's log; None where oneDNN ran no convolution, or writes no log."""
    if sys.platform == "win32" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    return of_log(_log(run))


def of_log(text: str) -> Reorders | None:
    """What a log says: a reorder before a convolution is of weights or images, by its size."""
    whole = packing = images = 0.0
    packed = 0
    waiting: list[tuple[int, float]] = []  # elements and milliseconds
    met: list[tuple[int, int, int, int]] = []
    for found in _EXECUTED.finditer(text):
        *_, problem, taken = found["rest"].split(",")
        milliseconds = float(taken)
        if found["kind"] == "reorder":
            waiting.append((math.prod(map(int, problem.split("x"))), milliseconds))
            continue
        if found["kind"] != "convolution" or (about := _CONVOLUTION.search(problem)) is None:
            continue
        groups, channels, filters = (int(about[name] or 1) for name in ("g", "ic", "oc"))
        window = int(about["kh"]) * int(about["kw"] or 1)
        met.append((groups, channels, filters, window))
        elements = channels * filters * window // groups
        dtype = _WEIGHTS.search(found["rest"])
        whole += milliseconds
        of_weights = [one for one in waiting if one[0] == elements][-1:]
        packing += sum(ms for _, ms in of_weights)
        packed += sum(n for n, _ in of_weights) * _BYTES.get(dtype["dtype"] if dtype else "", 4)
        images += sum(ms for _, ms in waiting) - sum(ms for _, ms in of_weights)
        waiting = []
    images += sum(ms for _, ms in waiting)
    if not met:
        return None
    return Reorders((whole + packing + images) / 1e3, packing / 1e3, images / 1e3, packed, met)


def _log(run: Callable[[], object]) -> str:
    """What oneDNN writes to this process's stdout meanwhile, which nobody else sees."""
    flush: Callable[[object], int] = ctypes.CDLL(None).fflush
    sys.stdout.flush()
    flush(None)
    stdout = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):  # type: ignore[no-untyped-call]
                run()
        finally:
            flush(None)
            os.dup2(stdout, 1)
            os.close(stdout)
        file.seek(0)
        return file.read().decode("utf-8", "replace")


def median_of(found: Iterable[Reorders | None]) -> Reorders | None:
    """The one of several passes whose convolutions took the middle time."""
    known = sorted(filter(None, found), key=lambda one: one.seconds)
    return known[len(known) // 2] if known else None
