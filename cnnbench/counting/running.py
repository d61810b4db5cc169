"""Run a network without leaving a mark on it: its mode, its attributes, the layers running."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import get_ident

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

_REGISTERED = ("_parameters", "_buffers", "_modules")  # which vars() holds by reference


@contextmanager
def evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Evaluation mode; afterwards every attribute, parameter, buffer and flag is what it was."""
    before = [
        (content, dict(content))
        for module in modules
        for content in (vars(module), *(vars(module).get(name) for name in _REGISTERED))
        if isinstance(content, dict)
    ]
    try:
        for content, _ in before:
            if content.get("training"):
                content["training"] = False
        yield
    finally:
        for content, saved in before:
            content.clear()
            content.update(saved)


@contextmanager
def paths(modules: dict[str, nn.Module], stack: list[tuple[str, nn.Module]]) -> Iterator[None]:
    """Keep the modules that are running on `stack`, by hooks that do not touch the network."""
    names = {id(module): name for name, module in modules.items()}
    thread = get_ident()

    def enter(module: nn.Module, _: object) -> None:
        if get_ident() != thread:
            if id(module) in names:
                raise RuntimeError("it runs layers in another thread, where they cannot be counted")
            return  # another network, of no concern here
        stack.append((names.get(id(module), stack[-1][0] if stack else ""), module))

    def leave(module: nn.Module, _: object, __: object) -> None:
        if get_ident() == thread:
            stack.pop()

    before = register_module_forward_pre_hook(enter)
    after = register_module_forward_hook(leave, always_call=True)
    try:
        yield
    finally:
        before.remove()
        after.remove()
