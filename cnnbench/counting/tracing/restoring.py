"""Leave a network exactly as it was: attributes, containers, weights, flags; and randomness."""

from __future__ import annotations

import random
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map

from cnnbench.counting.tracing.tensors import Twins, is_plain, storage
from cnnbench.models.nesting import modules

_set_version = torch._C._autograd._unsafe_set_version_counter


@contextmanager
def restored(net: nn.Module) -> Iterator[None]:
    """Whatever its code assigns, appends, registers or writes meanwhile is undone afterwards.

    Containers in attributes are looked at, and in each other, and plain objects; values that are
    written around torch (through numpy) are lost.
    """
    inside = list(modules(net).values())
    filled: list[tuple[Any, Any]] = [(vars(module), dict(vars(module))) for module in inside]
    empty: list[Any] = []
    for value in _containers(inside):
        if value:
            filled.append((value, value.copy()))
        else:
            empty.append(value)
    weights = {id(t): t for m in inside for t in (*m._parameters.values(), *m._buffers.values())}
    undo = [_weight(tensor) for tensor in weights.values() if tensor is not None]
    try:
        yield
    finally:
        for content in filter(None, empty):
            content.clear()
        for content, saved in filled:
            content.clear()
            put_back = content.extend if isinstance(content, (list, deque)) else content.update
            put_back(saved)
        for step in undo:
            step()


def _containers(inside: list[nn.Module]) -> list[Any]:
    """Dicts, lists, sets and deques that modules hold, and the attributes of plain objects."""
    found: list[Any] = []
    left: list[Any] = []
    seen = set()
    for module in inside:
        for name, value in vars(module).items():
            if name not in _TORCHS:
                left.append(value)
            elif isinstance(value, (dict, set)):  # tensors, modules, hooks, names: none deeper
                found.append(value)
    while left:
        value = left.pop()
        kind = type(value)
        if kind in _PLAIN or isinstance(value, (Tensor, nn.Module)) or id(value) in seen:
            continue
        if isinstance(value, (dict, list, set, deque)):
            seen.add(id(value))
            found.append(value)
            left += value.values() if isinstance(value, dict) else value
        elif hasattr(value, "__dict__") and not callable(value) and kind.__module__ != "builtins":
            seen.add(id(value))
            found.append(vars(value))
            left += vars(value).values()
    return found


_PLAIN = {str, int, float, bool, type(None), tuple}
_TORCHS = frozenset(vars(nn.Module()))  # attributes that each module has


@contextmanager
def undrawn() -> Iterator[None]:
    """Python's, numpy's and torch's random numbers go on afterwards as if none had been drawn."""
    numpy = sys.modules.get("numpy.random")
    by_torch, by_python = torch.get_rng_state(), random.getstate()
    by_numpy = numpy.get_state() if numpy else None
    try:
        yield
    finally:
        torch.set_rng_state(by_torch)
        random.setstate(by_python)
        if numpy:
            numpy.set_state(by_numpy)


def _weight(tensor: Tensor) -> Callable[[], None]:
    if not is_plain(tensor):
        return lambda: None
    alias, place, leaf = tensor.detach(), _place(tensor), tensor.is_leaf
    wanted, gradient = tensor.requires_grad, tensor.grad if leaf else None
    version = None if tensor.is_inference() else tensor._version
    hooks = dict(tensor._backward_hooks or {})

    def undo() -> None:
        if leaf and not tensor.is_leaf:  # an operator in place has made it part of a graph
            tensor.detach_()
        if _place(tensor) != place:
            tensor.data = alias
        if tensor.requires_grad != wanted:
            tensor.requires_grad_(wanted)
        if tensor.is_leaf and tensor.grad is not gradient:
            tensor.grad = gradient
        if (now := tensor._backward_hooks) and dict(now) != hooks:
            now.clear()
            now.update(hooks)
        if version is not None and tensor._version != version:
            _set_version((tensor,), (version,))  # a backward pass may wait for these values

    return undo


def _place(tensor: Tensor) -> tuple[Any, ...]:
    shape, stride = tuple(tensor.shape), tensor.stride()
    return (storage(tensor), tensor.storage_offset(), shape, stride, tensor.dtype)


def seed(number: int) -> Callable[[], bool]:
    """Start Python's, numpy's and torch's random numbers from there, so that two counts agree.

    Returns what tells whether any has been drawn since.
    """
    numpy = sys.modules.get("numpy.random")
    random.seed(number)
    torch.default_generator.manual_seed(number)
    if numpy:
        numpy.seed(number)

    def states() -> list[Any]:
        _, numbers, place, *_ = numpy.get_state() if numpy else (None, np.empty(0), 0)
        return [
            random.getstate(),
            torch.get_rng_state().numpy().tobytes(),
            numbers.tobytes(),
            place,
        ]

    before = states()
    return lambda: states() != before


def in_mode(net: nn.Module, train: bool) -> nn.Module:
    """The network; where its own `train()` or `eval()` may do more than flags, a copy in that mode.

    It merges layers, say. What cannot be copied is taken as it is, with its flags alone.
    """
    if not any(map(_has_own_modes, modules(net).values())):
        return net
    try:
        return deepcopy(net).train() if train else deepcopy(net).eval()
    except Exception:  # whatever it holds, or does
        return net


def _has_own_modes(module: nn.Module) -> bool:
    kind = type(module)
    scripted = isinstance(module, torch.jit.ScriptModule)  # its flags are out of Python's reach
    return scripted or kind.train is not nn.Module.train or kind.eval is not nn.Module.eval


def evaluate(net: nn.Module) -> None:
    """Evaluation mode, by flags alone."""
    for module in modules(net).values():
        if vars(module).get("training"):
            vars(module)["training"] = False


def without_values(net: nn.Module) -> None:
    """Put parameters on the meta device in the place of its own, so that gradients are theirs."""
    twins = Twins()
    known: dict[int, nn.Parameter] = {}

    def twin(value: object) -> object:
        if not isinstance(value, nn.Parameter):
            return value
        if id(value) not in known:
            made = nn.Parameter(twins.of(value), requires_grad=value.requires_grad)
            vars(made).update(vars(value))
            known[id(value)] = made
        return known[id(value)]

    for module in modules(net).values():
        parameters = vars(module).get("_parameters")
        if isinstance(parameters, dict):
            parameters.update({key: twin(parameter) for key, parameter in parameters.items()})
        for name, value in list(vars(module).items()):
            if name != "_parameters" and _holds_parameters(value):
                vars(module)[name] = tree_map(twin, value)  # recurrent layers keep a list of them


def _holds_parameters(value: object) -> bool:
    held = tree_leaves(value) if isinstance(value, (list, tuple, dict)) else [value]
    return any(isinstance(leaf, nn.Parameter) for leaf in held)
