"""Back ends: ways to run a network on a device, one file each; finding their names needs no torch.

A new one is a module with what `backend.Backend` asks for, and a line in `BACKENDS`; one that has
threads of its own says in `PROCESS` in whose processes it runs. Another package adds one by an
entry point, whose name the command line then knows:

    [project.entry-points."cnnbench.backends"]
    mine = "mypackage.backend"
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, cast

from cnnbench.errors import CnnbenchError, SettingError, SourceError, nearest, reason_of
from cnnbench.models.spec import AnySpec, SourceSpec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from cnnbench.devices.device import Device
    from cnnbench.timing.backends.backend import Backend
    from cnnbench.timing.backends.runtime import Opener
    from cnnbench.timing.setting import Setting

EAGER, TORCH = "eager", "torch"
BACKENDS = {  # imported when asked for
    EAGER: "cnnbench.timing.backends.eager",
    "compile": "cnnbench.timing.backends.compile",
    "freeze": "cnnbench.timing.backends.freeze",
    "graph": "cnnbench.timing.backends.graph",
    "onnxruntime": "cnnbench.timing.backends.onnxruntime",
    "openvino": "cnnbench.timing.backends.openvino",
    "litert": "cnnbench.timing.backends.litert",
}
RUNTIMES = ("onnxruntime", "openvino", "litert")  # beside torch
FILES = {  # what runs them as they stand, the usual first
    ".onnx": ("onnxruntime", "openvino"),
    ".tflite": ("litert",),
}
PREDICTED = (EAGER, *FILES[".onnx"])  # whose operators a device's profile may have
GROUP = "cnnbench.backends"


@cache
def added() -> dict[str, EntryPoint]:
    """Back ends of other packages, by name; a name of ours stays ours."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP) if point.name not in BACKENDS}


def names() -> list[str]:
    """Every back end that can be asked for."""
    return [*BACKENDS, *added()]


def check_name(name: str) -> str:
    """The name; SettingError where there is no such back end."""
    if name not in names():
        known = nearest(name, names())
        raise SettingError(f"there is no backend {name!r}{known}; there is {', '.join(names())}")
    return name


def check_predicted(name: str) -> str:
    """The name; SettingError where no profile of a device has that back end's operators."""
    if check_name(name) not in PREDICTED:
        known = ", ".join(PREDICTED)
        raise SettingError(f"passes of {name} are not predicted; those of {known} are")
    return name


def predicted_as(name: str) -> str:
    """The back end whose prediction stands for another's: its own, or eager torch's."""
    return name if name in PREDICTED else EAGER


def process_of(name: str) -> str:
    """Which processes a back end runs in: a runtime with threads of its own, in its own."""
    return str(getattr(find(name), "PROCESS", TORCH))


def can_run(setting: Setting, device: Device, *, files: bool = False) -> bool:
    """Whether a back end runs such a setting of networks there; of `files` as they stand."""
    from cnnbench.timing.setting import check

    try:
        check(setting, device)
        if not files or setting.dtype is not None:
            getattr(find(setting.backend), "check_export", bool)()
    except CnnbenchError:
        return False
    return True


def running(file: SourceSpec) -> tuple[str, ...]:
    """The back ends that run a file as it stands."""
    return FILES.get(PurePath(file.source).suffix.lower(), ())


def is_run_as_it_stands(spec: AnySpec) -> bool:
    """Whether a spec is a file that some back end runs."""
    return isinstance(spec, SourceSpec) and bool(running(spec))


def is_here(name: str) -> bool:
    """Whether what a back end runs in is installed, as far as its version tells."""
    return process_of(name) == TORCH or bool(version(name))


def profiled(name: str) -> str | None:
    """Under which name a device's profile has a back end's operators: torch's under none."""
    return None if process_of(name) == TORCH else name


def has_layers(name: str) -> bool:
    """Whether a back end's pass can be timed operator by operator."""
    return name == EAGER or getattr(find(name), "LAYERS", False)


def opener(name: str, file: SourceSpec) -> Opener:
    """What opens a file in a back end; SourceError where it runs none of its format."""
    able = running(file)
    if name not in able:
        raise SourceError(f"{file} is a graph, not run by {name}; give --backend {', '.join(able)}")
    found: Any = find(name)
    opened: Opener = found.opened
    return opened


@cache
def version(name: str) -> str:
    """The version of a back end's runtime; empty of torch's, and where nobody knows."""
    from importlib import metadata

    with suppress(SettingError, metadata.PackageNotFoundError):
        runtime = process_of(name)
        package = getattr(find(name), "PACKAGE", runtime)
        return "" if runtime == TORCH else metadata.version(package)
    return ""


@cache
def find(name: str) -> Backend:
    """The back end of a name; SettingError where there is none, or it cannot be imported."""
    check_name(name)
    if name in BACKENDS:
        return cast("Backend", importlib.import_module(BACKENDS[name]))
    try:
        return cast("Backend", added()[name].load())
    except (Exception, SystemExit) as error:  # whatever another package does as it is imported
        raise SettingError(f"the backend {name} cannot be imported: {reason_of(error)}") from error
