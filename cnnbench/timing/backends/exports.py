"""Exports kept: a network is written for a runtime once, and found again by its content.

Networks of ours are kept in the user's cache: their weights, modules and code say all of them. What
a network of somebody else's computes may lie anywhere, so it is kept for one run alone, in a folder
that its worker processes share.
"""

from __future__ import annotations

import inspect
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
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
from cnnbench.models.spec import Spec, parse
from cnnbench.timing.backends.watches.nodes import weights_beside
from cnnbench.timing.preparing.run_folder import run_folder

_ROOM = 4 * 2**30  # bytes; beyond it what was used the longest ago goes
_LEFT_S = 24 * 3600  # after which what an interrupted process has left goes
_PLAIN = (bool, int, float, str, tuple, list, dict, type(None))
_WRITERS = ("torch", "onnx", "onnxscript", "onnxruntime", "cnnbench")


def folder(network: Network | None = None) -> Path:
    """Where a network's exports are kept, files' in the cache; of a run where it cannot write."""
    ours = network is None or (network.by_name and isinstance(parse(network.name), Spec))
    place = user_cache_path("cnnbench") / "exports"
    if ours:
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            if os.access(place, os.W_OK):
                return place
    return Path(run_folder())


def folder_of(file: Path) -> Path:
    """Where what is made of a file is kept: beside it where that is kept for this run."""
    return file.parent if str(file.parent) == run_folder() else folder()


def kept(
    place: Path, key: str, name: str, write: Callable[[Path], None], *, anew: bool = False
) -> Path:
    """The file in `place` that `write` makes of a content, whose word is `key`, as `name` asks.

    It is made where it is not there, or `anew`; processes that want it at once make it once.
    """
    file = place / f"{key}-{name}"
    with FileLock(file.with_name(f"{file.name}.lock")):
        if anew or not file.exists():
            with tempfile.TemporaryDirectory(dir=place) as temporary:
                made = Path(temporary) / name
                write(made)
                made.replace(file)
            file.with_name(f"{file.name}.run").write_text(run_folder())
            _make_room(file)
        os.utime(file)
    return file


def is_of_this_run(file: Path) -> bool:
    """Whether a kept file was made in this run, so that making it anew would change nothing."""
    with suppress(OSError):
        return file.with_name(f"{file.name}.run").read_text() == run_folder()
    return False


def _make_room(newest: Path) -> None:
    """Remove what was used the longest ago until what stays is small, and what is left behind."""
    used, now, paths = 0, time.time(), []
    for path in newest.parent.iterdir():
        with suppress(OSError):  # another process may remove it meanwhile
            paths.append((path.stat().st_mtime, path))
    for seconds, path in sorted(paths, reverse=True):
        with suppress(OSError):
            if path.is_dir() or path.suffix in (".lock", ".run"):
                if now - seconds > _LEFT_S:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                continue
            used += path.stat().st_size
            if used > _ROOM and path != newest:
                path.unlink()


def content_of_file(file: Path, *more: object) -> str:
    """What a file and whatever else decides is, as a word."""
    beside = [(one.name, one.stat().st_size, one.stat().st_mtime) for one in _beside(file)]
    said = blake2b(repr([_versions(), more, beside]).encode(), digest_size=16)
    with file.open("rb") as stream:
        while part := stream.read(2**20):
            said.update(part)
    return said.hexdigest()


def _beside(file: Path) -> list[Path]:
    """Files that hold a graph's weights, where they lie beside it."""
    if file.suffix.lower() != ".onnx":
        return []
    import onnx

    names = weights_beside(onnx.load(file, load_external_data=False).graph)
    return [file.parent / name for name in sorted(names) if (file.parent / name).is_file()]


def content(network: Network, given: Arguments, *more: object) -> str:
    """What a network, its arguments and whatever else decides are, as a word."""
    said = blake2b(digest_size=16)

    def say(*values: Any) -> None:
        said.update(re.sub(r" at 0x[0-9a-f]+", "", repr(values)).encode())

    say(_versions(), more, network.name, [_described(one) for one in given.positional])
    say({name: _described(one) for name, one in given.named.items()})
    for name, module in network.net.named_modules():
        kind = type(module)
        say(name, kind.__qualname__, _code(kind), getattr(module, "code", ""))
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
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return found
