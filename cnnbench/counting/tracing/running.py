"""Run a network: the layers that are running, what it returns, what a backward pass needs."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from cnnbench.errors import InputError


def outputs_of(result: object) -> list[Tensor]:
    """Tensors that a forward pass returned, in whatever it put them; InputError where none is."""
    found = _tensors_within(result, set())
    if not found:
        what = "nothing" if result is None else f"a {type(result).__name__} without a tensor"
        raise InputError(f"its forward returns {what}; it must return a tensor")
    return found


def _tensors_within(value: object, seen: set[int]) -> list[Tensor]:
    """Tensors in containers and objects, each once."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, (str, bytes, int, float, type(None))) or id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, Mapping):
        parts = list(value.values())
    elif isinstance(value, Collection):
        parts = list(value)
    else:
        slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
        parts = [*getattr(value, "__dict__", {}).values()]
        parts += [getattr(value, name, None) for name in slots if name != "__dict__"]
    return [tensor for part in parts for tensor in _tensors_within(part, seen)]


def trainable(outputs: list[Tensor]) -> list[Tensor]:
    """Outputs that a backward pass can start from; InputError where there is none."""
    found = [tensor for tensor in outputs if tensor.requires_grad]
    if not found:
        raise InputError("no output depends on a trainable parameter, so there is no backward pass")
    return found


def gradients(net: nn.Module) -> list[Tensor]:
    """Gradients that a backward pass has left on the parameters."""
    leaves = [parameter for parameter in net.parameters() if parameter.is_leaf]
    return [parameter.grad for parameter in leaves if parameter.grad is not None]


class _Shared:
    """Layers that stand in several places, such as one activation: each call is where it is called.

    Where its caller holds it several times, it is taken to be called in that order.
    """

    def __init__(self, modules: Mapping[str, nn.Module]) -> None:
        places = Counter(id(child) for one in modules.values() for child in one._modules.values())
        self._shared = {key for key, times in places.items() if times > 1}
        self._calls: Counter[tuple[int, int]] = Counter()

    def path(self, module: nn.Module, caller: str, holder: nn.Module) -> str | None:
        """Where it stands within its caller; None of a layer that stands in one place."""
        if id(module) not in self._shared:
            return None
        names = [name for name, child in holder._modules.items() if child is module]
        if not names:
            return None
        pair = (id(holder), id(module))
        name = names[self._calls[pair] % len(names)]
        self._calls[pair] += 1
        return f"{caller}.{name}" if caller else name


@contextmanager
def paths(modules: dict[str, nn.Module]) -> Iterator[list[tuple[str, nn.Module]]]:
    """The stack of modules that are running, by hooks that do not touch the network."""
    stack: list[tuple[str, nn.Module]] = []
    names = {id(module): name for name, module in modules.items()}
    shared = _Shared(modules)
    thread = get_ident()

    def enter(module: nn.Module, _: object) -> None:
        if get_ident() != thread:
            if id(module) in names:
                raise RuntimeError("it runs layers in another thread, where they cannot be counted")
            return  # another network, of no concern here
        path = shared.path(module, *stack[-1]) if stack else None
        if path is None:
            path = names.get(id(module), stack[-1][0] if stack else "")
        stack.append((path, module))

    def leave(module: nn.Module, _: object, __: object) -> None:
        if get_ident() == thread:
            stack.pop()

    before = register_module_forward_pre_hook(enter)
    after = register_module_forward_hook(leave, always_call=True)
    try:
        with warnings.catch_warnings():  # that this hook, too, found no room where nothing did
            warnings.filterwarnings("ignore", "global module forward hook", UserWarning)
            yield stack
    finally:
        before.remove()
        after.remove()
