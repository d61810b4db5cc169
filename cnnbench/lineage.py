"""A process that ends with the one that began it, also where that is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def end_with(parent: int, gone: Callable[[], object]) -> None:
    """End this process when `parent`, the process that began it, has ended.

    Linux does it. Elsewhere a thread waits in `gone`, which returns then.
    """
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) == 0:
            if os.getppid() != parent:  # it had ended before it could be told
                os._exit(1)
            return

    def wait() -> None:
        gone()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
