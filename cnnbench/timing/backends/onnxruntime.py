"""`onnxruntime`: the network as a graph of ONNX, in ONNX Runtime on the CPU.

It is exported once, with its batch built in, and optimised as ONNX Runtime does by default. Its
input is bound before, as eager PyTorch's lies in memory; outputs are allocated in each pass, as
there. Its threads are its own, so it runs in processes of its own.
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cnnbench.counting.tracing.tensors import tensors_in
from cnnbench.devices.device import Device
from cnnbench.errors import DeviceError, InputError, MissingError
from cnnbench.models.arguments import Arguments
from cnnbench.models.exporting import written
from cnnbench.models.foreign import quiet
from cnnbench.models.network import Network
from cnnbench.timing.setting import Setting

if TYPE_CHECKING:
    import onnxruntime

PROCESS = "onnxruntime"
_NEEDED = ("onnxruntime", "onnx", "onnxscript")
_ERRORS = 3  # and what is worse, of ONNX Runtime's log


def check(setting: Setting, device: Device) -> None:
    """DeviceError for what it does not run: it infers on the CPU, in float32."""
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingError("onnxruntime is not installed; type: pip install 'cnnbench[onnx]'")
    if device.kind != "cpu":
        raise DeviceError(f"onnxruntime is run on the CPU alone, not on {device}")
    if setting.train:
        raise DeviceError("onnxruntime does not train; leave --train out")
    if setting.channels_last:
        raise DeviceError("onnxruntime has a layout of its own; leave --channels-last out")
    if setting.fuse:
        raise DeviceError("onnxruntime folds batch norm by itself; leave --fuse out")
    if setting.dtype not in (None, "float32"):
        raise DeviceError(f"onnxruntime is run in float32, not in {setting.dtype}")


def prepare(network: Network, setting: Setting, given: Arguments) -> Pass:
    """The graph's pass; SourceError where the network cannot be exported."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = _ERRORS
    # Its threads wait busily for their next work within a pass, not after it, in others' turns.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    with torch.inference_mode(False), torch.no_grad():
        with quiet(), tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "net.onnx"
            written(network.name, network.net, given, file, dynamic=False)
            session = onnxruntime.InferenceSession(
                file, options, providers=["CPUExecutionProvider"]
            )
        expected = list(tensors_in(network.net(*given.positional, **given.named)))
    made = Pass(session, given.tensors)
    made.output_error = _error(expected, made.outputs())
    return made


class Pass:
    """One pass of a session; `output_error` is by how much its outputs differ from eager's.

    It is the largest difference over the largest value.
    """

    output_error: float

    def __init__(self, session: onnxruntime.InferenceSession, given: list[Tensor]) -> None:
        """Bind the inputs, which a pass does not copy, and run once."""
        self._session, self._binding = session, session.io_binding()
        taken = session.get_inputs()
        if len(taken) != len(given):
            raise InputError(f"its graph takes {len(taken)} inputs, and it is given {len(given)}")
        for one, tensor in zip(taken, given, strict=True):
            self._binding.bind_cpu_input(one.name, tensor.detach().contiguous().numpy())
        for output in session.get_outputs():
            self._binding.bind_output(output.name)
        self()

    def __call__(self) -> None:
        """Run it."""
        self._session.run_with_iobinding(self._binding)

    def outputs(self) -> list[Tensor]:
        """What the last pass gave."""
        return [torch.from_numpy(one) for one in self._binding.copy_outputs_to_cpu()]


def _error(expected: list[Tensor], found: list[Tensor]) -> float:
    """The largest difference over the largest value, of what is finite in eager's."""
    real = [(a, b) for a, b in zip(expected, found, strict=True) if a.is_floating_point()]
    largest = difference = 0.0
    for a, b in real:
        finite = a.isfinite()
        if not finite.any():
            continue
        largest = max(largest, float(a[finite].abs().max()))
        apart = (a - b)[finite].abs()
        difference = max(difference, float("inf") if apart.isnan().any() else float(apart.max()))
    return difference / largest if largest else difference
