"""`path/net.pt2`, `net.pt`, `net.ts`: programs of torch.export, archives of TorchScript.

Neither is unpickled by Python: a pickle can run anything. A program is a graph of torch's operators
in JSON, whose tensors are read as tensors alone. An archive is code of TorchScript's own, which
torch's interpreter runs: a closed language, without Python. Whatever else `torch.save` has written,
a module or a state_dict, is a pickle, and is refused.
"""

from __future__ import annotations

import importlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from cnnbench import units
from cnnbench.errors import SourceError
from cnnbench.models.foreign import quiet
from cnnbench.models.sources.source import Found, file_in, reported
from cnnbench.models.spec import SourceSpec

library = ""
_BROKEN = (  # what a reader of archives, of JSON and of what it should hold may raise
    *(ValueError, LookupError, TypeError, AttributeError, OSError, RecursionError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError),
)
_PROGRAM = ("models/model.json", "serialized_exported_program.json")
_INSTEAD = "save the network by torch.export.save or torch.jit.save, or give its code: file.py:NAME"


def find(spec: SourceSpec) -> Found:
    """The network in a file; SourceError says what the file is instead."""
    path = file_in(spec)
    names = _names(path)
    inner = {name.partition("/")[2] for name in names} | set(names)
    if any(name in inner for name in _PROGRAM):
        return _program(spec, path, names)
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        with reported(spec, "load"), quiet():
            return Found(torch.jit.load(str(path), map_location="cpu"))  # type: ignore[no-untyped-call]
    if "data.pkl" in inner:
        raise SourceError(f"{path} is a pickle of torch.save, which could run anything; {_INSTEAD}")
    raise SourceError(f"{path} is no archive of torch's; {_INSTEAD}")


def _names(path: Path) -> list[str]:
    """What is in the archive; SourceError where it is none."""
    try:
        with path.open("rb") as file:
            start = file.read(2)
        if start[:1] == b"\x80":
            raise SourceError(f"{path} is a pickle, which could run anything; {_INSTEAD}")
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise SourceError(f"{path} is no archive of torch's, or a part of one") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def _program(spec: SourceSpec, path: Path, names: list[str]) -> Found:
    """A program with the modules that it was exported from, and its example's shapes."""
    _check_program(path, names)
    with reported(spec, "load"), _no_pickles(), quiet():
        program = torch.export.load(path)
        net: nn.Module = torch.export.unflatten(program)
    return Found(net, input_shape=_shapes(program))


# torch evaluates these as Python: sizes, numbers, arithmetic, comparison, and nothing else.
_WORDS = (
    "True False Max Min Mod PythonMod FloorDiv CleanDiv CeilDiv Add Mul Pow Integer Rational "
    "Eq Ne Lt Le Gt Ge Equality Unequality LessThan StrictLessThan GreaterThan StrictGreaterThan"
)
_EXPRESSION = re.compile(
    r"(?:Symbol\('\w{1,20}'(?:, \w{1,20}=(?:True|False))*\)"
    rf"|\b(?:[su]\d+|{_WORDS.replace(' ', '|')})\b|\b\d+(?:\.\d+)?\b|[-+*/%(),<>=!&|~ ])*",
    re.ASCII,
)
_ARITHMETIC = "add sub mul floordiv truediv mod pow neg eq ne lt le gt ge and_ or_ not_ getitem"
_TARGET = re.compile(
    r"torch\.ops\.(aten|prims|torchvision|quantized|quantized_decomposed|higher_order)\.(?!from_file)"
    rf"\w+(\.\w+)?|_operator\.({_ARITHMETIC.replace(' ', '|')})|math\.\w+|torch\.sym_\w+"
)


def _check_program(path: Path, names: list[str]) -> None:
    """SourceError for what a program need not hold: compiled code, pickles, odd expressions.

    torch's own loader would load the first two, and evaluate the third.
    """
    if len({name.casefold() for name in names}) < len(names):
        raise SourceError(f"{path} is broken: it holds an entry twice")
    if any("aotinductor" in name.casefold() or name.endswith(".so") for name in names):
        raise SourceError(f"{path} holds compiled code, which could do anything; {_INSTEAD}")
    with zipfile.ZipFile(path) as archive:
        for name in names:
            if not name.endswith(".json"):
                continue
            try:
                content = json.loads(archive.read(name))
                _check_json(path, content)
                pickled = name.endswith("_config.json") and _has_pickles(content)
            except _BROKEN as error:
                raise SourceError(f"{path} is broken: {name} cannot be read") from error
            if pickled:
                raise SourceError(f"{path} holds a pickle, which could run anything; {_INSTEAD}")


def _check_json(path: Path, value: Any) -> None:
    """SourceError where an expression or an operator is another than those that are known."""
    if isinstance(value, list):
        for one in value:
            _check_json(path, one)
    if not isinstance(value, dict):
        return
    for key, one in value.items():
        is_target = key == "target" and isinstance(one, str) and "inputs" in value
        known = _EXPRESSION if key == "expr_str" else _TARGET if is_target else None
        if known is not None and not known.fullmatch(str(one)):
            raise SourceError(
                f"{path} holds {str(one)[:60]!r}, which could do anything; {_INSTEAD}"
            )
        _check_json(path, one)


def _has_pickles(content: Any) -> bool:
    """Whether a tensor or constant that a program lists is kept as a pickle."""
    payloads = content["config"].values()
    return any(one["use_pickle"] or "obj" in str(one["path_name"]) for one in payloads)


@contextmanager
def _no_pickles() -> Iterator[None]:
    """torch.load reads tensors alone, also where torch would fall back to unpickling."""
    loader: Any = importlib.import_module("torch.export.pt2_archive._package")

    load, pickles = torch.load, loader.pickle

    def refused(_: bytes) -> Any:
        raise SourceError("it holds a pickle")

    def tensors_alone(*args: Any, **named: Any) -> Any:
        return load(*args, **{**named, "weights_only": True})

    torch.load = tensors_alone
    loader.pickle = SimpleNamespace(loads=refused)
    try:
        yield
    finally:
        torch.load, loader.pickle = load, pickles


def _shapes(program: Any) -> tuple[str, ...] | None:
    """What its example was, without the batch; None where that is not all tensors by position."""
    example = program.example_inputs
    if example is None or example[1] or not example[0]:
        return None
    if not all(isinstance(one, torch.Tensor) and one.dim() > 1 for one in example[0]):
        return None
    return tuple(map(_typed, example[0]))


def _typed(x: torch.Tensor) -> str:
    """An input as a user types it, with its dtype where that is not the network's."""
    shape = units.shape(tuple(x.shape[1:]))
    return shape if x.is_floating_point() else f":{str(x.dtype).removeprefix('torch.')}={shape}"
