"""The folder of a run: what its worker processes share, and what goes with it. Needs no torch."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

VARIABLE = "CNNBENCH_RUN_FOLDER"  # names it, for the workers


def run_folder() -> str:
    """The folder, which the process that has begun it removes at its end."""
    if VARIABLE not in os.environ:
        made = tempfile.mkdtemp(prefix="cnnbench-")
        process = os.getpid()
        os.environ[VARIABLE] = made

        @atexit.register
        def remove() -> None:
            if os.getpid() == process:
                shutil.rmtree(made, ignore_errors=True)

    return os.environ[VARIABLE]
