"""Networks that are nested deeply: their modules without recursion, room for what recurses.

Needs no torch.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from torch import nn

_STACK = 112 << 20  # of the 128 MiB that Linux keeps free below a main thread's stack
_FRAME = 4096  # bytes of stack; torch's forwards and copies take 600, its wrapped tensors 2,500


def modules(net: nn.Module) -> dict[str, nn.Module]:
    """Every module once by its path, outside before inside, as `named_modules` has them."""
    found: dict[str, nn.Module] = {}
    seen: set[int] = set()
    left = [("", net)]
    while left:
        path, module = left.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        found[path] = module
        inside = [(name, child) for name, child in module._modules.items() if child is not None]
        left += [(f"{path}.{name}" if path else name, child) for name, child in reversed(inside)]
    return found


@contextmanager
def room() -> Iterator[None]:
    """Room for calls to nest as deeply as a main thread's stack holds: torch takes three a level.

    Python's own limit of 1,000 calls is meant for a stack that cannot grow. On Linux a main
    thread's can; elsewhere it is as large as it is, and another thread keeps Python's limit. From
    Python 3.12 on, the interpreter has a second limit of its own, which nothing raises.
    """
    if resource is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    soft, hard = limits = resource.getrlimit(resource.RLIMIT_STACK)
    calls = sys.getrecursionlimit()
    if sys.platform == "linux" and 0 <= soft < _STACK:
        soft = _STACK if hard < 0 else min(_STACK, hard)
        resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    stack = _STACK if soft < 0 else min(soft, _STACK)
    sys.setrecursionlimit(max(calls, stack // _FRAME))
    try:
        yield
    finally:
        sys.setrecursionlimit(calls)
        resource.setrlimit(resource.RLIMIT_STACK, limits)  # or threads of others' programs have it
