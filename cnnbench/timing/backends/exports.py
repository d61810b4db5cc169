"""Exports kept: a network is written for a runtime once, and found again by its content.

The content is the network's weights, what its modules are and the code of their classes, and the
shapes of its arguments; beside it, what was asked of the file and what writes it. Code that a
forward calls elsewhere is not in it: whoever runs a kept file looks at its outputs.
"""

from __future__ import annotations

import inspect
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from platformdirs import user_cache_path

from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network

_ROOM = 4 * 2**30  # bytes; beyond it what was used the longest ago goes
_PLAIN = (bool, int, float, str, tuple, list, dict, type(None))
_WRITERS = ("torch", "onnx", "onnxscript", "onnxruntime", "cnnbench")


def folder() -> Path:
    """Where they are kept, in the user's cache folder."""
    return user_cache_path("cnnbench") / "exports"


def kept(key: str, name: str, write: Callable[[Path], None], *, anew: bool = False) -> Path:
    """The file that `write` makes of a content, whose word is `key`; `name` says what was asked.

    It is made where it is not there, or `anew`; processes that want it at once make it once.
    """
    place = folder() / f"{key}-{name}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.with_name(f"{place.name}.lock")):
        if anew or not place.exists():
            with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
                made = Path(temporary) / name
                write(made)
                made.replace(place)
            _make_room(place)
    os.utime(place)
    return place


def _make_room(newest: Path) -> None:
    """Remove what was used the longest ago, until what stays is small enough."""
    used = 0
    files = [path for path in newest.parent.iterdir() if path.is_file() and path.suffix != ".lock"]
    for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True):
        used += path.stat().st_size
        if used > _ROOM and path != newest:
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}.lock").unlink(missing_ok=True)


def content_of_file(file: Path, *more: object) -> str:
    """What a file and whatever else decides is, as a word."""
    said = blake2b(repr([_versions(), more]).encode(), digest_size=16)
    with file.open("rb") as stream:
        while part := stream.read(2**20):
            said.update(part)
    return said.hexdigest()


def content(network: Network, given: Arguments) -> str:
    """What a network and its arguments are, as a word."""
    said = blake2b(digest_size=16)

    def say(*values: Any) -> None:
        said.update(re.sub(r" at 0x[0-9a-f]+", "", repr(values)).encode())

    say(_versions(), [_described(one) for one in given.positional])
    say({name: _described(one) for name, one in given.named.items()})
    for name, module in network.net.named_modules():
        kind = type(module)
        say(name, kind.__module__, kind.__qualname__, _code(kind), getattr(module, "code", ""))
        own = vars(module) if isinstance(getattr(module, "__dict__", None), dict) else {}
        say({key: value for key, value in own.items() if isinstance(value, _PLAIN)})
    held = [*network.net.named_parameters(), *network.net.named_buffers()]
    for name, tensor in held:
        say(name, tensor.dtype, tuple(tensor.shape))
        said.update(_bytes(tensor))
    return said.hexdigest()


def _described(value: Any) -> Any:
    """A tensor by its shape and dtype, what holds some by them, a flag as it is."""
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.dtype
    if isinstance(value, dict):
        return {key: _described(one) for key, one in value.items()}
    return [_described(one) for one in value] if isinstance(value, (list, tuple)) else value


def _bytes(tensor: torch.Tensor) -> Any:
    plain = tensor.detach().cpu().contiguous().view(-1)
    return plain.view(torch.uint8).numpy() if plain.numel() else b""


def _code(kind: type) -> str:
    """The source of a class; of one of torch's its name says it."""
    if kind.__module__.startswith("torch."):
        return ""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # it was typed, or made
        return ""


@cache
def _versions() -> list[str]:
    found = []
    for name in _WRITERS:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found
