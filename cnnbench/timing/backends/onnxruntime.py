"""`onnxruntime`: the network as a graph of ONNX, in ONNX Runtime on the CPU.

It is optimised as ONNX Runtime does by default. Outputs are allocated in each pass, as eager
PyTorch does. Its threads are its own, so it runs in processes of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cnnbench.devices.device import Device
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.backends import runtime
from cnnbench.timing.backends.graphs import onnx_of, quantised
from cnnbench.timing.setting import Setting

if TYPE_CHECKING:
    import onnxruntime

PROCESS = "onnxruntime"
_DTYPES = (runtime.FLOAT32, *runtime.INT8)
_ERRORS = 3  # and what is worse, of ONNX Runtime's log


def check(setting: Setting, device: Device) -> None:
    """DeviceError for what it does not run here."""
    needed = ("onnxruntime", "onnx", "onnxscript")
    runtime.check(PROCESS, setting, device, needed=needed, extra="onnx", dtypes=_DTYPES)


def prepare(network: Network, setting: Setting, given: Arguments) -> runtime.Pass:
    """The pass of the network's graph; SourceError where it cannot be exported."""
    return runtime.prepared(network, setting, given, onnx_of, opened)


def opened(file: Path, setting: Setting, given: runtime.Given, seed: int) -> Pass:
    """The pass of a file, of inputs or of their shapes alone."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = _ERRORS
    # Its threads wait busily for their next work within a pass, not after it, in others' turns.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(
        quantised(file, setting, given), options, providers=["CPUExecutionProvider"]
    )
    return Pass(session, given, seed)


class Pass(runtime.Pass):
    """One pass of a session."""

    def __init__(
        self, session: onnxruntime.InferenceSession, given: runtime.Given, seed: int
    ) -> None:
        """Bind the inputs, and run once."""
        self._session, self._binding = session, session.io_binding()
        taken = session.get_inputs()
        arrays = runtime.bound(given, [runtime.DTYPES.get(one.type, "O") for one in taken], seed)
        for one, array in zip(taken, arrays, strict=True):
            self._binding.bind_cpu_input(one.name, array)
        for output in session.get_outputs():
            self._binding.bind_output(output.name)
        self()

    def __call__(self) -> None:
        """Run it."""
        self._session.run_with_iobinding(self._binding)

    def outputs(self) -> list[Tensor]:
        """What the last pass gave."""
        return [torch.from_numpy(one) for one in self._binding.copy_outputs_to_cpu()]
