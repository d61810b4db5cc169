"""What operators of files cost, against what was reckoned by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from cnnbench import count
from cnnbench.counting.cost import Trace
from cnnbench.models.given import Given

GRAPHS = tomllib.loads(Path(__file__).with_name("operators.toml").read_text())["graph"]


def model_of(graph: dict[str, Any]) -> onnx.ModelProto:
    """Its text, with its weights as constants of random numbers."""
    opset, domain = graph.get("opset", 17), graph.get("domain")
    imports = f'"" : {opset}' + (f', "{domain}" : 1' if domain else "")
    head = f"<ir_version: 8, opset_import: [{imports}]>"
    model = onnx.parser.parse_model(f"{head} g {graph['text']} {graph.get('functions', '')}")
    draw = np.random.default_rng(0)
    for name, shape in graph.get("weights", {}).items():
        dtype = graph.get("dtypes", {}).get(name, "float32")
        value = draw.integers(0, 9, [] if isinstance(shape, str) else shape).astype(dtype)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    for name, value in graph.get("values", {}).items():
        made = np.array(value)
        made = made.astype(np.float32) if made.dtype == float else made
        model.graph.initializer.append(numpy_helper.from_array(made, name))
    return model


def counted(graph: dict[str, Any], folder: Path, batch: int = 1) -> Trace:
    file = folder / "net.onnx"
    onnx.save(model_of(graph), file)
    return count(str(file), Given(batched=not graph.get("no_batch")), batch=batch)


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph["name"])
def test_each_costs_what_is_reckoned(graph: dict[str, Any], tmp_path: Path) -> None:
    found = counted(graph, tmp_path)
    assert found.total.macs == graph["macs"]
    assert found.total.params == graph["params"]
    assert found.idle_params == graph.get("idle_params", 0)
    assert list(found.uncounted) == graph.get("uncounted", [])
    assert len(found.branches) == graph.get("branches", 0)
    if "elementwise" in graph:
        assert found.total.elementwise_flops == graph["elementwise"]
    if "activations" in graph:
        assert found.total.activations == graph["activations"]
    if "kinds" in graph:
        assert [str(op.kind) for op in found.operators] == graph["kinds"]


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph["name"])
def test_a_batch_multiplies_all_but_params(graph: dict[str, Any], tmp_path: Path) -> None:
    if (
        "batch" not in graph["text"]
        or "[1, 8]" in graph["text"]
        or "einsum of three" in graph["name"]
    ):
        return
    one, four = (counted(graph, tmp_path, batch) for batch in (1, 4))
    boxes = one.total.elementwise_flops - 768 if "boxes" in graph["name"] else 0
    assert four.total.macs == 4 * one.total.macs
    assert four.total.elementwise_flops == 4 * one.total.elementwise_flops - 3 * (
        768 if boxes else 0
    )
    assert four.total.params == one.total.params
