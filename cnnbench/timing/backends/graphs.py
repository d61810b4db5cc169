"""Graphs of ONNX for runtimes: written of a network, and quantised."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from cnnbench.models.arguments import Arguments
from cnnbench.models.exporting import written
from cnnbench.models.inputs import NumberFormat
from cnnbench.models.network import Network
from cnnbench.timing.backends import exports, runtime
from cnnbench.timing.setting import Setting

INT8 = (NumberFormat.INT8, NumberFormat.INT8_DYNAMIC)
_IMAGES = 16  # that scales are found with


def onnx_of(network: Network, setting: Setting, given: Arguments, anew: bool) -> Path:
    """The kept graph of a network, with its batch built in."""
    write = partial(written, network.name, network.net, given, dynamic=False)
    return exports.kept(exports.content(network, given), "net.onnx", write, anew=anew)


def quantised(file: Path, setting: Setting, given: runtime.Given) -> Path:
    """The kept int8 graph of a graph, where the setting asks for one.

    Weights have a scale a channel. Activations have pairs of nodes that quantise them and back
    (QDQ), by the least and largest values that inputs gave; or are quantised in each pass.
    """
    if setting.dtype not in INT8:
        return file
    shapes = [tuple(one.shape) if isinstance(one, Tensor) else one for one in given]
    key = exports.content_of_file(file, shapes, setting.dtype)
    write = partial(_quantise, file, given, str(setting.dtype))
    return exports.kept(key, "net.int8.onnx", write)


def _quantise(file: Path, given: runtime.Given, dtype: str, target: Path) -> None:
    from onnxruntime import quantization as ort

    if dtype == NumberFormat.INT8_DYNAMIC:
        ort.quantize_dynamic(file, target, per_channel=True, weight_type=ort.QuantType.QInt8)
        return
    ort.quantize_static(
        file,
        target,
        _Calibration(file, given),
        quant_format=ort.QuantFormat.QDQ,
        per_channel=True,
        activation_type=ort.QuantType.QUInt8,
        weight_type=ort.QuantType.QInt8,
    )


class _Calibration:
    """The inputs that scales are found with: of normal numbers, where none are given."""

    def __init__(self, file: Path, given: runtime.Given) -> None:
        from onnxruntime import InferenceSession

        taken = InferenceSession(file, providers=["CPUExecutionProvider"]).get_inputs()
        self._names = [one.name for one in taken]
        self._dtypes = [runtime.DTYPES.get(one.type, "O") for one in taken]
        self._left = self._batches(given)

    def _batches(self, given: runtime.Given) -> Iterator[dict[str, Any]]:
        shapes = [tuple(one.shape) if isinstance(one, Tensor) else one for one in given]
        batch = max(1, shapes[0][0] if shapes and shapes[0] else 1)
        for seed in range(-(-_IMAGES // batch)):
            arrays = runtime.bound(shapes, self._dtypes, seed)
            yield dict(zip(self._names, arrays, strict=True))

    def get_next(self) -> dict[str, Any] | None:
        """The next batch; None when there is no more."""
        return next(self._left, None)
