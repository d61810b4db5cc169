"""LiteRT's compiled model and its profiler, by the C interface of its library (litert/c)."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnbench.errors import InputError

# Kinds of events of the profiler: one of LiteRT's own operators, one of a delegate's.
OWN, _DELEGATES = 2, 8
_EVENT_BYTES, _ROOM_BYTES, _UNWRITTEN = 104, 160, 0xAB
_CPU, _WRITING = 1, 1


class CompiledModel:
    """A model compiled for XNNPACK; InputError where it cannot be compiled, or profiled."""

    def __init__(self, file: Path, arrays: Sequence[NDArray[Any]], threads: int) -> None:
        """Compile it, and fill its inputs."""
        self._lib = _library()
        environment, options = self._made("CreateEnvironment", 0, None), self._made("CreateOptions")
        model = self._made("CreateModelFromFile", environment, str(file).encode())
        self._call("SetOptionsHardwareAccelerators", options, _CPU)
        for name, text in (
            (b"xnnpack", b"num_threads = %d\n" % threads),
            (b"runtime_options_string", b"enable_profiling = true\n"),
        ):
            opaque = self._made("CreateOpaqueOptions", name, self._text(text), _FREE)
            self._call("AddOpaqueOptions", options, opaque)
        self._model = self._made("CreateCompiledModel", environment, model, options)
        graph = self._made("GetModelSubgraph", model, ctypes.c_size_t(0))
        self._inputs = self._buffers(environment, graph, "Input", arrays)
        self._outputs = self._buffers(environment, graph, "Output", ())
        self._profiler = self._made("CompiledModelGetProfiler", self._model)

    def run(self) -> None:
        """One pass."""
        sides = (self._inputs, self._outputs)
        ends = [part for side in sides for part in (ctypes.c_size_t(len(side)), side)]
        self._call("RunCompiledModel", self._model, ctypes.c_size_t(0), *ends)

    def profiled(self) -> Iterator[tuple[str, int, float]]:
        """One pass: each kernel's name, its kind and its seconds."""
        self._call("ResetProfiler", self._profiler)
        self._call("StartProfiler", self._profiler)
        self.run()
        self._call("StopProfiler", self._profiler)
        number = ctypes.c_int()
        self._call("GetNumProfilerEvents", self._profiler, ctypes.byref(number))
        size = number.value * _ROOM_BYTES
        raw = bytearray([_UNWRITTEN]) * size
        where = (ctypes.c_uint8 * size).from_buffer(raw)
        self._call("GetProfilerEvents", self._profiler, number, where)
        _check_events(bytes(raw), number.value)
        words = np.frombuffer(raw, np.uint64, number.value * _EVENT_BYTES // 8)
        for event in words.reshape(number.value, -1):
            kind = int(event[1]) & 0xFFFFFFFF
            if kind in (OWN, _DELEGATES):
                name = ctypes.string_at(int(event[0])).decode(errors="replace")
                yield name, kind, int(event[3]) * 1e-6

    def _buffers(
        self, environment: Any, graph: Any, side: str, arrays: Sequence[NDArray[Any]]
    ) -> Any:
        """Tensors of the graph's inputs or outputs, the inputs filled."""
        number = ctypes.c_size_t()
        self._call(f"GetNumSubgraph{side}s", graph, ctypes.byref(number))
        made = (ctypes.c_void_p * number.value)()
        for place in range(number.value):
            index = ctypes.c_size_t(place)
            tensor = self._made(f"GetSubgraph{side}", graph, index)
            kind = ctypes.create_string_buffer(256)  # a shape and a dtype
            self._call("GetRankedTensorType", tensor, kind)
            needed = self._made(
                f"GetCompiledModel{side}BufferRequirements",
                *(self._model, ctypes.c_size_t(0), index),
            )
            made[place] = self._made(
                "CreateManagedTensorBufferFromRequirements", environment, kind, needed
            ).value
            if arrays:
                self._fill(made[place], arrays[place])
        return made

    def _fill(self, buffer: Any, array: NDArray[Any]) -> None:
        where, size = ctypes.c_void_p(), ctypes.c_size_t()
        given, pointer = np.ascontiguousarray(array), ctypes.c_void_p(buffer)
        self._call("GetTensorBufferSize", pointer, ctypes.byref(size))
        if size.value < given.nbytes:
            raise InputError("LiteRT cannot profile it: an input is larger than its buffer")
        self._call("LockTensorBuffer", pointer, ctypes.byref(where), _WRITING)
        ctypes.memmove(where, given.ctypes.data, given.nbytes)
        self._call("UnlockTensorBuffer", pointer)

    def _made(self, name: str, *given: Any) -> ctypes.c_void_p:
        """What a function writes where its last argument points to."""
        found = ctypes.c_void_p()
        self._call(name, *given, ctypes.byref(found))
        return found

    def _call(self, name: str, *given: Any) -> None:
        try:
            status = getattr(self._lib, f"LiteRt{name}")(*given)
        except AttributeError as error:
            raise InputError(_UNKNOWN) from error
        if status:
            raise InputError(f"LiteRT cannot profile it: {name} says {status}")

    def _text(self, text: bytes) -> ctypes.c_void_p:
        """A text that the library frees."""
        return ctypes.c_void_p(_libc().strdup(text))


@cache
def _libc() -> ctypes.CDLL:
    found = ctypes.CDLL(None)
    found.strdup.restype = ctypes.c_void_p
    return found


_FREE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(lambda text: _libc().free(ctypes.c_void_p(text)))
_UNKNOWN = "this version of LiteRT has another profiler than is known here; leave --layers out"


def _library() -> ctypes.CDLL:
    if sys.platform != "linux":
        raise InputError("LiteRT's layers are timed on Linux alone; leave --layers out")
    found = find_spec("ai_edge_litert")
    folder = Path(found.origin).parent if found and found.origin else Path()
    try:
        return ctypes.CDLL(str(folder / "libLiteRt.so"))
    except OSError as error:
        raise InputError(_UNKNOWN) from error


def _check_events(raw: bytes, number: int) -> None:
    """InputError where events are not as long as they are known to be, so not read rightly."""
    written = len(raw.rstrip(bytes([_UNWRITTEN])))
    if not number * (_EVENT_BYTES - 8) < written <= number * _EVENT_BYTES:
        raise InputError(_UNKNOWN)
