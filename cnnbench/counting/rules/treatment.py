"""Which of the operators that torch hands over is one line of a trace, and which is not.

The recorder that counts a pass and the stopwatch that times one divide it alike by these.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

import torch

from cnnbench.counting.rules import convention
from cnnbench.counting.rules.backward import GRADIENTS
from cnnbench.counting.rules.table import RULES

Operator = Any  # torch._ops.OpOverload, which torch does not export

_has_kernel = torch._C._dispatch_has_kernel_for_dispatch_key


class Treatment(Enum):
    """COUNTED has a rule, VIEW is free unless it copies, OTHER is made of others or unknown."""

    COUNTED = auto()
    VIEW = auto()
    OTHER = auto()


def treated(func: Operator) -> tuple[str, Treatment]:
    """An operator's base name, and how it is treated."""
    name = base(func)
    if (name in RULES or name in GRADIENTS) and not func.is_view:
        return name, Treatment.COUNTED
    if func.is_view or name in convention.VIEWS:
        return name, Treatment.VIEW
    return name, Treatment.OTHER


def is_composite(func: Operator) -> bool:
    """Whether torch runs it as the operators it is made of, `func.decompose`."""
    return bool(_has_kernel(func.name(), "CompositeImplicitAutograd"))


def is_idle(name: str, args: Any, kwargs: Any) -> bool:
    """Whether it is a dropout in evaluation, which gives its input back."""
    return name in convention.DROPOUTS and not (args[2] if len(args) > 2 else kwargs["train"])


def base(func: Operator) -> str:
    """`aten::relu_` -> `relu`: overloads and in-place forms share a rule.

    An operator that is not torch's own keeps its namespace.
    """
    name: str = func._schema.name.removeprefix("aten::").removeprefix("prims::")
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name
