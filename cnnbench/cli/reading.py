"""What was typed, read: numbers, names of back ends and dtypes, seconds. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cnnbench.errors import CnnbenchError, ShapeError, nearest
from cnnbench.models.inputs import NumberFormat
from cnnbench.models.spec import AnySpec, SourceSpec
from cnnbench.timing.backends import (
    EAGER,
    can_run,
    check_name,
    check_predicted,
    has_layers,
    is_run_as_it_stands,
    names,
    running,
)

if TYPE_CHECKING:
    from cnnbench.devices.device import Device
    from cnnbench.roofline.profile import Profile
    from cnnbench.timing.setting import Setting

ALL = "all"


def read_batches(text: str) -> list[int]:
    """`1,8,32` -> [1, 8, 32]."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) < 10**9 for part in parts):
        raise ShapeError(f"malformed batch {text!r}; write whole numbers from 1: --batch 1,8,32")
    return list(dict.fromkeys(map(int, parts)))


def read_backends(text: str | None, *, compiled: bool = False, graph: bool = False) -> list[str]:
    """`eager,compile` -> two names; --compile and --graph are short for theirs."""
    short = "--compile" if compiled else "--graph" if graph else ""
    if text is not None and short:
        raise CnnbenchError(f"{short} is short for a --backend; give one of the two")
    if text is None:
        return ["compile" if compiled else EAGER, *(["graph"] if graph else [])]
    return list(dict.fromkeys(check_name(name.strip()) for name in text.split(",")))


def read_predicted(text: str) -> list[str]:
    """`eager,onnxruntime` -> two names of back ends whose passes are predicted."""
    return list(dict.fromkeys(check_predicted(name.strip()) for name in text.split(",")))


def read_profile(on: Path) -> Profile:
    """The device that a file describes. CnnbenchError where it is none."""
    from cnnbench.roofline.profile_file import read

    return read(on)


def foretold(text: str | None, profile: Profile) -> list[str]:
    """The back ends that a device's profile is to foretell; `all` are those that it knows."""
    if are_all(text):
        return [EAGER, *profile.backends]
    return [EAGER] if text is None else read_predicted(text)


def check_runs_files(specs: Sequence[AnySpec], names: Sequence[str]) -> None:
    """CnnbenchError where a runtime whose passes are to be predicted does not run a file."""
    for spec in specs:
        able = running(spec) if isinstance(spec, SourceSpec) else ()
        for name in names:
            if able and name not in (EAGER, *able):
                raise CnnbenchError(f"{spec} is a file that {name} does not run; leave it out")


def check_predicts(dtype: NumberFormat | None, on: Path | None) -> None:
    """CnnbenchError for a format of which a device's file foretells nothing."""
    if on and dtype == NumberFormat.INT8:
        raise CnnbenchError("what int8 takes is not predicted; leave --on or --dtype int8 out")


def one_of(option: str, text: str, known: Sequence[str]) -> str:
    """The text; CnnbenchError where it is none of those known."""
    if text not in known:
        raise CnnbenchError(
            f"unknown {option} {text!r}{nearest(text, known)}; use {', '.join(known)}"
        )
    return text


def read_dtypes(text: str | None) -> list[NumberFormat | None]:
    """`float32,int8` -> two formats; without any, what the network has."""
    if text is None:
        return [None]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in list(NumberFormat):
            known = f"{nearest(name, NumberFormat)}; use {', '.join(NumberFormat)}"
            raise ShapeError(f"unknown dtype {name!r}{known}")
    return list(dict.fromkeys(map(NumberFormat, names)))


def are_all(text: str | None) -> bool:
    """Whether every back end that can run is asked for."""
    return text is not None and text.strip() == ALL


def able(
    asked: Sequence[tuple[AnySpec, Setting]], device: Device, *, layers: bool
) -> list[tuple[AnySpec, Setting]]:
    """Those that can run there, with `layers` also operator by operator; all where none can."""
    found = [
        (spec, setting)
        for spec, setting in asked
        if can_run(setting, device, files=is_run_as_it_stands(spec))
        and (not layers or has_layers(setting.backend))
    ]
    return found or list(asked)


def backends_of(
    spec: AnySpec,
    text: str | None,
    *,
    compiled: bool = False,
    graph: bool = False,
) -> list[str]:
    """What runs a model: what was asked for, `all` being all that there is; of a file the usual."""
    able = running(spec) if isinstance(spec, SourceSpec) else ()
    if are_all(text):
        return [name for name in names() if not able or name in able]
    asked = text is not None or compiled or graph
    return list(able[:1] if not asked else ()) or read_backends(
        text, compiled=compiled, graph=graph
    )


def backends_of_all(
    specs: Sequence[AnySpec],
    text: str | None,
    *,
    compiled: bool = False,
) -> list[str]:
    """What runs models together: of files the usual, where all are of one format."""
    found = [backends_of(spec, text, compiled=compiled) for spec in specs]
    if are_all(text):
        return [name for name in found[0] if all(name in others for others in found)]
    alike = all(one == found[0] for one in found)
    return found[0] if found and alike else read_backends(text, compiled=compiled)


def read_backend(text: str | None, *, compiled: bool = False) -> str:
    """One name."""
    if are_all(text):
        raise CnnbenchError(f"one back end at a time; there is {', '.join(names())}")
    name, *more = read_backends(text, compiled=compiled)
    if more:
        raise CnnbenchError(
            f"one back end at a time: --backend {name}; 'cnnbench time' has several"
        )
    return name


def check_seed(seed: int) -> None:
    """CnnbenchError for a --seed that no generator takes."""
    if not 0 <= seed < 2**63:
        raise CnnbenchError(f"--seed {seed} is no seed; give a whole number from 0")


def read_seconds(text: str) -> float:
    """`60s`, `5m` or `60` as seconds, from two to an hour."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip().lower(), re.ASCII)
    seconds = float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]] if found else 0.0
    if not 2 <= seconds <= 3600:
        raise CnnbenchError(
            f"--sustain {text} makes no sense; give from 2 seconds to an hour: --sustain 60s"
        )
    return seconds
