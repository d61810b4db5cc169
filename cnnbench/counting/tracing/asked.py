"""Values that a network asks for where only shapes are known: how torch says so, and who asked."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

import torch
from torch import Tensor

from cnnbench.errors import InputError, text_of

_WORDS = re.compile(
    r"\bmeta\b|out of sight|sparse|no fake impl|data-dependent|does not require grad|"
    r"inference tensor|unallocated storage|Tensor\.__format__|and bias type",  # of autocast
    re.IGNORECASE,
)
_GRADIENTS = re.compile(r"does not require grad|inference tensor|takes gradients", re.IGNORECASE)
_OURS = tuple(f"{Path(file).parent}{os.sep}" for file in (torch.__file__, __file__))


class ValuesAsked(InputError):
    """A pass on shapes alone met a question that values answer; `place` is the code that asked.

    `live_bytes` is what the pass held at most by then.
    """

    def __init__(self, error: BaseException, reason: str, live_bytes: int) -> None:
        """`reason` is what torch said, in one line."""
        self.live_bytes = live_bytes
        self.place = place_of(error)
        where = f"{self.place} asks for values: " if self.place else ""
        super().__init__(f"{where}{reason}")


@contextmanager
def noticing(note: Callable[[Exception], None]) -> Iterator[None]:
    """Hear of numbers that are asked for past torch's operators, though the asker catches that."""
    kept = {name: getattr(Tensor, name) for name in ("numpy", "tolist")}

    def asking(original: Callable[..., Any]) -> Callable[..., Any]:
        def ask(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            try:
                return original(tensor, *args, **kwargs)
            except Exception as error:
                note(error)
                raise

        return ask

    for name, original in kept.items():
        setattr(Tensor, name, asking(original))
    try:
        yield
    finally:
        for name in kept:
            delattr(Tensor, name)  # it is inherited


def asks_for_values(error: BaseException) -> bool:
    """Whether it is torch's way to say that a tensor has none, or that shapes do not tell."""
    frames = [frame.f_code.co_filename for frame, _ in walk_tb(error.__traceback__)]
    torchs = bool(frames) and frames[-1].startswith(_OURS)  # not a user's own `raise`
    return (isinstance(error, NotImplementedError) and torchs) or bool(
        _WORDS.search(text_of(error))
    )


def asks_for_gradients(error: BaseException) -> bool:
    """Whether a forward takes gradients itself, which torch's leanest mode does not allow."""
    return bool(_GRADIENTS.search(text_of(error)))


def place_of(error: BaseException) -> str:
    """The file and line of the innermost code that is neither torch's nor ours.

    Nothing of an error that was not raised.
    """
    found = "" if error.__traceback__ is None else "torch's own code"
    for frame, line in walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if not file.startswith((*_OURS, "<")):
            found = f"{_shortened(file)}:{line}"
    return found


def _shortened(file: str) -> str:
    """A file as seen from the folder that Python found it in."""
    folders = sorted((os.path.abspath(one) for one in sys.path), key=len, reverse=True)
    home = next((one for one in folders if file.startswith(one + os.sep)), "")
    return os.path.relpath(file, home) if home else file
