"""LiteRT's profile of a pass, joined with the file in the order in which its operators ran.

The interpreter that is timed shows no profile in Python, a compiled model does so in C alone, whose
library comes with the package and is called here. It runs the same file, with as many threads, in
XNNPACK too. An event has a kernel's name and its whole microseconds, but no node of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnbench.counting.files.tflite.reading import read
from cnnbench.errors import InputError
from cnnbench.models.given import Given
from cnnbench.timing.backends.watches.litert_model import OWN, CompiledModel
from cnnbench.timing.backends.watches.nodes import File, FileNode, NodeTime, Watch

_CONVOLUTIONS = ("CONV_2D", "FULLY_CONNECTED")
_RUNS = {  # an XNNPACK kernel, as its name begins, and the operators of a file that it runs
    "Add": ("ADD",),
    "Average Pooling": ("AVERAGE_POOL_2D",),
    "Batch Matrix Multiply": ("BATCH_MATMUL",),
    "Clamp": ("RELU", "RELU6", "RELU_N1_TO_1"),
    "Constant Pad": ("PAD", "PADV2"),
    "Convert": ("QUANTIZE", "DEQUANTIZE"),
    "Convolution": _CONVOLUTIONS,
    "Copy": ("CONCATENATION",),
    "Deconvolution": ("TRANSPOSE_CONV", "custom Convolution2DTransposeBias"),
    "Divide": ("DIV",),
    "Dynamic Fully Connected": (*_CONVOLUTIONS, "BATCH_MATMUL"),
    "ELU": ("ELU",),
    "Fully Connected": _CONVOLUTIONS,
    "GELU": ("GELU",),
    "HardSwish": ("HARD_SWISH",),
    "LeakyReLU": ("LEAKY_RELU",),
    "Max Pooling": ("MAX_POOL_2D",),
    "Mean": ("MEAN",),
    "Multiply": ("MUL",),
    "PReLU": ("PRELU",),
    "Resize Bilinear": ("RESIZE_BILINEAR",),
    "Sigmoid": ("LOGISTIC",),
    "Slice": ("SLICE", "STRIDED_SLICE"),
    "Softmax": ("SOFTMAX",),
    "Square": ("SQUARE", "MUL"),
    "Subtract": ("SUB",),
    "TanH": ("TANH",),
    "Transpose": ("TRANSPOSE",),
}


class Profile(Watch):
    """A compiled model whose profiler says what each kernel took."""

    def __init__(self, file: Path, arrays: Sequence[NDArray[Any]], threads: int) -> None:
        """Compile the file for inputs of its own shapes, and run it once."""
        if not arrays or not arrays[0].shape:
            raise InputError("LiteRT's layers are timed of files that take a batch")
        self.file, self._batch = file, arrays[0].shape[0]
        self._model = CompiledModel(file, arrays, threads)
        self._model.run()
        self._kernels: list[tuple[str, int]] = []
        self._samples: list[list[float]] = []

    def __call__(self, counts: bool = True) -> None:
        """Run it; what its kernels took is kept where it counts."""
        if not counts:
            self._model.run()
            return
        events = list(self._model.profiled())
        kernels = [(name, kind) for name, kind, _ in events]
        if self._samples and kernels != self._kernels:
            raise InputError("LiteRT runs other kernels each time; leave --layers out")
        self._kernels = kernels
        self._samples.append([seconds for *_, seconds in events])

    def nodes(self) -> list[NodeTime]:
        """The median of each kernel."""
        graph = read(self.file, Given(), self._batch)
        file = File(
            FileNode(
                node.name,
                node.operator,
                # by identity: names of tensors may be empty, or stand twice
                [str(id(one.storage)) for one in node.inputs if one and not one.constant],
                [str(id(one)) for one in node.outputs],
            )
            for node in graph.nodes
        )
        held = file.held(claims(self._kernels, file), len(self._kernels))
        medians = np.median(self._samples, axis=0)
        return [
            NodeTime(name, float(seconds), holds)
            for (name, _), seconds, holds in zip(self._kernels, medians, held, strict=True)
        ]


def claims(kernels: Sequence[tuple[str, int]], file: File) -> dict[int, int]:
    """Which nodes of the file the kernels run, by their order among those of the same operators."""
    found: dict[int, int] = {}
    places = sorted(range(len(kernels)), key=lambda place: kernels[place][1] != OWN)
    for place in places:  # LiteRT's own first: they are called as the file calls them
        operators = _operators(*kernels[place])
        left = (
            index
            for index in file.running
            if index not in found and file.nodes[index].operator in operators
        )
        if (index := next(left, None)) is not None:
            found[index] = place
    return found


def _operators(kernel: str, kind: int) -> Sequence[str]:
    """What a file calls what a kernel runs."""
    if kind == OWN:
        return kernel, f"custom {kernel}"
    if "DWConv" in kernel:
        return ("DEPTHWISE_CONV_2D",)
    return _RUNS.get(kernel.partition(" (")[0], ())
