"""A process that ends with the one that began it, also where that is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """End this process when `parent`, the process that began it, has ended."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had ended before it could be told
            os._exit(1)
    else:
        threading.Thread(target=_wait_for, args=(parent,), daemon=True).start()


def _wait_for(parent: int) -> None:
    import psutil

    try:
        psutil.Process(parent).wait()
    finally:
        os._exit(1)
