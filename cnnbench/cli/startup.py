"""Start fast: the garbage collector finds nothing in imports, and looks for seconds."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from cnnbench.cli.interrupts import interrupted
from cnnbench.errors import CnnbenchError


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Import torch and what needs it within this: a fifth faster.

    CnnbenchError in a folder that has been removed, where a library of torch's ends the process.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise CnnbenchError("this folder is no longer there; change to one that is") from error
    with imports():
        yield


@contextmanager
def imports() -> Iterator[None]:
    """Imports, which are faster: the collector does not look meanwhile.

    What modules are made of is never garbage, so it does not look at them later either. Ctrl-C
    that a module's import has swallowed ends it afterwards.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
    if interrupted.is_set():
        raise KeyboardInterrupt
