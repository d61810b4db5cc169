"""`openvino`: the network as a graph of ONNX, compiled by OpenVINO for the CPU.

Left to itself, OpenVINO computes in bfloat16 where the processor can: here it computes in what is
asked for. One stream, for latency; outputs lie where they lay in the pass before.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cnnbench.devices.device import Device
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.backends import runtime
from cnnbench.timing.backends.graphs import onnx_of, quantised
from cnnbench.timing.setting import Setting

if TYPE_CHECKING:
    import openvino

PROCESS = "openvino"
_PRECISIONS = {"bfloat16": "bf16", "float16": "f16"}  # and float32 of all others
_DTYPES = (runtime.FLOAT32, *_PRECISIONS, "int8")


def check(setting: Setting, device: Device) -> None:
    """DeviceError for what it does not run here."""
    needed = ("openvino", "onnx", "onnxscript", "onnxruntime")
    runtime.check(PROCESS, setting, device, needed=needed, extra="openvino", dtypes=_DTYPES)


def prepare(network: Network, setting: Setting, given: Arguments) -> runtime.Pass:
    """The pass of the network's graph; SourceError where it cannot be exported."""
    return runtime.prepared(network, setting, given, onnx_of, opened)


@cache
def _core() -> openvino.Core:
    import openvino

    return openvino.Core()


def opened(file: Path, setting: Setting, given: runtime.Given, seed: int) -> Pass:
    """The pass of a file, of inputs or of their shapes alone."""
    options: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": _PRECISIONS.get(setting.dtype or "", "f32"),
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": "1",
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = _core().read_model(quantised(file, setting, given))
    model.reshape(
        {
            index: list(one.shape) if isinstance(one, Tensor) else list(one)
            for index, one in enumerate(given)
        }
    )
    return Pass(_core().compile_model(model, "CPU", options), given, seed)


class Pass(runtime.Pass):
    """One pass of a compiled model."""

    def __init__(self, compiled: openvino.CompiledModel, given: runtime.Given, seed: int) -> None:
        """Bind the inputs, and run once."""
        import openvino

        self._request = compiled.create_infer_request()
        self._outputs = len(compiled.outputs)
        # Where a tensor shares its memory it does not hold it.
        taken = [one.get_element_type().to_dtype() for one in compiled.inputs]
        self._given = runtime.bound(given, taken, seed)
        for index, array in enumerate(self._given):
            self._request.set_input_tensor(index, openvino.Tensor(array, shared_memory=True))
        self()

    def __call__(self) -> None:
        """Run it."""
        self._request.infer(share_outputs=True)

    def outputs(self) -> list[Tensor]:
        """What the last pass gave."""
        found = [self._request.get_output_tensor(index) for index in range(self._outputs)]
        return [torch.from_numpy(one.data.copy()) for one in found]
