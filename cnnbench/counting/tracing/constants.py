"""Constants that a network makes of Python's numbers on its input's device, with their values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from cnnbench.counting.tracing.tensors import tensors_in

_MADE = (torch.tensor, torch.as_tensor, torch.asarray)
_INDEXED = (Tensor.__getitem__, Tensor.__setitem__)


class Constants(TorchFunctionMode):
    """Makes on the CPU what would have no values on the meta device; indices by lists, too.

    Torch makes these without telling a dispatch mode.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Hear of one call from Python."""
        kwargs = kwargs or {}
        if func in _INDEXED:
            args = (args[0], _index(args[1]), *args[2:])
        elif func in _MADE and torch.device(kwargs.get("device") or "cpu").type == "meta":
            if any(tensor.is_meta for tensor in tensors_in(args)):
                return func(*args, **kwargs)
            kwargs = {**kwargs, "device": "cpu"}
        elif func is Tensor.new_tensor and args[0].is_meta:
            dtype = kwargs.get("dtype") or args[0].dtype
            func, args, kwargs = torch.tensor, args[1:], {**kwargs, "dtype": dtype, "device": "cpu"}
        return func(*args, **kwargs)


def _index(index: Any) -> Any:
    """Lists, and ranges, of numbers as tensors that have values."""
    if isinstance(index, tuple):
        listed = (list, range, tuple)
        return tuple(_listed(one) if isinstance(one, listed) else one for one in index)
    return _listed(index) if isinstance(index, (list, range)) else index


def _listed(numbers: Any) -> Any:
    """Numbers as a tensor; anything else as it is."""
    try:
        kind = None if len(numbers) else torch.int64
        return torch.tensor(list(numbers), dtype=kind, device="cpu")
    except (TypeError, ValueError, RuntimeError):  # slices among them, or tensors
        return numbers
