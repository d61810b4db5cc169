"""The shapes that values have in one pass in ONNX Runtime, where they depend on values.

In a process of its own, with an end: a file may hold a loop that has none, or break the runtime.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, numpy_helper

from cnnbench.counting.files.onnx.shapes import Shapes, shapes_of

_LONGEST_S = 120


def run(path: Path, model: ModelProto, names: Iterable[str], given: Iterable[str] = ()) -> Shapes:
    """The shapes of those values in a pass on random normal numbers, zeros where they are whole.

    `given` are inputs that have become constants of the model. Of none where ONNX Runtime is not
    installed, or cannot run the file in two minutes.
    """
    if find_spec("onnxruntime") is None:
        return {}
    known = shapes_of(model.graph)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    fed = [one.name for one in model.graph.input if one.name not in constants]
    asked = {
        "path": str(path.resolve()),
        "names": list(names),
        "inputs": {name: known[name][0] for name in fed},
        "values": {name: numpy_helper.to_array(constants[name]).tolist() for name in given},
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, OSError, ValueError, IndexError):
        return {}
    return {name: tuple(shape) for name, shape in found.items()}


def _shapes(path: str, names: list[str], inputs: Shapes, values: dict[str, Any]) -> Shapes:
    """What `run` asks of its process."""
    import onnxruntime

    whole = onnx.load(path, load_external_data=False)
    there = {one.name for one in whole.graph.output}
    for name in names:
        if name not in there:
            whole.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(Path(path).parent)
    )
    session = onnxruntime.InferenceSession(
        whole.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    kinds = {one.name: one.type.tensor_type.elem_type for one in whole.graph.input}
    draw, feeds = np.random.default_rng(0), {}
    for name, kind in kinds.items():
        dtype = onnx.helper.tensor_dtype_to_np_dtype(kind)
        if name in values:
            feeds[name] = np.array(values[name], dtype)
        elif name in inputs:
            shape, real = tuple(inputs[name]), np.issubdtype(dtype, np.floating)
            made = draw.standard_normal(shape) if real else np.zeros(shape)
            feeds[name] = made.astype(dtype)
    found = session.run(names, feeds)
    pairs = zip(names, found, strict=True)
    return {name: value.shape for name, value in pairs if isinstance(value, np.ndarray)}


if __name__ == "__main__":
    print("\n" + json.dumps(_shapes(**json.load(sys.stdin))))
