"""The inputs that int8's scales are found with: those of a folder, or normal numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cnnbench.errors import InputError
from cnnbench.timing.backends import runtime
from cnnbench.timing.backends.calibration_folder import content, inputs_of
from cnnbench.timing.setting import Setting

_IMAGES = 16


def passes(setting: Setting, given: runtime.Given, dtypes: Sequence[Any]) -> Iterator[list[Any]]:
    """Arrays for every input, pass by pass; without a folder, of so many images in all.

    InputError where a folder is given to a graph of several inputs, or does not fit it.
    """
    shapes = runtime.shapes(given)
    if setting.calibrate is None:
        for seed in range(-(-_IMAGES // setting.batch)):
            yield runtime.bound(shapes, dtypes, seed)
        return
    if len(shapes) != 1 or len(dtypes) != 1:
        raise InputError(f"--calibrate is for graphs of one input; this has {len(dtypes)}")
    for array in inputs_of(setting.calibrate, shapes[0], np.dtype(dtypes[0])):
        yield [array]


def said(setting: Setting) -> str:
    """What its scales depend on beside the graph and the input's shape, as a word."""
    folder = "" if setting.calibrate is None else content(setting.calibrate)
    return f"{setting.dtype} {folder}"
