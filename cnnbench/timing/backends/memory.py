"""What a process holds that serves a network in one runtime, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cnnbench.models.spec import Spec, parse
from cnnbench.timing.backends import EAGER
from cnnbench.timing.latency import Latency

_PROGRAM = Path(__file__).with_name("footprint.py")
_LONGEST_S = 300


def process_bytes(row: Latency) -> int | None:
    """The most memory of such a process; None where it cannot be told.

    Of PyTorch's it is told of networks of ours alone, on the CPU.
    """
    backend, spec = row.setting.backend, parse(row.model)
    what = row.ran.file or (row.model if backend == EAGER and isinstance(spec, Spec) else None)
    if row.error or what is None or row.device != "cpu":
        return None
    shapes = json.dumps([list(shape) for shape in row.input])
    line = [sys.executable, str(_PROGRAM), backend, what, str(row.threads), shapes]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=_LONGEST_S, check=True)
        return int(done.stdout.split()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError):
        return None
