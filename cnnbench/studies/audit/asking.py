"""Asking a counter without a trace of it: on a copy, in silence, and by layer."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import deepcopy
from io import StringIO

from torch import nn

from cnnbench.counting.tracing.running import paths


def copied(net: nn.Module) -> nn.Module:
    """A copy to ask: several counters leave attributes, hooks or another mode behind."""
    return deepcopy(net).eval()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep a counter from printing, warning and logging."""
    logging_before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging_before)


@contextmanager
def where(net: nn.Module) -> Iterator[Callable[[], str]]:
    """Say, while the network runs, which module does."""
    with paths(dict(net.named_modules())) as stack:
        yield lambda: stack[-1][0] if stack else ""
