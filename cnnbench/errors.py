"""Everything that can go wrong for a reason a person can mend: one line of text, one exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CnnbenchError(Exception):
    """A request that cannot be carried out; its text says what is wrong and what to type."""

    exit_code = 2


class SpecError(CnnbenchError):
    """A model spec that names no model, or an option the model does not take."""


class ShapeError(CnnbenchError):
    """A shape, batch or dtype that cannot be read."""


class InputError(CnnbenchError):
    """An input that the network cannot take."""


class OutputError(CnnbenchError):
    """A file that cannot be written."""


def nearest(word: str, names: Iterable[str], limit: int = 3) -> str:
    """Return the names a person may have meant by `word`, as ` (did you mean a, b?)` or nothing."""
    matches = difflib.get_close_matches(word.lower(), list(names), n=limit, cutoff=0.5)
    return f" (did you mean {', '.join(matches)}?)" if matches else ""
