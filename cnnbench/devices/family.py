"""This process and those that it began: what they take is not what others take."""

from __future__ import annotations

import os
from contextlib import suppress

import psutil


def ours() -> set[int]:
    """The identifiers of this process and of all that it began and that still run."""
    return {os.getpid(), *(child.pid for child in _children())}


def seconds() -> float:
    """Processor time of them all, and of those that have ended."""
    taken = sum(os.times()[:4])
    for child in _children():
        with suppress(psutil.Error):
            taken += sum(child.cpu_times()[:4])
    return taken


def _children() -> list[psutil.Process]:
    found: list[psutil.Process] = []
    with suppress(psutil.Error):
        found = psutil.Process().children(recursive=True)
    return found
