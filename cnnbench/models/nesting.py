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
_THREAD = 8 << 20  # of another thread, as systems have it
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
    """Let calls nest as deeply as the stack allows: torch takes three for each container.

    Python's own limit of 1,000 calls is meant for a stack that cannot grow. On Linux a main
    thread's can; elsewhere the limit stays what it is, where it is the larger.
    """
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _stack() // _FRAME))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _stack() -> int:
    """Bytes that this thread's stack may take; 0 where that is not known."""
    if resource is None:
        return 0
    main = threading.current_thread() is threading.main_thread()
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if not main:  # as large as the limit was when the process began
        return threading.stack_size() or min(_THREAD, soft if soft > 0 else _THREAD)
    if sys.platform == "linux" and 0 <= soft < _STACK:
        soft = _STACK if hard < 0 else min(_STACK, hard)
        resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    return _STACK if soft < 0 else min(soft, _STACK)
