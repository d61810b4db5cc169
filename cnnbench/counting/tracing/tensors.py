"""Small questions about tensors: which storage, which of them in a tree, what without values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_map_only


def storage(tensor: Tensor) -> int:
    """Identify a tensor's storage, which views of it share; a sparse tensor has but itself."""
    try:
        key: int = tensor.untyped_storage()._cdata
    except NotImplementedError:
        return id(tensor)
    return key


def is_plain(tensor: Tensor) -> bool:
    """Whether it has a storage and strides, which sparse and nested ones have not."""
    return tensor.layout is torch.strided and not tensor.is_nested


def tensors_in(tree: Any) -> list[Tensor]:
    """Tensors in arguments or outputs, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, (list, tuple)):
        return [tensor for branch in tree for tensor in tensors_in(branch)]
    if isinstance(tree, dict):
        return [tensor for branch in tree.values() for tensor in tensors_in(branch)]
    return []


def bytes_of(tensor: Tensor) -> int:
    """Bytes of its elements, of a sparse one those that it holds."""
    if tensor.is_sparse and not tensor.is_meta:
        return tensor._nnz() * (tensor.element_size() + 8 * tensor.sparse_dim())
    return tensor.numel() * tensor.element_size()


def weakly(tensor: Tensor) -> StorageWeakRef:
    """Refer to a tensor's storage without keeping it alive."""
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]


# Whether the storage that a weak reference names has no tensor any more; asked very often.
expired: Callable[[int], bool] = torch.UntypedStorage._expired  # type: ignore[assignment]


def shape_only(tensor: Tensor) -> Tensor:
    """Return the tensor's shape, strides and dtype on the meta device."""
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def on_meta(tree: Any) -> Any:
    """Arguments with every tensor that is not on the meta device replaced by its shape."""
    return tree_map_only(Tensor, lambda t: t if t.is_meta else shape_only(t), tree)


class Twins:
    """Tensors on the meta device that stand for real ones: one storage for each of theirs.

    Views of one weight, or weights that share memory, have twins that share memory too.
    """

    def __init__(self) -> None:
        """No twins yet."""
        self._storages: dict[int, torch.UntypedStorage] = {}

    def of(self, tensor: Tensor) -> Tensor:
        """Return the twin, whose storage is that of every other twin of this memory."""
        own = tensor.untyped_storage()
        if own._cdata not in self._storages:
            self._storages[own._cdata] = torch.UntypedStorage(  # type: ignore[no-untyped-call]
                own.nbytes(), device="meta"
            )
        place = (tensor.storage_offset(), tensor.shape, tensor.stride())
        twin = torch.empty(0, dtype=tensor.dtype, device="meta")
        return twin.set_(self._storages[own._cdata], *place)
