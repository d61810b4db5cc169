"""`openvino`: the network as a graph of ONNX, compiled by OpenVINO for the CPU.

Left to itself, OpenVINO computes in bfloat16 where the processor can: here it computes in what is
asked for. One stream, for latency; outputs lie where they lay in the pass before.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cnnbench.devices.device import Device
from cnnbench.errors import InputError
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.backends import runtime
from cnnbench.timing.backends.graphs import onnx_of, quantised
from cnnbench.timing.backends.watches.nodes import Watch
from cnnbench.timing.backends.watches.openvino import Counters, nodes_of
from cnnbench.timing.preparing.ran import Ran, usual_of
from cnnbench.timing.setting import Setting

if TYPE_CHECKING:
    import openvino

PROCESS, LAYERS = "openvino", True
_PRECISIONS = {"bfloat16": "bf16", "float16": "f16"}  # and float32 of all others
_NAMES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "u8": "int8", "i8": "int8"}
_MULTIPLYING = ("Convolution", "FullyConnected", "MatMul", "Deconvolution")
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


def opened(
    file: Path, setting: Setting, given: runtime.Given, seed: int, anew: bool = False
) -> Pass:
    """The pass of a file, of inputs or of their shapes alone."""
    precision = _PRECISIONS.get(setting.dtype or "", "f32")
    return Pass(quantised(file, setting, given, anew=anew), given, seed, precision)


class Pass(runtime.Pass):
    """One pass of a compiled model."""

    def __init__(
        self,
        file: Path,
        given: runtime.Given,
        seed: int,
        precision: str,
        *,
        counting: bool = False,
    ) -> None:
        """Compile it, bind its inputs, and run once; with `counting` its nodes are timed."""
        import openvino

        self._opened = (file, given, seed, precision)
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": "1",
            "PERFORMANCE_HINT": "LATENCY",
            "PERF_COUNT": counting,
        }
        try:
            model = _core().read_model(file)
            model.reshape(dict(enumerate(map(list, runtime.shapes(given)))))
            self.compiled = _core().compile_model(model, "CPU", options)
        except RuntimeError as error:  # whose first lines say where in OpenVINO it was
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise InputError(f"OpenVINO cannot open it: {lines[-1]}") from error
        self.request = self.compiled.create_infer_request()
        # Where a tensor shares its memory it does not hold it.
        taken = [one.get_element_type().to_dtype() for one in self.compiled.inputs]
        self._given = runtime.bound(given, taken, seed)
        for index, array in enumerate(self._given):
            self.request.set_input_tensor(index, openvino.Tensor(array, shared_memory=True))
        self()
        self.ran = replace(self._what_ran(), file=str(file))

    def __call__(self) -> None:
        """Run it."""
        self.request.infer(share_outputs=True)

    def outputs(self) -> list[Tensor]:
        """What the last pass gave."""
        places = range(len(self.compiled.outputs))
        found = [self.request.get_output_tensor(place) for place in places]
        return [torch.from_numpy(one.data.copy()) for one in found]

    def watch(self) -> Watch:
        """The same model with counters."""
        made = Pass(*self._opened, counting=True)
        return Counters(self._opened[0], made.compiled, made.request, made)

    def _what_ran(self) -> Ran:
        """The dtype of most kernels that multiply, and how many nodes ran."""
        ran = nodes_of(self.compiled)
        dtypes = [one["runtimePrecision"] for one in ran if one["layerType"] in _MULTIPLYING]
        return Ran(computed_in=usual_of([_NAMES.get(one, one) for one in dtypes]), nodes=len(ran))
