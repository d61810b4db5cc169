"""A graph from a file of TensorFlow Lite: opened without its weights, its inputs fitted."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cnnbench.counting.files.graph import Graph
from cnnbench.counting.files.inputs import Side, Taken, shapes_of
from cnnbench.errors import CnnbenchError, InputError, MissingError, SourceError, reason_of
from cnnbench.models.given import Given

try:
    import tflite
except ImportError as error:
    raise MissingError("tflite is not installed; type: pip install 'cnnbench[tflite]'") from error

from cnnbench.counting.files.tflite.nodes import Reader
from cnnbench.counting.files.tflite.schema import BrokenError, dtype_of, sides_of, text, vector
from cnnbench.counting.files.tflite.tensors import Tensors

_SMALLEST = 16  # bytes that any file has


def read(path: Path, given: Given, batch: int) -> Graph:
    """The graph for these inputs; SourceError in one line where the file holds none."""
    if given.flags:
        raise InputError(f"{path} takes shapes alone; leave --set out")
    with _opened(path) as data:
        try:
            model = tflite.Model.GetRootAs(data)
            if not model.SubgraphsLength() or not model.Subgraphs(0).OperatorsLength():
                raise SourceError(f"{path} is no TensorFlow Lite file: it holds no graph")
            reader = Reader(str(path), model, Tensors(str(path), model, len(data)))
            takes = list(_takes(model))
            return reader.graph(shapes_of(path, takes, given, batch))
        except CnnbenchError:
            raise
        except BrokenError as error:
            raise SourceError(f"{path} is broken: {error}") from error
        except Exception as error:  # offsets that lead anywhere
            raise SourceError(f"{path} is broken, or a part of a file") from error


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Its bytes, of which only those that are looked at are read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {reason_of(error)}") from error
    with file:
        size = file.seek(0, 2)
        if size < _SMALLEST:
            raise SourceError(f"{path} is no TensorFlow Lite file, or a part of one")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            if not tflite.Model.ModelBufferHasIdentifier(data, 0):
                raise SourceError(f"{path} is no TensorFlow Lite file, or a part of one")
            yield data
        finally:
            with suppress(BufferError):  # what still looks at it keeps it open until it goes
                data.close()


def _takes(model: Any) -> Iterator[Taken]:
    """The first graph's inputs, by the names of its signature where it has one."""
    graph = model.Subgraphs(0)
    names = {}
    if model.SignatureDefsLength() and not (signature := model.SignatureDefs(0)).SubgraphIndex():
        entries = [signature.Inputs(at) for at in range(signature.InputsLength())]
        names = {one.TensorIndex(): text(one.Name()) for one in entries}
    for index in vector(graph.InputsAsNumpy()):
        if not 0 <= index < graph.TensorsLength():
            raise BrokenError("an input that is none of its tensors")
        tensor = graph.Tensors(index)
        own = text(tensor.Name()).removeprefix("serving_default_").removesuffix(":0")
        name = names.get(index) or own
        sides: list[Side] = []
        for at, side in enumerate(sides_of(tensor, open_=True)):
            sides.append(side if side >= 0 else "batch" if not at else f"{name}_{at}")
        yield Taken(name, tuple(sides), dtype_of(tensor))
