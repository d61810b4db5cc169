"""What a process holds that serves a network in one runtime, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from cnnbench.models.inputs import NumberFormat
from cnnbench.models.spec import Spec, parse
from cnnbench.timing.backends import EAGER
from cnnbench.timing.backends.runtime import INT8
from cnnbench.timing.latency import Latency

_PROGRAM = Path(__file__).with_name("footprint.py")
_LONGEST_S = 300


def process_bytes(row: Latency) -> int | None:
    """The most memory of such a process; None where it cannot be told.

    It is told of inference on the CPU in float32 or int8, of PyTorch's of networks of ours alone.
    """
    backend, spec = row.setting.backend, parse(row.model)
    if row.setting.dtype not in (None, NumberFormat.FLOAT32, *INT8):
        return None
    if row.setting.train or row.setting.fuse or row.setting.channels_last:
        return None
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
