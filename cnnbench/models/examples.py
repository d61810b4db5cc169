"""Arguments that are real: from a file of numbers or an image, from a user's code, or carried.

No pickle is ever opened.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from copy import copy
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from cnnbench.errors import CnnbenchError, InputError, ShapeError, reason_of
from cnnbench.models.sources import python
from cnnbench.models.sources.source import reported
from cnnbench.models.spec import SourceSpec

Example = Callable[[int], tuple[list[Any], dict[str, Any]]]  # of a batch, positional and named
_ARRAYS, _IMAGES = (".npy", ".npz", ".safetensors"), (".png", ".jpg", ".jpeg")


def mapped(value: Any, convert: Callable[[Tensor], Tensor]) -> Any:
    """The same structure, every tensor converted: of lists, tuples, dicts and dataclasses."""
    if isinstance(value, Tensor):
        return convert(value)
    if isinstance(value, dict):
        made = copy(value)
        made.update({key: mapped(one, convert) for key, one in value.items()})
        return made
    if isinstance(value, PackedSequence):  # it reads its own lengths
        return value
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(one, convert) for one in value))
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(one, convert) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        made = copy(cast(Any, value))
        for field in fields(value):
            object.__setattr__(made, field.name, mapped(getattr(value, field.name), convert))
        return made
    return value


def named(text: str) -> Example:
    """The example of that name in a file or a module; CnnbenchError where there is none."""
    source, _, name = text.rpartition(":")
    if not source or not name:
        raise ShapeError(f"malformed example {text!r}; write FILE.py:NAME or package.module:NAME")
    spec = SourceSpec(source, name, ())
    target = python.find(spec).target
    if isinstance(target, Tensor) or not callable(target):
        return lambda batch: _arguments(_of_one_batch(target, batch, text), text)
    takes = _takes_batch(target)

    def made(batch: int) -> tuple[list[Any], dict[str, Any]]:
        with reported(spec, "call"):
            value = target(batch=batch) if takes else target()
        return _arguments(value if takes else _of_one_batch(value, batch, text), text)

    return made


def _of_one_batch(value: Any, batch: int, text: str) -> Any:
    if batch != 1:
        raise ShapeError(
            f"{text} takes no batch; leave --batch {batch} out, or write a function of batch"
        )
    return value


def carried(net: nn.Module) -> Example | None:
    """What a network says of itself: Lightning's `example_input_array`, transformers' inputs."""
    for name in ("example_input_array", "dummy_inputs"):
        try:
            value = getattr(net, name, None)
        except Exception:  # it may be a property of anything
            continue
        if value is not None and tensors(value):
            return _batches(value, name)
    return None


def tensors(value: Any) -> list[Tensor]:
    """Every tensor in it, in order."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    mapped(value, note)
    return found


def _batches(value: Any, name: str) -> Example:
    """The first of its batch, so many times."""
    positional, keywords = _arguments(value, name)
    size = tensors(value)[0].shape[:1]

    def made(batch: int) -> tuple[list[Any], dict[str, Any]]:
        def taken(x: Tensor) -> Tensor:
            fits = x.dim() > 0 and x.shape[:1] == size
            return x[:1].expand(batch, *x.shape[1:]).clone() if fits else x

        return mapped(positional, taken), mapped(keywords, taken)

    return made


def _arguments(value: Any, name: str) -> tuple[list[Any], dict[str, Any]]:
    """A tensor or a list, a tuple of positional arguments, a dict of keywords, or both."""
    both = isinstance(value, tuple) and len(value) == 2
    if both and isinstance(value[0], tuple) and isinstance(value[1], dict):
        return list(value[0]), dict(value[1])
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise InputError(f"{name}: keywords are texts; give (args, kwargs) for another dict")
        return [], dict(value)
    if value is None or isinstance(value, (str, int, float)):
        raise InputError(
            f"{name} is of type {type(value).__name__}; an example is a tensor, a tuple of "
            "arguments, a dict of keywords, (args, kwargs), or a function that returns one"
        )
    return (list(value) if isinstance(value, tuple) else [value]), {}


def _takes_batch(target: Callable[..., Any]) -> bool:
    try:
        return "batch" in inspect.signature(target).parameters
    except (TypeError, ValueError):  # written in C
        return False


def from_file(text: str) -> Tensor:
    """The numbers of a file, or an image as RGB [3, H, W] from 0 to 1; InputError says why not.

    `data.npz:NAME` and `data.safetensors:NAME` name one of several.
    """
    path, _, name = text.rpartition(":")
    suffixes = (*_ARRAYS, *_IMAGES)
    if Path(text).suffix.lower() in suffixes:
        path, name = text, ""
    if Path(path).suffix.lower() not in suffixes:
        raise InputError(f"{text} is none of {', '.join(suffixes)}, which can be read as an input")
    if not Path(path).is_file():
        raise InputError(f"there is no file {path}")
    return _read(path, name, Path(path).stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: str, name: str, changed: int) -> Tensor:
    suffix = Path(path).suffix.lower()
    try:
        if suffix in _IMAGES:
            return _image(path)
        if suffix == ".safetensors":
            held: Tensor = _one(_safetensors(path), name, path)
            return held
        found = np.load(path, allow_pickle=False)
        if suffix == ".npz":
            with found:
                array = _one(dict(found), name, path)
        else:
            array = found
        tensor: Tensor = torch.from_numpy(array)
        return tensor
    except CnnbenchError:
        raise
    except Exception as error:  # whatever a broken file brings up
        reason = reason_of(error)
        reason = "it holds no plain numbers" if "pickle" in reason else reason
        raise InputError(f"{path} cannot be read: {reason}") from error


def _one(found: dict[str, Any], name: str, path: str) -> Any:
    if name and name not in found:
        raise InputError(f"{path} has no {name!r}; it has {', '.join(found)}")
    if not name and len(found) != 1:
        first = next(iter(found), "…")
        raise InputError(f"{path} has {', '.join(found)}; name one: {path}:{first}")
    return found[name] if name else next(iter(found.values()))


def _image(path: str) -> Tensor:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise InputError(f"{path} is an image; to read it, type: pip install pillow") from error
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def _safetensors(path: str) -> dict[str, Tensor]:
    try:
        from safetensors.torch import load_file  # type: ignore[import-not-found,unused-ignore]
    except ModuleNotFoundError as error:
        raise InputError(f"to read {path}, type: pip install safetensors") from error
    return dict(load_file(path))
