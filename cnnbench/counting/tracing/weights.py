"""A network's parameters and buffers in a pass: which tensors are theirs, what has been read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import Any

from torch import Tensor, nn

from cnnbench.counting.tracing.tensors import bytes_of, is_plain, storage


@dataclass(frozen=True, slots=True)
class _Unread:
    """A parameter that no operator has read, and where in its storage it lies."""

    name: str
    elements: int
    trainable: bool
    start: int
    end: int

    def overlaps(self, tensor: Tensor) -> bool:
        start, end = _extent(tensor)
        return start < self.end and self.start < end


class Weights:
    """The account of a network's weights: `storages` of parameters and buffers, and their `size`.

    `frozen` is the elements of parameters that are not trainable.
    """

    def __init__(self, net: nn.Module) -> None:
        """Open it: nothing is read."""
        self._unread = _parameters(net)
        self._parameters = set(self._unread)
        held = {storage(tensor): tensor for tensor in chain(net.parameters(), net.buffers())}
        self.storages = set(held)
        self.size = sum(map(_size, held.values()))
        self.frozen = sum(e.elements for es in self._unread.values() for e in es if not e.trainable)
        self._packed: set[int] = set()  # layers whose packed weights have been read
        self._new = 0  # elements of packed weights that the next operator reads

    def has_parameter(self, tensor: Tensor) -> bool:
        """Whether it is a parameter, or a view of one."""
        return storage(tensor) in self._parameters

    def stands_for(self, twin: int, original: int) -> None:
        """Take a twin's storage for that of the weight, or constant, whose place it takes."""
        self.storages.add(twin)
        if original in self._parameters:
            self._parameters.add(twin)
            self._unread[twin] = self._unread[original]

    def meet(self, tensor: Tensor) -> bool:
        """Take a parameter that is kept where torch does not look; whether it is one, and new."""
        if type(tensor) is Tensor:  # as nearly all are
            return False
        key = storage(tensor)
        if not isinstance(tensor, nn.Parameter) or key in self._parameters:
            return False
        start, end = _extent(tensor)
        self._parameters.add(key)
        self.storages.add(key)
        self._unread[key] = [_Unread("", tensor.numel(), tensor.requires_grad, start, end)]
        self.size += _size(tensor)
        self.frozen += 0 if tensor.requires_grad else tensor.numel()
        return True

    def meet_packed(self, packed: Any, module: nn.Module | None) -> None:
        """Take a layer's packed weight, and its bias, for the parameters that they were."""
        if id(module) not in self._packed:
            self._packed.add(id(module))
            held = [t for t in packed.unpack() if isinstance(t, Tensor)]
            self._new += sum(tensor.numel() for tensor in held)
            self.size += sum(map(bytes_of, held))

    def first_read(self, read: list[Tensor]) -> int:
        """Elements of parameters among `read` that nothing has read before."""
        params, self._new = self._new, 0
        for tensor in read:
            entries = self._unread.get(storage(tensor))
            for entry in [e for e in entries or () if e.overlaps(tensor)]:
                params += entry.elements
                entries.remove(entry)  # type: ignore[union-attr]  # for twins, too: one list
        return params

    def unread(self) -> dict[str, int]:
        """Elements that nothing has read, by module."""
        found: Counter[str] = Counter()
        for entries in {id(entries): entries for entries in self._unread.values()}.values():
            for entry in entries:
                found[entry.name.rpartition(".")[0]] += entry.elements
        return dict(found)


def _size(tensor: Tensor) -> int:
    return tensor.untyped_storage().nbytes() if is_plain(tensor) else bytes_of(tensor)


def _parameters(net: nn.Module) -> dict[int, list[_Unread]]:
    """Every parameter by its storage: a shared one stands once."""
    found: dict[int, list[_Unread]] = {}
    places = set()
    for name, parameter in net.named_parameters():
        start, end = _extent(parameter)
        place = (storage(parameter), start, parameter.numel())
        if place not in places:  # not tied, to a transposed form either
            places.add(place)
            entry = _Unread(name, parameter.numel(), parameter.requires_grad, start, end)
            found.setdefault(place[0], []).append(entry)
    return found


def _extent(tensor: Tensor) -> tuple[int, int]:
    """The first element of its storage that a tensor can reach, and the one after the last."""
    if not is_plain(tensor):
        return 0, tensor.numel()
    start = int(tensor.storage_offset())
    if not tensor.numel():
        return start, start
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return start, start + 1 + sum((side - 1) * int(step) for side, step in steps)
