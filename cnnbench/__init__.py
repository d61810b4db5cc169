"""cnnbench: what a convolutional network costs, counted exactly and timed honestly.

`build(spec)` gives a network, `count(spec)` its exact cost, `measure(spec)` its time,
`compare(a, b)` both of two and why they differ, `check()` what rose of the costs that a project
guards. Importing this imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnbench.version import __version__ as __version__

if TYPE_CHECKING:
    from cnnbench.counting.count import count as count
    from cnnbench.guard.check import check as check
    from cnnbench.models.build import build as build
    from cnnbench.studies.comparison.compare import compare as compare
    from cnnbench.timing.measure import measure as measure

__all__ = ["__version__", "build", "check", "compare", "count", "measure"]

_HOMES = {
    "build": "cnnbench.models.build",
    "check": "cnnbench.guard.check",
    "compare": "cnnbench.studies.comparison.compare",
    "count": "cnnbench.counting.count",
    "measure": "cnnbench.timing.measure",
}


def __getattr__(name: str) -> Any:
    """Import on first use what needs torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cnnbench' has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
