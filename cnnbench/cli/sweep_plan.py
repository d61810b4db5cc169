"""What a sweep is to measure: a plan's file, or the options instead of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.errors import CnnbenchError
from cnnbench.reports.formats.emit import deliver
from cnnbench.sweeps.plan import Configuration, Plan, planned, read

_FLAGS = {"no": [False], "yes": [True], "both": [False, True]}
_NEXT = re.compile(r",(?![\w.]+=)")  # a comma before key=value is within a spec


def read_sweep(
    file: Path | None,
    axes: dict[str, str | None],
    *,
    static: bool,
    device: str | None,
    threads: int | None,
) -> Plan:
    """Read the plan; `axes` are the options that stand instead of a file, by their names."""
    changed: dict[str, Any] = {"device": device, "threads": threads}
    changed = {key: value for key, value in changed.items() if value is not None}
    if static:
        changed["static"] = True
    if file is not None:
        given = [name for name, value in axes.items() if value is not None]
        if given:
            raise CnnbenchError(f"{file} has the axes; write them there and leave {given[0]} out")
        return read(file).model_copy(update=changed)
    models = axes["--models"]
    if models is None:
        raise CnnbenchError("name a plan, or models: cnnbench sweep --models mobilenet,resnet50")
    values: dict[str, Any] = {"models": _NEXT.split(models), **changed}
    if (batch := axes["--batch"]) is not None:
        values["batch"] = opt.read_batches(batch)
    if (dtype := axes["--dtype"]) is not None:
        values["dtype"] = dtype.split(",")
    for option in ("--channels-last", "--compile", "--train"):
        if (text := axes[option]) is not None:
            if text not in _FLAGS:
                raise CnnbenchError(f"{option} {text!r} says nothing; give {', '.join(_FLAGS)}")
            values[option.removeprefix("--").replace("-", "_")] = _FLAGS[text]
    return planned(values, "the options")


def say_plan(
    left: Sequence[Configuration], of: Sequence[Configuration], where: str | None, seconds: float
) -> None:
    """What is left to do, and where anything is timed the longest that it may take."""
    lines = list(map(str, left))
    counted = f"{len(left)} of {len(of)} configurations to do"
    if where is None:
        lines.append(f"{counted}, counted alone")
    else:
        longest = units.span(seconds * len(left))
        lines.append(f"{counted} on {where}, {longest} of timing at most")
    deliver("".join(f"{line}\n" for line in lines), None)
