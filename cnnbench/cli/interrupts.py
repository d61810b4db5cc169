"""Ctrl-C, a CI's cancel, a closed terminal: heard once, and never lost."""

from __future__ import annotations

import _thread
import signal
import sys
import threading

from cnnbench.cli.process import HEEDED, is_attended


class Flag:
    """Something that has happened or not, told by a signal's handler.

    It takes no lock, as an Event does: a second signal may come while the first one sets it.
    """

    def __init__(self) -> None:
        """It has not happened."""
        self._raised = False

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._raised

    def set(self) -> None:
        """It has."""
        self._raised = True

    def clear(self) -> None:
        """It has not, after all."""
        self._raised = False


interrupted = Flag()  # by Ctrl-C, whatever has become of its exception


def heed_interrupts() -> None:
    """Let no Ctrl-C be lost: numpy's import makes another error of it, a destructor nothing."""

    def interrupt(*_: object) -> None:
        if is_attended() and interrupted.is_set():
            return  # the terminal's, which our parent hands on; the next but one, it kills us
        interrupted.set()
        raise KeyboardInterrupt

    def again(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
            interrupted.clear()
            _thread.interrupt_main()
        else:
            sys.__unraisablehook__(lost)

    if threading.current_thread() is not threading.main_thread():
        return
    for number in HEEDED:
        if number == signal.SIGINT or signal.getsignal(number) is signal.SIG_DFL:  # not by nohup
            signal.signal(number, interrupt)
    sys.unraisablehook = again
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
