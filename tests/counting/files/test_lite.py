"""Files of TensorFlow Lite: each operator by hand, whole graphs, and files that are none."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench import count
from cnnbench.counting.cost import Trace
from cnnbench.counting.files.tflite import nodes, numbers, shapes, tables
from cnnbench.counting.files.tflite.operator import Operator as LiteOperator
from cnnbench.errors import CnnbenchError
from cnnbench.models.given import Given
from cnnbench.models.inputs import Input

from ...commands import SECONDS, command
from .lite import Operator, SubGraph, Tensor, file_of

OPERATORS = tomllib.loads(Path(__file__).with_name("lite.toml").read_text())["operator"]


def graph_of(case: dict[str, Any]) -> SubGraph:
    """One operator; the shapes of its outputs are left open, but for those that are `stored`."""
    dtypes, scales = case.get("dtypes", {}), case.get("scales", {})

    def tensor(name: str, shape: list[int], **more: Any) -> Tensor:
        return Tensor(name, shape, dtypes.get(name, "float32"), scale=scales.get(name, 0), **more)

    inputs = case["inputs"]
    tensors = [tensor(name, shape) for name, shape in inputs.items()]
    for name, shape in case.get("weights", {}).items():
        tensors.append(tensor(name, shape, data=np.ones(shape)))
    for name, value in case.get("values", {}).items():
        rows = np.array(value)
        if name in ("around", "crops"):
            rows = rows.reshape(-1, 2)
        tensors.append(Tensor(name, rows.shape, "int32", data=rows))
    for name, shape in case.get("variables", {}).items():
        tensors.append(tensor(name, shape, variable=True))
    number = len(case.get("outputs", [0]))
    for at in range(number):
        stored = case.get("stored", [1])
        open_ = () if "stored" in case else (0,)
        tensors.append(Tensor(f"net/layer/y{at}", stored, dtypes.get("x", "float32"), open_=open_))
    order = case.get("order") or [t.name for t in tensors[: len(tensors) - number]]
    outputs = [f"net/layer/y{at}" for at in range(number)]
    options = case.get("options", {})
    one = Operator(case["name"], order, outputs, case.get("table", ""), options)
    return SubGraph(tensors, [one], list(inputs), outputs)


def counted(file: Path, *inputs: Input, batched: bool = True, batch: int = 1) -> Trace:
    return count(str(file), Given(inputs=inputs, batched=batched), batch=batch)


def written(folder: Path, *graphs: SubGraph) -> Path:
    file = folder / "net.tflite"
    file.write_bytes(file_of(*graphs))
    return file


@pytest.mark.parametrize("case", OPERATORS, ids=lambda case: case["name"])
def test_each_gives_and_costs_what_is_reckoned(case: dict[str, Any], tmp_path: Path) -> None:
    found = counted(written(tmp_path, graph_of(case)))
    assert list(found.uncounted) == case.get("uncounted", [])
    if found.uncounted:
        return
    (one,) = found.operators
    assert one.cost.macs == case.get("macs", 0)
    assert one.cost.elementwise_flops == case.get("elementwise", 0)
    assert found.total.params == case.get("params", 0)
    made = case.get("outputs") or [case["output"]]
    assert one.output == tuple(made[0])
    if "kind" in case:
        assert str(one.kind) == case["kind"]
    if "activations" in case:
        assert one.cost.activations == case["activations"]
    if "bytes" in case:
        assert one.cost.bytes_moved == case["bytes"]


def reshaped() -> SubGraph:
    """Half of an image's rows, whatever they are, computed from its shape; then a layer."""
    tensors = [
        Tensor("serving_default_image:0", [1, 1, 6], open_=(0, 1)),
        Tensor("shape", [3], "int32"),
        Tensor("from", [1], "int32", data=[1]),
        Tensor("to", [1], "int32", data=[2]),
        Tensor("by", [1], "int32", data=[1]),
        Tensor("rows", [], "int32"),
        Tensor("two", [], "int32", data=2),
        Tensor("half", [], "int32"),
        Tensor("rest", [], "int32", data=-1),
        Tensor("wanted", [2], "int32"),
        Tensor("flat", [1, 1], open_=(0, 1)),
        Tensor("weights/dense/MatMul", [4, 12], data=np.ones((4, 12))),
        Tensor("PartitionedCall:0", [1, 4], open_=(0,)),
    ]
    operators = [
        Operator("SHAPE", ["serving_default_image:0"], ["shape"], "ShapeOptions"),
        Operator(
            "STRIDED_SLICE",
            ["shape", "from", "to", "by"],
            ["rows"],
            "StridedSliceOptions",
            {"ShrinkAxisMask": 1},
        ),
        Operator("FLOOR_DIV", ["rows", "two"], ["half"], "FloorDivOptions"),
        Operator("PACK", ["half", "rest"], ["wanted"], "PackOptions", {"ValuesCount": 2}),
        Operator("RESHAPE", ["serving_default_image:0", "wanted"], ["flat"], "ReshapeOptions"),
        Operator(
            "FULLY_CONNECTED",
            ["flat", "weights/dense/MatMul"],
            ["PartitionedCall:0"],
            "FullyConnectedOptions",
        ),
    ]
    return SubGraph(tensors, operators, ["serving_default_image:0"], ["PartitionedCall:0"])


def test_what_is_left_open_is_asked_for_and_followed(tmp_path: Path) -> None:
    file = written(tmp_path, reshaped())
    with pytest.raises(CnnbenchError, match="image of batchximage_1x6 and leaves image_1 open"):
        counted(file)
    found = counted(file, Input((10, 6), "image"))
    (linear,) = found.operators
    assert (linear.path, linear.output, linear.cost.macs) == ("weights.dense", (5, 4), 240)
    assert counted(file, Input((10, 6)), batch=3).total.macs == 720


def branching() -> tuple[SubGraph, ...]:
    """A choice of an activation or a layer."""
    names = ["which", "x"]
    head = [Tensor("which", [1], "bool"), Tensor("x", [1, 8])]
    main = SubGraph(
        [*head, Tensor("made", [1, 8])],
        [
            Operator(
                "IF", names, ["made"], "IfOptions", {"ThenSubgraphIndex": 1, "ElseSubgraphIndex": 2}
            )
        ],
        names,
        ["made"],
    )
    weights = Tensor("w", [8, 8], data=np.ones((8, 8)))
    once = Operator("FULLY_CONNECTED", ["x", "w"], ["y"], "FullyConnectedOptions")
    tensors = [head[1], weights, Tensor("y", [1, 8])]
    costly = SubGraph(tensors, [once], ["x"], ["y"])
    plain = SubGraph([head[1], Tensor("y", [1, 8])], [Operator("TANH", ["x"], ["y"])], ["x"], ["y"])
    return main, plain, costly


def test_of_two_branches_the_costlier_is_counted_and_named(tmp_path: Path) -> None:
    found = counted(written(tmp_path, *branching()))
    assert found.total.macs == 64 and found.branches == ("y",)
    done = command("flops", "net.tflite", cwd=tmp_path)
    assert "branch" in done.stdout


def stateful() -> tuple[SubGraph, ...]:
    """A stream: its state and the new samples, of which the last are kept."""
    tensors = [
        Tensor("x", [1, 2, 4]),
        Tensor("state", [], "int32"),
        Tensor("old", [1, 3, 4]),
        Tensor("both", [1, 5, 4]),
        Tensor("begin", [3], "int32", data=[0, 2, 0]),
        Tensor("size", [3], "int32", data=[1, 3, 4]),
        Tensor("new", [1, 3, 4]),
        Tensor("w", [2, 4], data=np.ones((2, 4))),
        Tensor("y", [5, 2]),
    ]
    operators = [
        Operator("CALL_ONCE", [], [], "CallOnceOptions", {"InitSubgraphIndex": 1}),
        Operator("VAR_HANDLE", [], ["state"], "VarHandleOptions"),
        Operator("READ_VARIABLE", ["state"], ["old"], "ReadVariableOptions"),
        Operator("CONCATENATION", ["old", "x"], ["both"], "ConcatenationOptions", {"Axis": 1}),
        Operator("SLICE", ["both", "begin", "size"], ["new"], "SliceOptions"),
        Operator("ASSIGN_VARIABLE", ["state", "new"], [], "AssignVariableOptions"),
        Operator("FULLY_CONNECTED", ["both", "w"], ["y"], "FullyConnectedOptions"),
    ]
    once = SubGraph([Tensor("a", [1])], [Operator("ABS", ["a"], ["a"])], [], [])
    return SubGraph(tensors, operators, ["x"], ["y"]), once


def test_a_state_is_read_and_kept_and_what_runs_once_is_not_counted(tmp_path: Path) -> None:
    found = counted(written(tmp_path, *stateful()))
    assert found.total.macs == 40 and found.total.params == 8 and not found.uncounted
    assert [one.operator for one in found.operators] == [
        "VAR_HANDLE",
        "READ_VARIABLE",
        "CONCATENATION",
        "SLICE",
        "ASSIGN_VARIABLE",
        "FULLY_CONNECTED",
    ]


def test_half_precision_weights_are_read_once(tmp_path: Path) -> None:
    """They are made float32 by an operator of constants, which costs nothing in a pass."""
    tensors = [
        Tensor("x", [1, 4]),
        Tensor("w16", [5, 4], "float16", data=np.ones((5, 4))),
        Tensor("w", [5, 4]),
        Tensor("y", [1, 5]),
    ]
    operators = [
        Operator("DEQUANTIZE", ["w16"], ["w"], "DequantizeOptions"),
        Operator("FULLY_CONNECTED", ["x", "w"], ["y"], "FullyConnectedOptions"),
    ]
    found = counted(written(tmp_path, SubGraph(tensors, operators, ["x"], ["y"])))
    assert [one.operator for one in found.operators] == ["FULLY_CONNECTED"]
    assert (found.total.params, found.weight_bytes) == (20, 40)


def looping(bound: Tensor) -> tuple[SubGraph, ...]:
    """While a counter is less than a bound, it moves by 2, and a state goes through a layer."""
    i, x, y = Tensor("i", [], "int32"), Tensor("x", [1, 4]), Tensor("y", [1, 4])
    options = {"CondSubgraphIndex": 1, "BodySubgraphIndex": 2}
    start = Tensor("start", [], "int32", data=1)
    loop = Operator("WHILE", ["start", bound.name, "x"], ["i", "n", "y"], "WhileOptions", options)
    own, inputs = ([bound], ["x"]) if bound.data is not None else ([bound], [bound.name, "x"])
    after = [Tensor("v", [3, 4], data=np.ones((3, 4))), Tensor("z", [1, 3])]
    head = Operator("FULLY_CONNECTED", ["y", "v"], ["z"], "FullyConnectedOptions")
    main = SubGraph(
        [start, *own, x, i, Tensor("n", [], "int32"), y, *after], [loop, head], inputs, ["z"]
    )
    n, less = Tensor("n", [], "int32"), Tensor("less", [], "bool")
    condition = SubGraph(
        [i, n, x, less], [Operator("LESS", ["i", "n"], ["less"])], ["i", "n", "x"], ["less"]
    )
    tensors = [
        *(i, n, x, y, Tensor("next", [], "int32")),
        Tensor("two", [], "int32", data=2),
        Tensor("w", [4, 4], data=np.ones((4, 4))),
    ]
    operators = [
        Operator("ADD", ["i", "two"], ["next"], "AddOptions"),
        Operator("FULLY_CONNECTED", ["x", "w"], ["y"], "FullyConnectedOptions"),
    ]
    body = SubGraph(tensors, operators, ["i", "n", "x"], ["next", "n", "y"])
    return main, condition, body


@pytest.mark.parametrize(("bound", "times"), [(10, 5), (2, 1), (1, 0), (1_000_001, 500_000)])
def test_a_loop_of_known_length_counts_as_often(bound: int, times: int, tmp_path: Path) -> None:
    found = counted(written(tmp_path, *looping(Tensor("bound", [], "int32", data=bound))))
    assert found.total.macs == 16 * times + 12 and not found.uncounted
    assert found.total.params == 28


def test_a_loop_whose_length_is_an_input_is_named(tmp_path: Path) -> None:
    """What is behind it is counted: a loop's state has the shape that it starts with."""
    file = written(tmp_path, *looping(Tensor("bound", [], "int32")))
    found = counted(file)
    assert found.uncounted == {"WHILE of unknown length": 1}
    assert (found.total.macs, found.total.params, found.idle_params) == (12, 28, 16)
    shown = command("flops", file.name, cwd=tmp_path).stdout
    assert "of its params do not run or are read by what is not counted" in " ".join(shown.split())


STEP = {"StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}


def single(name: str, x: list[int], weight: list[int], table: str, **options: int) -> SubGraph:
    tensors = [Tensor("x", x), Tensor("w", weight, data=np.ones(weight)), Tensor("y", [1, 4, 4, 4])]
    return SubGraph(tensors, [Operator(name, ["x", "w"], ["y"], table, options)], ["x"], ["y"])


@pytest.mark.parametrize(
    "graph",
    [
        single("CONV_2D", [1, 8, 8, 8], [4, 3, 3, 3], "Conv2DOptions", StrideH=1, StrideW=1),
        single("CONV_2D", [1, 8, 8, 3], [4, 3, 3, 3], "Conv2DOptions", StrideH=0, StrideW=1),
        single(
            "CONV_2D", [1, 2, 2, 3], [4, 3, 3, 3], "Conv2DOptions", StrideH=1, StrideW=1, Padding=1
        ),
        single("CONV_2D", [1, 8, 8, 3], [4, 3, 3, 3], ""),
        single("FULLY_CONNECTED", [1, 10], [4, 7], "FullyConnectedOptions"),
        single("ADD", [1, 10], [4, 7], "AddOptions"),
    ],
    ids=["channels", "stride", "too small", "no options", "features", "sum"],
)
def test_what_no_runtime_runs_is_not_counted(graph: SubGraph, tmp_path: Path) -> None:
    with pytest.raises(CnnbenchError, match=r"is no graph that can run: .* does not take"):
        counted(written(tmp_path, graph), batched=False)


def test_a_constant_without_its_numbers_is_a_part_of_a_file(tmp_path: Path) -> None:
    weight = Tensor("w", [1000, 1000], data=np.ones(4))
    graph = SubGraph(
        [Tensor("x", [1, 1000]), weight, Tensor("y", [1, 1000])],
        [Operator("FULLY_CONNECTED", ["x", "w"], ["y"], "FullyConnectedOptions")],
        *(["x"], ["y"]),
    )
    with pytest.raises(CnnbenchError, match="is a part of a file: 'w' lacks numbers"):
        counted(written(tmp_path, graph))


def test_a_shape_that_no_machine_holds_is_one_line(tmp_path: Path) -> None:
    for shape in ([2**31 - 1] * 8, [1] * 4000):
        tensors = [
            Tensor("x", [1]),
            Tensor("shape", [len(shape)], "int32", data=shape),
            Tensor("y", [1], open_=(0,)),
        ]
        one = Operator("BROADCAST_TO", ["x", "shape"], ["y"])
        with pytest.raises(CnnbenchError, match=r"too large to describe|more than 64"):
            counted(written(tmp_path, SubGraph(tensors, [one], ["x"], ["y"])))


def test_constants_of_large_sums_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two vectors whose sum would be a matrix of 16 million numbers."""

    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setitem(numbers.COMPUTING, "ADD", never)
    a, b = np.ones((4096, 1), dtype=np.int64), np.ones((1, 4096), dtype=np.int64)
    operator = LiteOperator("ADD", (None, None), (a, b), {}, ("int64",))
    assert numbers.values(operator) == [None]


@pytest.mark.parametrize(
    ("names", "dtypes", "given", "found"),
    [
        (["CAST", "MUL"], ["float32", "float32"], [7, 2], None),
        (["ADD"], ["int32"], [7, 2], 9),
        (["DIV"], ["int32"], [-7, 2], -3),  # towards zero, as its kernels do
        (["FLOOR_DIV"], ["int32"], [-7, 2], -4),
        (["CAST"], ["bool"], [7], True),
    ],
)
def test_numbers_are_of_their_dtype(
    names: list[str], dtypes: list[str], given: list[int], found: int | None
) -> None:
    read: list[Any] = [np.array(one) for one in given]
    for name, dtype in zip(names, dtypes, strict=True):
        taken = 1 if name == "CAST" else 2
        (made,) = numbers.values(
            LiteOperator(name, (None,) * taken, tuple(read[:taken]), {}, (dtype,))
        )
        read = [made, *read[taken:]]
    assert (None if read[0] is None else read[0].item()) == found


def test_every_operator_that_computes_has_a_shape() -> None:
    """But for those whose outputs are as stored, or decided by values."""
    stored = {"UNIQUE", "WHERE", "MULTINOMIAL"}
    names = {name for name in tables.SAME if not name.startswith("STABLEHLO_")}
    names = {name for name in names if "SEGMENT" not in name}
    assert names - set(shapes.RULES) == stored


def test_a_loop_that_starts_from_a_constant_computes_all_the_same(tmp_path: Path) -> None:
    """Zeros to start from: the first turn's product with them is one of the loop's."""
    graphs = looping(Tensor("bound", [], "int32", data=10))
    graphs[0].tensors[2].data = np.zeros((1, 4))
    graphs[0].inputs.clear()
    assert counted(written(tmp_path, *graphs)).total.macs == 5 * 16 + 12


def test_a_shape_of_zero_is_one_number(tmp_path: Path) -> None:
    tensors = [
        Tensor("x", [1, 1]),
        Tensor("shape", [1], "int32", data=[0]),
        Tensor("one", [1], open_=(0,)),
        Tensor("y", [1], open_=(0,)),
    ]
    operators = [Operator("RESHAPE", ["x", "shape"], ["one"]), Operator("ABS", ["one"], ["y"])]
    found = counted(written(tmp_path, SubGraph(tensors, operators, ["x"], ["y"])))
    assert found.operators[-1].output == ()


def test_an_input_of_one_number_and_long_names_are_shown(tmp_path: Path) -> None:
    name = "net/" + "long" * 1000
    graph = SubGraph(
        [Tensor("x", []), Tensor(name, [])], [Operator("ABS", ["x"], [name])], ["x"], [name]
    )
    written(tmp_path, graph)
    for line in (["flops"], ["show"], ["flops", "--layers"]):
        done = command(line[0], "net.tflite", *line[1:], cwd=tmp_path)
        assert done.returncode == 0 and len(done.stdout) < 5000, done.stderr


def test_graphs_that_call_each_other_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nodes, "_MOST", 5_000)  # fifty thousand take seconds
    tensors = [Tensor("x", [1]), Tensor("y", [1])]

    def calling(*numbers: int) -> SubGraph:
        calls = [Operator("CALL", ["x"], ["y"], "CallOptions", {"Subgraph": n}) for n in numbers]
        return SubGraph(tensors, calls, ["x"], ["y"])

    with pytest.raises(CnnbenchError, match="too deep"):
        counted(written(tmp_path, calling(0)))
    twice = [calling(at + 1, at + 1) for at in range(40)]
    end = SubGraph(tensors, [Operator("ABS", ["x"], ["y"])], ["x"], ["y"])
    with pytest.raises(CnnbenchError, match="more than 5,000 operators"):
        counted(written(tmp_path, *twice, end))


@pytest.mark.parametrize(
    "data", [b"", b"TFL3", b"\0" * 4 + b"TFL3", b"\x18\0\0\0TFL3" + b"\xff" * 40, b"x" * 99]
)
def test_what_is_no_model_is_one_line(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(data)
    done = command("flops", "net.tflite", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("cnnbench: net.tflite is ")


def test_a_cycle_is_no_graph(tmp_path: Path) -> None:
    tensors = [Tensor("x", [1]), Tensor("a", [1]), Tensor("b", [1])]
    operators = [
        Operator("ADD", ["x", "b"], ["a"], "AddOptions"),
        Operator("ABS", ["a"], ["b"]),
    ]
    with pytest.raises(CnnbenchError, match="ADD reads 'b', which nothing has made before it"):
        counted(written(tmp_path, SubGraph(tensors, operators, ["x"], ["b"])))


WHOLE = file_of(*stateful()), file_of(reshaped()), file_of(*branching())


@settings(max_examples=150)
@given(st.sampled_from(WHOLE), st.data())
def test_whatever_is_changed_gives_a_count_or_one_line(whole: bytes, data: st.DataObject) -> None:
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        changed[at] = data.draw(st.sampled_from((0, 1, 127, 128, 255)) | st.integers(0, 255))
    end = data.draw(st.just(len(whole)) | st.integers(0, len(whole)))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "changed.tflite"
        file.write_bytes(bytes(changed[:end]))
        try:
            counted(file)
        except CnnbenchError as error:
            assert "\n" not in str(error)


def test_counting_a_file_imports_no_torch(tmp_path: Path) -> None:
    written(tmp_path, *stateful())
    script = "import sys, cnnbench; cnnbench.count('net.tflite'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=SECONDS)
