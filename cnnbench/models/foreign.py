"""What a network's code, or torch below it, may raise: one line, memory told from the rest."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

import torch

from cnnbench import units
from cnnbench.errors import CnnbenchError, InputError, MemoryShortage, reason_of, text_of

_NO_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "not enough memory",
    "Invalid buffer size",
    "ALLOC_FAILED",
    "bad_alloc",
)


@contextmanager
def failing(name: str, verb: str = "run") -> Iterator[None]:
    """Raise MemoryShortage or InputError for whatever `name` raises meanwhile."""
    try:
        yield
    except CnnbenchError:
        raise
    except (Exception, SystemExit) as error:  # a network may call sys.exit
        short = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        if short or any(words in text_of(error) for words in _NO_MEMORY):
            raise MemoryShortage(f"{name} does not fit: {_shortage(error)}") from error
        reason = f"{type(error).__name__}: {reason_of(error)}"
        raise InputError(f"{name} cannot {verb}: {reason}") from error


def _shortage(error: BaseException) -> str:
    """How much could not be had, of an allocator's long text."""
    found = re.search(r"allocate (\d+) bytes|allocate ([\d.]+ \w?i?B)", text_of(error))
    if found is None:
        return reason_of(error)
    size = units.size(int(found[1])) if found[1] else found[2]
    return f"{size} more could not be allocated"


def forgotten(error: CnnbenchError) -> CnnbenchError:
    """The error without the frames it came through, which keep a failed pass's tensors alive."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep somebody else's library from printing, warning and logging."""
    logging_before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging_before)
