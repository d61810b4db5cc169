"""The inputs that int8's scales are found with: normal numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cnnbench.timing.backends import runtime
from cnnbench.timing.setting import Setting

_IMAGES = 16


def passes(setting: Setting, given: runtime.Given, dtypes: Sequence[Any]) -> Iterator[list[Any]]:
    """Arrays for every input, pass by pass, of so many images in all."""
    for seed in range(-(-_IMAGES // setting.batch)):
        yield runtime.bound(runtime.shapes(given), dtypes, seed)
