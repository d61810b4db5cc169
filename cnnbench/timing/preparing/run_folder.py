"""The folder of a run: what its worker processes share, and what goes with it. Needs no torch."""

from __future__ import annotations

import atexit
import os

VARIABLE = "CNNBENCH_RUN_FOLDER"  # names it, for the workers
_begun: dict[int, str] = {}  # by process


def run_folder() -> str:
    """The folder, which the process that has begun it removes at its end."""
    if VARIABLE not in os.environ:
        import tempfile  # which no command needs that times nothing

        os.environ[VARIABLE] = _begun[os.getpid()] = tempfile.mkdtemp(prefix="cnnbench-")
    return os.environ[VARIABLE]


@atexit.register
def remove_run_folder() -> None:
    """Remove it, where this process has begun it."""
    if made := _begun.pop(os.getpid(), ""):
        import shutil

        shutil.rmtree(made, ignore_errors=True)
