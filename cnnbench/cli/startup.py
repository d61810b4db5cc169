"""Start and end fast: the garbage collector finds nothing in imports, and looks for seconds."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

interrupted = Event()  # by Ctrl-C, whatever has become of its exception


@contextmanager
def heavy_imports() -> Iterator[None]:
    """Import torch and what needs it within this: a fifth faster, the end of the process too.

    What modules are made of is never garbage, so the collector is kept from looking: not while
    they load, and not again when the interpreter ends. Ctrl-C that a module's import has swallowed
    ends it afterwards.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
    if interrupted.is_set():
        raise KeyboardInterrupt
