"""`onnxruntime`: the network as a graph of ONNX, in ONNX Runtime on the CPU.

It is optimised as ONNX Runtime does by default. Outputs are allocated in each pass, as eager
PyTorch does. Its threads are its own, so it runs in processes of its own.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from cnnbench.devices.device import Device
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.backends import runtime
from cnnbench.timing.backends.graphs import onnx_of, quantised
from cnnbench.timing.backends.watches.nodes import Watch
from cnnbench.timing.backends.watches.onnxruntime import Profile
from cnnbench.timing.preparing.ran import Ran, usual_of
from cnnbench.timing.setting import Setting

if TYPE_CHECKING:
    import onnxruntime

PROCESS, LAYERS = "onnxruntime", True
_DTYPES = (runtime.FLOAT32, *runtime.INT8)
_INT8 = ("QLinearConv", "QGemm", "QLinearMatMul", "ConvInteger", "MatMulInteger")
_IN_INT8 = dict.fromkeys((*_INT8, "DynamicQuantizeMatMul", "MatMulIntegerToFloat"), "int8")
_MULTIPLYING = ("Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", *_IN_INT8)
_LARGE = 200 * 2**20  # bytes of a file, whose optimised graph is not looked at
_ERRORS = 3  # and what is worse, of ONNX Runtime's log


def check(setting: Setting, device: Device) -> None:
    """DeviceError for what it does not run here."""
    needed = ("onnxruntime", "onnx", "onnxscript")
    runtime.check(PROCESS, setting, device, needed=needed, extra="onnx", dtypes=_DTYPES)


def prepare(network: Network, setting: Setting, given: Arguments) -> runtime.Pass:
    """The pass of the network's graph; SourceError where it cannot be exported."""
    return runtime.prepared(network, setting, given, onnx_of, opened)


def opened(
    file: Path, setting: Setting, given: runtime.Given, seed: int, anew: bool = False
) -> Pass:
    """The pass of a file, of inputs or of their shapes alone."""
    return Pass(quantised(file, setting, given, anew=anew), given, seed)


class Pass(runtime.Pass):
    """One pass of a session."""

    def __init__(
        self,
        file: Path,
        given: runtime.Given,
        seed: int,
        options: onnxruntime.SessionOptions | None = None,
    ) -> None:
        """Open the session, bind its inputs, and run once."""
        import onnxruntime

        self._file, self._given, self._seed = file, given, seed
        options = options or _options()
        with tempfile.TemporaryDirectory() as folder:
            optimised = Path(folder) / "optimised.onnx"
            looked_at = not options.optimized_model_filepath and file.stat().st_size < _LARGE
            if looked_at:
                options.optimized_model_filepath = str(optimised)
            self.session = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )
            self.ran = replace(_what_ran(optimised) if looked_at else Ran(), file=str(file))
        self.binding = self.session.io_binding()
        taken = self.session.get_inputs()
        arrays = runtime.bound(given, [runtime.DTYPES.get(one.type, "O") for one in taken], seed)
        for one, array in zip(taken, arrays, strict=True):
            self.binding.bind_cpu_input(one.name, array)
        for output in self.session.get_outputs():
            self.binding.bind_output(output.name)
        self()

    def __call__(self) -> None:
        """Run it."""
        self.session.run_with_iobinding(self.binding)

    def outputs(self) -> list[Tensor]:
        """What the last pass gave."""
        return [torch.from_numpy(one) for one in self.binding.copy_outputs_to_cpu()]

    def watch(self) -> Watch:
        """A session with a profile."""

        def watched(file: Path, options: onnxruntime.SessionOptions) -> tuple[Any, Pass]:
            made = Pass(file, self._given, self._seed, options)
            return made.session, made

        return Profile(self._file, _options(), watched)


def _what_ran(optimised: Path) -> Ran:
    """What kernels there are in the graph that ONNX Runtime has made of a file."""
    import onnx

    nodes = [node.op_type for node in onnx.load(optimised, load_external_data=False).graph.node]
    dtypes = [_IN_INT8.get(kernel, runtime.FLOAT32) for kernel in nodes if kernel in _MULTIPLYING]
    return Ran(computed_in=usual_of(dtypes), nodes=len(nodes))


def _options() -> onnxruntime.SessionOptions:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = _ERRORS
    # Its threads wait busily for their next work within a pass, not after it, in others' turns.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options
