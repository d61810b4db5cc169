"""Graphs of ONNX for runtimes: written of a network, and quantised."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cnnbench.models.arguments import Arguments
from cnnbench.models.exporting import written
from cnnbench.models.inputs import NumberFormat
from cnnbench.models.network import Network
from cnnbench.timing.backends import calibration, exports, runtime
from cnnbench.timing.setting import Setting


def onnx_of(network: Network, setting: Setting, given: Arguments, anew: bool) -> Path:
    """The kept graph of a network, with its batch built in."""
    write = partial(written, network.name, network.net, given, dynamic=False)
    key = exports.content(network, given)
    return exports.kept(exports.folder(network), key, "net.onnx", write, anew=anew)


def quantised(file: Path, setting: Setting, given: runtime.Given, *, anew: bool = False) -> Path:
    """The kept int8 graph of a graph, where the setting asks for one.

    Weights have a scale a channel. Activations have pairs of nodes that quantise them and back
    (QDQ), by the least and largest values that inputs gave; or are quantised in each pass.
    """
    if setting.dtype not in runtime.INT8:
        return file
    key = exports.content_of_file(file, runtime.shapes(given), calibration.said(setting))
    write = partial(_quantise, file, setting, given)
    return exports.kept(exports.folder_of(file), key, "net.int8.onnx", write, anew=anew)


def _quantise(file: Path, setting: Setting, given: runtime.Given, target: Path) -> None:
    from onnxruntime import quantization as ort

    if setting.dtype == NumberFormat.INT8_DYNAMIC:
        ort.quantize_dynamic(file, target, per_channel=True, weight_type=ort.QuantType.QInt8)
        return
    ort.quantize_static(
        file,
        target,
        _Calibration(file, setting, given),
        quant_format=ort.QuantFormat.QDQ,
        per_channel=True,
        activation_type=ort.QuantType.QUInt8,
        weight_type=ort.QuantType.QInt8,
    )


class _Calibration:
    """What ONNX Runtime reads inputs from, pass by pass."""

    def __init__(self, file: Path, setting: Setting, given: runtime.Given) -> None:
        from onnxruntime import InferenceSession

        taken = InferenceSession(file, providers=["CPUExecutionProvider"]).get_inputs()
        self._names = [one.name for one in taken]
        dtypes = [runtime.DTYPES.get(one.type, "O") for one in taken]
        self._passes = calibration.passes(setting, given, dtypes)

    def get_next(self) -> dict[str, Any] | None:
        """The next pass; None when there is no more."""
        arrays = next(self._passes, None)
        return None if arrays is None else dict(zip(self._names, arrays, strict=True))
