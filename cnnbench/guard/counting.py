"""Count what a configuration guards, from its own folder."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from cnnbench.counting.count import count
from cnnbench.errors import InputError, NoInputError
from cnnbench.guard.config import Guarded
from cnnbench.guard.costs import Costs, costs


def count_guarded(guarded: Guarded) -> Costs:
    """Count one model; CnnbenchError where it cannot be built or counted, or is beyond counting."""
    try:
        trace = count(
            guarded.spec,
            guarded.input,
            batch=guarded.batch,
            dtype=guarded.dtype,
            train=guarded.train,
        )
        return costs(trace)
    except NoInputError as error:
        raise InputError(
            f'{guarded.label} does not say what input it takes; write input = "3x224x224" '
            "below its name in the configuration"
        ) from error
    except ValidationError as error:
        reason = "costs more, or has other names, than a baseline can hold"
        raise InputError(f"{guarded.label} {reason}") from error


@contextlib.contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """Work in `folder`, where relative names are meant, and leave no bytecode in it."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        sys.dont_write_bytecode = before
