"""A program that runs a network in one runtime alone, and prints the most memory that it took.

    python footprint.py onnxruntime net.onnx 2 '[[1, 3, 224, 224]]'
    python footprint.py eager resnet18 2 '[[1, 3, 224, 224]]'

That is what a process holds that serves the network, in bytes. Of cnnbench's, what builds a network
is imported where torch runs it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_PASSES = 3
Shapes = list[list[int]]


def onnxruntime(file: str, threads: int, shapes: Shapes) -> None:
    """Some passes in ONNX Runtime."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    kinds = {"float": "float32", "double": "float64"}
    given: dict[str, Any] = {}
    for one, shape in zip(session.get_inputs(), shapes, strict=True):
        kind = one.type[len("tensor(") : -1]
        given[one.name] = np.zeros(shape, kinds.get(kind, kind))
    for _ in range(_PASSES):
        session.run(None, given)


def openvino(file: str, threads: int, shapes: Shapes) -> None:
    """Some passes in OpenVINO."""
    import numpy as np
    import openvino

    core = openvino.Core()
    model = core.read_model(file)
    model.reshape(dict(enumerate(shapes)))
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    compiled = core.compile_model(model, "CPU", options)
    kinds = [one.get_element_type().to_dtype() for one in compiled.inputs]
    request = compiled.create_infer_request()
    for _ in range(_PASSES):
        request.infer([np.zeros(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)])


def litert(file: str, threads: int, shapes: Shapes) -> None:
    """Some passes in LiteRT."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=file, num_threads=threads)
    taken = interpreter.get_input_details()
    for one, shape in zip(taken, shapes, strict=True):
        if list(one["shape"]) != shape:
            interpreter.resize_tensor_input(one["index"], shape)
    interpreter.allocate_tensors()
    for one, shape in zip(taken, shapes, strict=True):
        interpreter.set_tensor(one["index"], np.zeros(shape, one["dtype"]))
    for _ in range(_PASSES):
        interpreter.invoke()


def eager(spec: str, threads: int, shapes: Shapes) -> None:
    """Some passes in PyTorch."""
    import torch

    from cnnbench.models.build import construct

    torch.set_num_threads(threads)
    net = construct(spec)[0].eval()
    with torch.inference_mode():
        for _ in range(_PASSES):
            net(*(torch.zeros(shape) for shape in shapes))


def _most_bytes() -> int:
    """The most memory that this process has held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # where `getrusage` begins with what the process had that began this one
        (line,) = (one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]
    what, path, number, given = sys.argv[1:]
    runtimes = {"onnxruntime": onnxruntime, "openvino": openvino, "litert": litert, "eager": eager}
    runtimes[what](path, int(number), json.loads(given))
    print(_most_bytes())
