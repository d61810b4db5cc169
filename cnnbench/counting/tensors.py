"""Small questions about tensors: which storage, which of them in a tree, what without values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._pytree import tree_map_only


def storage(tensor: Tensor) -> int:
    """Identify a tensor's storage, which views of it share."""
    key: int = tensor.untyped_storage()._cdata
    return key


def tensors_in(tree: Any) -> list[Tensor]:
    """Tensors in arguments or outputs, in order."""
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, (list, tuple)):
        return [tensor for branch in tree for tensor in tensors_in(branch)]
    if isinstance(tree, dict):
        return [tensor for branch in tree.values() for tensor in tensors_in(branch)]
    return []


def weakly(tensor: Tensor) -> StorageWeakRef:
    """Refer to a tensor's storage without keeping it alive."""
    return StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]


def gone(reference: StorageWeakRef) -> bool:
    """Whether the storage has no tensor any more."""
    gone: bool = reference.expired()  # type: ignore[no-untyped-call]
    return gone


def shape_only(tensor: Tensor) -> Tensor:
    """Return the tensor's shape, strides and dtype on the meta device."""
    if tensor.is_meta:
        return tensor
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def on_meta(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Move keyword arguments, and the device among them, to the meta device."""
    moved: dict[str, Any] = tree_map_only(Tensor, shape_only, kwargs)
    return {**moved, "device": torch.device("meta")} if moved.get("device") else moved
