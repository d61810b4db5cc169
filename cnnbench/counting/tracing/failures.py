"""Why a network's forward failed, in one line: which layer, what it expects, what it was given."""

from __future__ import annotations

import re
from typing import Any

from torch import Tensor

from cnnbench import units
from cnnbench.errors import InputError, reason_of


class Failures:
    """The last operator that raised, in case its error ends the pass."""

    def __init__(self) -> None:
        """Nothing has failed."""
        self._error: BaseException | None = None
        self._place = ""

    def note(
        self, error: BaseException, path: str, operator: str, args: Any, given: list[Tensor]
    ) -> None:
        """Keep where an error came from; the innermost operator that has it counts."""
        if self._error is not error:
            shapes = ", ".join(units.shape(tuple(tensor.shape)) for tensor in given)
            where = f"{path or 'the network'} ({operator})"
            self._error, self._place = error, f"{where}{expectation(operator, args)} given {shapes}"

    def explained(self, error: BaseException) -> str:
        """One line for the error that ended the pass."""
        reason = reason_of(error)
        if "expected device" in reason and "but got meta" in reason:
            reason = "it has a parameter out of reach (in a closure, a plain list or a script)"
        if "Inference tensors cannot be saved for backward" in reason:
            reason = "it takes gradients itself, or computes in another thread"
        if found := re.search(r"HigherOrderOperator (\w+)", reason):
            reason = f"it uses {found[1]}, an operator of functions that is not followed"
        if "NestedTensorImpl" in reason:
            reason = "it uses nested tensors, whose shapes torch does not tell; pad them"
        kind = "" if type(error) in (InputError, RuntimeError) else f"{type(error).__name__}: "
        text = kind + reason
        ours = any(self._error is e for e in (error, error.__cause__, error.__context__))
        return f"{self._place}: {text}" if self._error is not None and ours else text


def expectation(operator: str, args: Any) -> str:
    """What the commonest layers ask of their input, which torch's own text does not always say."""
    x, weight = (*args, None, None)[:2]
    if not (isinstance(x, Tensor) and isinstance(weight, Tensor) and x.dim() > 1):
        return ""
    if operator == "linear":
        given, expected, what = x.shape[-1], weight.shape[-1], "features"
    elif operator in ("conv1d", "conv2d", "conv3d", "batch_norm"):
        depth = weight.shape[1] * (args[6] if len(args) > 6 else 1) if weight.dim() > 1 else 0
        given, expected, what = x.shape[1], depth or weight.shape[0], "channels"
    else:
        return ""
    what = what if expected > 1 else what[:-1]
    return f" expects {expected} {what}," if given != expected else ""
