"""Broken and hostile files: one line, nothing run, nothing read beside them."""

import random
import resource
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from cnnbench import count
from cnnbench.counting.files.onnx.stripped import stripped
from cnnbench.errors import CnnbenchError

from .test_operators import GRAPHS, model_of

MUTATED = 15  # of each graph: `results/scripts/model_files.py fuzz` makes ten thousand


def refused(file: Path) -> str:
    with pytest.raises(CnnbenchError) as caught:
        count(str(file))
    text = str(caught.value)
    assert "\n" not in text and len(text) < 600
    return text


def written(folder: Path, data: bytes) -> Path:
    file = folder / "net.onnx"
    file.write_bytes(data)
    return file


@pytest.mark.parametrize("data", [b"", b"\0", b"PK\3\4", b"not a model", b"\x80\x04", bytes(5000)])
def test_what_is_no_model(data: bytes, tmp_path: Path) -> None:
    assert "no ONNX file" in refused(written(tmp_path, data))


def test_a_folder_a_missing_file_and_options(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    assert "is a folder" in refused(tmp_path / "folder.onnx")
    assert "is not there" in refused(tmp_path / "none.onnx")


def test_a_truncated_file_is_no_shorter_network(tmp_path: Path) -> None:
    whole = model_of(GRAPHS[0]).SerializeToString()
    for length in range(0, len(whole), 7):
        refused(written(tmp_path, whole[:length]))


def test_weights_outside_the_folder_are_not_looked_for(tmp_path: Path) -> None:
    for place in ("../../etc/passwd", "/etc/passwd", "C:\\secret", "a/../../b"):
        model = model_of(GRAPHS[0])
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        onnx.save_model(model, tmp_path / "net.onnx")
        assert "outside its folder" in refused(tmp_path / "net.onnx")


def test_weights_beside_the_file_are_not_needed(tmp_path: Path) -> None:
    model = model_of(GRAPHS[0])
    onnx.save_model(
        model, tmp_path / "net.onnx", save_as_external_data=True, size_threshold=0, location="w"
    )
    (tmp_path / "w").unlink()
    found = count(str(tmp_path / "net.onnx"))
    assert found.total.macs == GRAPHS[0]["macs"] and found.total.params == GRAPHS[0]["params"]


def test_a_cycle(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("b", TensorProto.FLOAT, [1])
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [out]))
    assert "nothing has made" in refused(written(tmp_path, model.SerializeToString()))


def test_a_billion_dimensions(tmp_path: Path) -> None:
    for sides in ([2**62, 2**62], [1] * 300_000, [2**40] * 9):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, sides)
        out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
        graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [out])
        refused(written(tmp_path, helper.make_model(graph).SerializeToString()))


def test_graphs_in_graphs_without_end(tmp_path: Path) -> None:
    inner = helper.make_graph([], "g", [], [])
    data = inner.SerializeToString()
    for _ in range(400):  # a node's attribute that is a graph, by hand: no library writes as many
        for key in (b"\x32", b"\x2a", b"\x0a"):  # attribute.g, node.attribute, graph.node
            data = key + _length(len(data)) + data
    data = b"\x08\x08" + b"\x3a" + _length(len(data)) + data  # model.ir_version, model.graph
    refused(written(tmp_path, data))


def _length(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


@pytest.mark.parametrize("graph", GRAPHS[::3], ids=lambda graph: graph["name"])
def test_whatever_is_changed_gives_a_count_or_one_line(graph: dict, tmp_path: Path) -> None:
    whole = model_of(graph).SerializeToString()
    draw = random.Random(graph["name"])
    for _ in range(MUTATED):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        try:
            count(str(written(tmp_path, bytes(data))))
        except CnnbenchError as error:
            assert "\n" not in str(error)


def test_large_weights_are_left_out_and_all_else_stays(tmp_path: Path) -> None:
    model = model_of(GRAPHS[0])
    tensor = helper.make_tensor(
        "large", TensorProto.FLOAT, [1000, 1000], bytes(4_000_000), raw=True
    )
    model.graph.initializer.append(tensor)
    file = written(tmp_path, model.SerializeToString())
    left = onnx.load_model_from_string(stripped(file))
    assert len(stripped(file)) < 10_000
    model.graph.initializer[-1].ClearField("raw_data")
    assert left == model


def test_counting_a_file_imports_no_torch(tmp_path: Path) -> None:
    file = written(tmp_path, model_of(GRAPHS[0]).SerializeToString())
    code = (
        "import sys; from cnnbench.cli import main; sys.argv[1:] = sys.argv[1:]\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
        "assert 'torch' not in sys.modules and 'onnxruntime' not in sys.modules"
    )
    for command in (["flops", str(file), "--layers"], ["show", str(file)]):
        subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True)


def test_memory_is_the_graphs_not_the_weights(tmp_path: Path) -> None:
    """A file of 512 MiB of weights, counted where 1.5 GiB of addresses are all there are."""
    model = model_of(GRAPHS[0])
    file = written(tmp_path, model.SerializeToString())
    tensor = TensorProto(name="large", data_type=TensorProto.FLOAT, dims=[2**27])
    with file.open("ab") as out:  # initializers of a graph that comes in a second part
        head = tensor.SerializeToString() + b"\x4a" + _length(2**29)
        body = b"\x2a" + _length(len(head) + 2**29) + head
        out.write(b"\x3a" + _length(len(body) + 2**29) + body)
        out.truncate(out.tell() + 2**29)
    code = f"import cnnbench; print(cnnbench.count({str(file)!r}).idle_params)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2**29, 2**29)),
        env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    assert int(done.stdout) == 2**27
