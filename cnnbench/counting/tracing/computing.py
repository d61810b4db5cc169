"""How an operator's output is found: of its shapes alone, or by running it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from cnnbench.counting.rules import convention
from cnnbench.counting.rules.treatment import Operator
from cnnbench.counting.tracing.asked import asks_for_values
from cnnbench.counting.tracing.ledger import OUT_OF_SIGHT, Ledger
from cnnbench.counting.tracing.tensors import is_plain, on_meta, storage, tensors_in, weakly
from cnnbench.errors import InputError
from cnnbench.models.inputs import Shape

_FILLED = frozenset("zeros_like ones_like full_like new_zeros new_ones new_full".split())
_LARGEST = 2**20  # elements of a constant of the input's shape that is made for real


class OnShapes:
    """Outputs without values, but of what is made from constants and weights alone.

    Shapes come from `shapes` where a rule is there, else from torch's own kernels. `careful` makes
    constants on the CPU that the network makes on its input's device, so that they have values.
    `refused` is what it could not answer, though the network may have gone on.
    """

    def __init__(
        self, ledger: Ledger, shapes: dict[str, Callable[..., Shape | None]], *, careful: bool
    ) -> None:
        """Nothing is made yet."""
        self._ledger = ledger
        self._shapes = shapes
        self._careful = careful
        # Made by the pass itself; while referred to, a storage's key is not given out again.
        self._constants: dict[int, StorageWeakRef] = {}
        self._stale: dict[int, StorageWeakRef] = {}  # written with what has no values
        self.refused: Exception | None = None

    def __call__(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Find the output: of constants its values, else its shape, by our rule or torch's."""
        mutable = func._schema.is_mutable
        in_place = mutable and func._schema.name.endswith("_")
        tensors = tensors_in((args, kwargs))
        # A view's tensor changes, not its values.
        written = _written(func, args, kwargs) if mutable and name not in convention.VIEWS else []
        if (
            all(map(self._has_values, tensors))
            and all(storage(tensor) in self._constants for tensor in written)
            and not (tensors and name in convention.NORMALISATIONS)  # may write, and not say so
        ):
            return self._constant(func, tensors, args, kwargs)
        if self._careful and name in _FILLED and _size(name, args) <= _LARGEST:
            return self._filled(func, args, kwargs)
        out = self._by_our_rule(name, in_place, tensors, args, kwargs)
        if out is None:
            out = self._by_torch(func, name, written, args, kwargs)
        for tensor in written:
            if not tensor.is_meta:
                self._stale[storage(tensor)] = weakly(tensor)
        for tensor in tensors_in(out):
            self._ledger.keep(tensor)
        return out

    def _has_values(self, tensor: Tensor) -> bool:
        return not tensor.is_meta and storage(tensor) not in self._stale

    def _constant(self, func: Operator, tensors: list[Tensor], args: Any, kwargs: Any) -> Any:
        """Run an operator on constants and weights alone: Python may branch on what it gives."""
        read = {storage(tensor) for tensor in tensors}
        out = func(*args, **kwargs)
        on_meta_device = kwargs.get("device") == torch.device("meta")
        small = all(tensor.numel() <= _LARGEST for tensor in tensors_in(out))
        if self._careful and on_meta_device and small:
            out = func(*args, **{**kwargs, "device": torch.device("cpu")})
        for tensor in tensors_in(out):
            if storage(tensor) not in read:  # made here, and free to be written here
                self._constants[storage(tensor)] = weakly(tensor)
                self._ledger.keep(tensor)
        return out

    def _filled(self, func: Operator, args: Any, kwargs: Any) -> Any:
        """A constant that has the shape of something without values."""
        like = torch.empty(args[0].shape, dtype=args[0].dtype, device="cpu")
        return self._constant(func, [], (like, *args[1:]), kwargs)

    def _by_torch(
        self, func: Operator, name: str, written: list[Tensor], args: Any, kwargs: Any
    ) -> Any:
        """The output by torch's kernel for shapes."""
        if name in ("index", "_unsafe_index", "index_put", "_index_put_impl"):
            args = (args[0], self._numbers(args[1]), *args[2:])
        meta = {"device": torch.device("meta")} if kwargs.get("device") else {}
        try:
            if name == "masked_select" and self._has_values(args[1]):
                kept = args[1].expand(torch.broadcast_shapes(args[0].shape, args[1].shape))  # type: ignore[no-untyped-call]
                return args[0].new_empty(int(kept.sum()), device="meta")
            out = func(*on_meta(args), **{**on_meta(kwargs), **meta})
        except Exception as error:
            self.note(error)
            raise
        if not written:
            return out
        return written[0] if len(written) == 1 else tuple(written)

    def note(self, error: Exception) -> None:
        """Remember that values were asked for, whoever catches the error."""
        if asks_for_values(error):
            self.refused = error

    def _numbers(self, indices: Any) -> list[Tensor | None]:
        """Masks whose values are known as the numbers that they stand for."""
        found: list[Tensor | None] = []
        for index in indices:
            masks = isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8)
            if masks and self._has_values(index):
                found += index.nonzero().unbind(1)
            else:
                found.append(index)
        return found

    def _by_our_rule(
        self, name: str, in_place: bool, tensors: list[Tensor], args: Any, kwargs: Any
    ) -> Tensor | None:
        """The output by a rule for its shape; None where there is none, or it is not certain."""
        rule = self._shapes.get(name)
        # Our rules give a contiguous output, which torch does where the inputs are.
        if rule is None or not all(tensor.is_contiguous() for tensor in tensors):
            return None
        try:
            shape = rule(*args, **kwargs)
        except TypeError:  # an overload with arguments that the rule does not know
            return None
        if shape is None or (in_place and shape != tuple(args[0].shape)):
            return None
        first: Tensor = args[0] if isinstance(args[0], Tensor) else args[0][0]
        return first if in_place else torch.empty(shape, dtype=first.dtype, device="meta")

    def saw(self, tensors: list[Tensor]) -> bool:
        """Whether they were made here."""
        return all(self._ledger.knows(tensor) for tensor in tensors if tensor.is_meta)

    def close(self) -> None:
        """Nothing of the network was written."""


class OnValues:
    """Outputs computed; what of the network is written meanwhile can be undone."""

    refused: Exception | None = None

    def __init__(self, ledger: Ledger, buffers: list[Tensor], *, wary: bool) -> None:
        """Keep what buffers hold, since batch norm writes them without telling.

        `wary` looks for what other threads compute from the start, else once one is started.
        """
        self._ledger = ledger
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        for buffer in buffers:
            self._keep(buffer)
        self._threads = Started(wary)

    def __call__(self, func: Operator, name: str, args: Any, kwargs: Any) -> Any:
        """Run it; InputError where it reads what another thread may have computed."""
        if not self.saw(tensors_in(args)):
            raise InputError(OUT_OF_SIGHT)
        untold = name in convention.NORMALISATIONS  # which may write statistics
        if func._schema.is_mutable or untold:
            for tensor in tensors_in(args) if untold else _written(func, args, kwargs):
                if not self._ledger.holds(tensor):
                    self._keep(tensor)
        read = {storage(tensor) for tensor in tensors_in((args, kwargs))}
        out = func(*args, **kwargs)
        for tensor in tensors_in(out):
            if storage(tensor) not in read:  # else it is a view, or was written
                self._ledger.keep(tensor)
        return out

    def saw(self, tensors: list[Tensor]) -> bool:
        """Whether they were made here, or there is no other thread that may have made them."""
        return not self._threads.any or all(
            self._ledger.knows(tensor) for tensor in tensors if tensor.is_floating_point()
        )

    def _keep(self, tensor: Tensor) -> None:
        if is_plain(tensor) and not tensor.is_meta and storage(tensor) not in self._before:
            held = tensor.untyped_storage()
            self._before[storage(tensor)] = held, held.clone()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Write back what the pass has overwritten."""
        self._threads.close()
        for held, before in self._before.values():
            held.copy_(before)


class Started:
    """Whether threads have been started meanwhile, by anyone here."""

    def __init__(self, already: bool) -> None:
        """None yet, unless there are known to be some `already`."""
        self.any = already
        self._start = threading.Thread.start

        def start(thread: threading.Thread) -> None:
            self.any = True
            self._start(thread)

        threading.Thread.start = start  # type: ignore[method-assign, assignment]

    def close(self) -> None:
        """Look no more."""
        threading.Thread.start = self._start  # type: ignore[method-assign]


def _size(name: str, args: Any) -> int:
    """Elements of what it makes: as many as its input's, or as it is told."""
    return math.prod(args[1]) if name.startswith("new_") else int(args[0].numel())


def _written(func: Operator, args: Any, kwargs: Any) -> list[Tensor]:
    """Tensors that its schema says it writes."""
    schema = func._schema.arguments
    named = {argument.name: argument for argument in schema}
    pairs = [*zip(schema, args, strict=False), *((named[k], v) for k, v in kwargs.items())]
    return [
        tensor
        for argument, value in pairs
        if argument.alias_info is not None and argument.alias_info.is_write
        for tensor in tensors_in(value)
    ]
