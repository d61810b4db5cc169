"""What a static result depends on, for its JSON. Needs torch."""

from __future__ import annotations

import platform
from typing import Any

import torch

from cnnbench.counting import convention


def environment() -> dict[str, Any]:
    """Return the versions that counted and the convention they counted by."""
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "convention": convention.FOOTER,
    }
