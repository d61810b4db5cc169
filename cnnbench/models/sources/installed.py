"""Libraries of networks, imported where they are installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from cnnbench.errors import SourceError, reason_of
from cnnbench.models.spec import SourceSpec

_WEIGHTS = ("pretrained", "weights", "weights_backbone", "checkpoint_path", "pretrained_cfg")


def imported(spec: SourceSpec) -> ModuleType:
    """Import the library; SourceError says what to install, or why it does not load."""
    for option, _ in spec.options:
        if option in _WEIGHTS:
            raise SourceError(f"{spec}: leave out {option}; weights change no cost")
    name = spec.source
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise _unusable(name, error) from error
        install = f"pip install 'cnnbench[{name}]'"
        raise SourceError(f"{name} is not installed; type: {install}") from error
    except Exception as error:  # torchvision's operators need the torch they were built for
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception) -> SourceError:
    reason = reason_of(error)
    return SourceError(f"{name} is installed but cannot be imported with this torch: {reason}")
