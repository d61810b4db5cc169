"""`litert`: the network as a file of TensorFlow Lite, in LiteRT with XNNPACK on the CPU.

LiteRT's converter brings gigabytes and versions of its own, so it lives in another environment,
whose Python `CNNBENCH_LITERT` names. What it converts is kept; files of others run without it. The
network's layout is kept, so images are transposed at the edges.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from cnnbench.devices.device import Device
from cnnbench.errors import InputError, MissingError, SourceError, reason_of
from cnnbench.models.arguments import Arguments
from cnnbench.models.exporting import written
from cnnbench.models.inputs import NumberFormat
from cnnbench.models.network import Network
from cnnbench.timing.backends import calibration, exports, runtime
from cnnbench.timing.backends.watches.nodes import Watch
from cnnbench.timing.preparing.ran import Ran, usual_of
from cnnbench.timing.setting import Setting

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

PROCESS, PACKAGE, LAYERS = "litert", "ai-edge-litert", True
CONVERTER = "CNNBENCH_LITERT"
_DTYPES = (runtime.FLOAT32, *runtime.INT8)
_WORK = re.compile("CONV|FULLY_CONNECTED")  # whose weights come second
_PROGRAM = Path(__file__).with_name("litert_convert.py")


def check(setting: Setting, device: Device) -> None:
    """DeviceError for what it does not run here."""
    needed = ("ai_edge_litert",)
    runtime.check(PROCESS, setting, device, needed=needed, extra="litert", dtypes=_DTYPES)


def check_export() -> None:
    """MissingError where there is no converter."""
    _python()


def prepare(network: Network, setting: Setting, given: Arguments) -> runtime.Pass:
    """The pass of the converted network; SourceError where it cannot be converted."""
    return runtime.prepared(network, setting, given, _file_of, opened)


def opened(
    file: Path, setting: Setting, given: runtime.Given, seed: int, anew: bool = False
) -> Pass:
    """The pass of a file, of inputs or of their shapes alone."""
    from ai_edge_litert.interpreter import Interpreter

    file = _quantised(file, setting, given, anew)
    try:
        interpreter = Interpreter(model_path=str(file), num_threads=torch.get_num_threads())
        return Pass(interpreter, file, given, seed)
    except (ValueError, RuntimeError) as error:  # of a broken file, or an operator it has not
        raise InputError(f"LiteRT cannot run it: {reason_of(error)}") from error


class Pass(runtime.Pass):
    """One pass of an interpreter."""

    def __init__(
        self, interpreter: Interpreter, file: Path, given: runtime.Given, seed: int
    ) -> None:
        """Set the inputs, which stay, and run once."""
        self._interpreter = interpreter
        taken = interpreter.get_input_details()
        arrays = runtime.bound(given, [one["dtype"] for one in taken], seed)
        self._own_shapes = [list(one.get("shape_signature", one["shape"])) for one in taken]
        for one, array in zip(taken, arrays, strict=True):
            if tuple(one["shape"]) != array.shape:
                interpreter.resize_tensor_input(one["index"], array.shape)
        interpreter.allocate_tensors()
        for one, array in zip(taken, arrays, strict=True):
            interpreter.set_tensor(one["index"], array)
        self()
        self.ran = replace(_what_ran(interpreter), file=str(file))
        self._file, self._arrays = file, arrays

    def __call__(self) -> None:
        """Run it."""
        self._interpreter.invoke()

    def outputs(self) -> list[Tensor]:
        """What the last pass gave."""
        found = self._interpreter.get_output_details()
        arrays = [self._interpreter.get_tensor(one["index"]) for one in found]
        return [torch.from_numpy(np.asarray(array)) for array in arrays]

    def watch(self) -> Watch:
        """The same file with a profile; InputError where its shapes are not built in."""
        taken = zip(self._interpreter.get_input_details(), self._own_shapes, strict=True)
        if any(list(one["shape"]) != own for one, own in taken):
            raise InputError("LiteRT times layers of shapes built in; leave --layers out")
        from cnnbench.timing.backends.watches.litert import Profile

        return Profile(self._file, self._arrays, torch.get_num_threads())


def _what_ran(interpreter: Interpreter) -> Ran:
    """How many of the file's nodes XNNPACK takes: those behind what delegates make."""
    ops = interpreter._get_ops_details()
    nodes = [op for op in ops if op["op_name"] != "DELEGATE"]
    maker = {tensor: op for op in nodes for tensor in map(int, op["outputs"])}
    taken: set[int] = set()
    for delegate in (op for op in ops if op["op_name"] == "DELEGATE"):
        given, left = set(map(int, delegate["inputs"])), list(map(int, delegate["outputs"]))
        while left:
            tensor = left.pop()
            op = maker.get(tensor)
            if op is not None and tensor not in given and op["index"] not in taken:
                taken.add(op["index"])
                left += map(int, op["inputs"])
    dtypes = {one["index"]: np.dtype(one["dtype"]).name for one in interpreter.get_tensor_details()}
    multiplying = [
        dtypes.get(int(op["inputs"][1]), "") for op in nodes if _WORK.search(op["op_name"])
    ]
    return Ran(
        computed_in=usual_of(multiplying),
        nodes=len(nodes),
        delegated=len(taken) / len(nodes) if nodes else None,
    )


def _file_of(network: Network, setting: Setting, given: Arguments, anew: bool) -> Path:
    """The kept file that the converter makes of a network."""

    def write(target: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "net.pt2"
            written(network.name, network.net, given, program, dynamic=False)
            _converter(f"convert {network.name}", "convert", program, target)

    key = exports.content(network, given, _installed())
    return exports.kept(exports.folder(network), key, "net.tflite", write, anew=anew)


def _quantised(file: Path, setting: Setting, given: runtime.Given, anew: bool) -> Path:
    """The kept int8 file of a file, where the setting asks for one."""
    if setting.dtype not in runtime.INT8:
        return file

    what = f"make {setting.dtype} of it"

    def write(target: Path) -> None:
        if setting.dtype == NumberFormat.INT8_DYNAMIC:
            _converter(what, setting.dtype, file, target)
            return
        with tempfile.TemporaryDirectory() as folder:
            inputs = Path(folder) / "inputs.npz"
            passes: list[list[Any]] = list(calibration.passes(setting, given, _dtypes(file)))
            columns = {
                str(place): np.stack(one) for place, one in enumerate(zip(*passes, strict=True))
            }
            np.savez(inputs, allow_pickle=False, **columns)
            _converter(what, "int8", file, target, inputs)

    said = calibration.said(setting)
    key = exports.content_of_file(file, runtime.shapes(given), said, _installed())
    return exports.kept(exports.folder_of(file), key, "net.int8.tflite", write, anew=anew)


def _dtypes(file: Path) -> list[Any]:
    from ai_edge_litert.interpreter import Interpreter

    return [one["dtype"] for one in Interpreter(model_path=str(file)).get_input_details()]


def _python() -> str:
    """The Python that has LiteRT's converter; MissingError where there is none."""
    named = os.environ.get(CONVERTER, "")
    python = named or (sys.executable if find_spec("litert_torch") else "")
    if named and shutil.which(named) is None:
        raise MissingError(f"{CONVERTER} names {named}, which is no program; name a Python")
    if not python:
        raise MissingError(
            "litert converts a network with a Python that has LiteRT's converter; type: python -m "
            "venv litert; litert/bin/pip install litert-torch ai-edge-quantizer; export "
            f"{CONVERTER}=$PWD/litert/bin/python"
        )
    return python


def _installed() -> object:
    """What changes where another converter is installed, or it is asked for something else."""
    python = shutil.which(_python()) or _python()
    packages = Path(python).parent.parent.glob("lib/python*/site-packages")
    return _PROGRAM.read_text("utf-8"), [(str(one), one.stat().st_mtime) for one in packages]


def _converter(doing: str, what: str, *paths: Path) -> None:
    """Run LiteRT's converter; SourceError where it cannot do it."""
    line = [_python(), str(_PROGRAM), what, *map(str, paths)]
    try:
        done = subprocess.run(line, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise MissingError(f"{line[0]} cannot be run: {error.strerror}") from error
    said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}, and no file"]
    if done.returncode or not paths[1].exists():
        raise SourceError(f"litert's converter cannot {doing}: {said[-1]}")
