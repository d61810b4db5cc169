"""What a static result depends on, for its JSON."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cnnbench.counting.rules import convention
from cnnbench.devices.warnings import Warning, unusable

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace
    from cnnbench.devices.environment import Environment


def software(counted: Iterable[Trace] = ()) -> dict[str, Any]:
    """Return the versions that counted and the convention they counted by.

    `counted` are the passes, where a file may be among them: torch is not needed for one.
    """
    used = ["torch", *dict.fromkeys(trace.file for trace in counted if trace.file)]
    return {
        "python": platform.python_version(),
        **{name: str(sys.modules[name].__version__) for name in used if name in sys.modules},
        "convention": convention.FOOTER,
    }


def alert(warnings: Iterable[Warning]) -> str:
    """The first line where times are not usable; nothing where they are."""
    why = unusable(warnings)
    return f"These times are not usable: {why}" if why else ""


def reliability(warnings: Iterable[Warning]) -> dict[str, Any]:
    """What disturbed, and whether times are usable all the same."""
    found = list(warnings)
    return {
        "warnings": [asdict(warning) for warning in found],
        "reliable": not unusable(found),
        "unreliable_because": unusable(found) or None,
    }


def where(about: Environment, dtypes: Iterable[str], *, channels_last: bool = False) -> str:
    """One line for people: the device, its threads, torch, the number format and the layout."""
    plural = "s" if about.threads > 1 else ""
    threads = f"{about.threads} thread{plural} ({about.threads_from})"
    formats = ", ".join(dict.fromkeys(filter(None, dtypes)))
    layout = ", channels last" if channels_last else ""
    runtimes = {"torch": about.torch, **about.runtimes}
    software = ", ".join(f"{name} {version}" for name, version in runtimes.items())
    return f"{about.device}: {about.device_name}, {threads}, {software}, {formats}{layout}"
