"""Runtimes beside torch: the same numbers as eager's, in processes of their own."""

import json
import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cnnbench import count
from cnnbench.devices.device import Device, find_device
from cnnbench.devices.machine import Machine
from cnnbench.errors import CnnbenchError, MissingError
from cnnbench.models.spec import parse
from cnnbench.timing import backends
from cnnbench.timing.backends import exports, runtime
from cnnbench.timing.backends.watches.litert import claims
from cnnbench.timing.backends.watches.nodes import File, FileNode
from cnnbench.timing.backends.watches.onnxruntime import Profile
from cnnbench.timing.by_layer.by_node import ByNode, watched
from cnnbench.timing.lineup import lineup
from cnnbench.timing.preparing.builder import Builder
from cnnbench.timing.preparing.prepared import Prepared, prepare, prepare_file, ready
from cnnbench.timing.preparing.run_folder import run_folder
from cnnbench.timing.session import Session, stop_rule
from cnnbench.timing.setting import Setting, check
from cnnbench.timing.workers.crew import _Turn

from ..commands import command
from ..zoo import EVERY, costly

CPU = find_device("cpu")
PACKAGES = {"onnxruntime": "onnxruntime", "openvino": "openvino"}
GRAPHS = [name for name, package in PACKAGES.items() if find_spec(package)]
LITE = find_spec("ai_edge_litert") is not None
CONVERTED = LITE and "CNNBENCH_LITERT" in os.environ
RUNTIMES = [*GRAPHS, *(["litert"] if CONVERTED else [])]
SMALL = Path(__file__).parents[1] / "golden" / "files" / "small.tflite"
MACS = count("resnet20").total.macs
RUNTIME = Setting(2, backend="onnxruntime")


@pytest.fixture(autouse=True)
def _own_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "exports").mkdir()
    monkeypatch.setattr(exports, "folder", lambda network=None: tmp_path / "exports")


def prepared(
    model: nn.Module | str, shape: tuple[int, ...] | None = None, setting: Setting = RUNTIME
) -> Prepared:
    found = parse(model) if isinstance(model, str) else model
    return prepare(ready(found, shape, setting, CPU), setting, CPU)


@pytest.mark.parametrize("backend", RUNTIMES)
@pytest.mark.parametrize(
    "model",
    ["resnet20", "separable", *(["mobilenet_v2", "googlenet"] if EVERY else [])],
)
def test_its_outputs_are_eagers(model: str, backend: str) -> None:
    ready = prepared(model, setting=Setting(2, backend=backend))
    assert ready.ran.output_error is not None and 0 <= ready.ran.output_error < 1e-4
    assert ready.seconds(2) > 0 and not ready.warnings and ready.dtype == "float32"


@pytest.mark.parametrize("backend", RUNTIMES)
def test_int8_is_close(backend: str) -> None:
    ready = prepared("resnet20", setting=Setting(2, "int8", backend=backend))
    error = ready.ran.output_error
    assert error is not None and 1e-4 < error < 0.1 and not ready.warnings
    assert ready.seconds(2) > 0 and ready.dtype == "int8"


def test_fewer_bits_in_each_runtime_that_has_them() -> None:
    asked = [Setting(1, "int8-dynamic", backend="onnxruntime")]
    if "openvino" in RUNTIMES:
        asked += [Setting(1, dtype, backend="openvino") for dtype in ("bfloat16", "float16")]
    for setting in asked:
        ready = prepared("resnet20", setting=setting)
        assert ready.ran.output_error is not None and 1e-6 < ready.ran.output_error < 0.1
        assert ready.dtype == setting.dtype


@pytest.mark.parametrize("backend", GRAPHS)
@pytest.mark.parametrize("dtype", ["int8", pytest.param(None, marks=costly)])
def test_a_graph_is_run_as_it_stands(backend: str, dtype: str | None, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    command("export", "resnet20", "--output", str(file))
    for batch in (1, 3):  # its batch is open
        setting = Setting(batch, dtype, backend=backend)
        ready = prepare_file(parse(str(file)), None, setting, CPU)  # type: ignore[arg-type]
        assert ready.totals.macs == batch * MACS
        assert ready.seconds(1) > 0 and ready.ran.output_error is None
        assert [tuple(one.shape) for one in ready.run.outputs()] == [(batch, 10)]  # type: ignore[attr-defined]


@costly
def test_a_graph_in_the_usual_runtime_of_its_format(tmp_path: Path) -> None:
    command("export", "resnet20", "--output", "net.onnx", cwd=tmp_path)
    line = ["time", "net.onnx", "--max-time", "0.2", "-f", "json"]
    (found,) = json.loads(command(*line, cwd=tmp_path).stdout)["results"]
    assert found["backend"] == "onnxruntime" and found["latency_s"] and found["macs"] > 4e7
    done = command(*line, "--backend", "eager", cwd=tmp_path)
    assert done.returncode == 2 and "give --backend onnxruntime, openvino" in done.stderr
    done = command("compare", "resnet20", "net.onnx", *line[2:], cwd=tmp_path)
    assert done.returncode == 2 and "give --backend" in done.stderr
    done = command(
        "compare", "resnet20", "net.onnx", *line[2:], "--backend", "onnxruntime", cwd=tmp_path
    )
    assert json.loads(done.stdout)["results"][0]["latency_s_b"]


@pytest.mark.skipif(not LITE, reason="no LiteRT here")
def test_a_file_of_tensorflow_lite() -> None:
    ready = prepare_file(parse(str(SMALL)), None, Setting(backend="litert"), CPU)  # type: ignore[arg-type]
    assert ready.seconds(1) > 0 and ready.dtype == "float32"
    shape = tuple(ready.run.outputs()[0].shape)  # type: ignore[attr-defined]
    assert shape == count(str(SMALL)).operators[-1].output


@pytest.mark.skipif(not LITE, reason="no LiteRT here")
@pytest.mark.parametrize("dtype", [None, "int8"])
def test_without_its_converter_it_says_where_that_comes_from(
    dtype: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CNNBENCH_LITERT", raising=False)
    with pytest.raises(MissingError, match="pip install litert-torch ai-edge-quantizer; export"):
        prepared("separable", setting=Setting(1, dtype, backend="litert"))


@pytest.mark.skipif(not LITE, reason="no LiteRT here")
def test_all_that_can_run_leaves_out_what_cannot_convert(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CNNBENCH_LITERT", raising=False)
    setting = Setting(backend="litert")
    assert not backends.can_run(setting, CPU) and backends.can_run(setting, CPU, files=True)
    assert not backends.can_run(replace(setting, dtype="int8"), CPU, files=True)


class Scaled(nn.Module):
    """Multiplies by a number that its forward calls for."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) * factor()


FACTOR = [2.0]


def factor() -> float:
    return FACTOR[0]


def test_an_export_is_kept_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    real = exports.kept

    def kept(*given: object, **named: object) -> Path:
        made.append(real(*given, **named))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(exports, "kept", kept)
    monkeypatch.setattr(exports, "is_of_this_run", lambda file: False)
    net = Scaled()
    first = prepared(net, (8,))
    again = prepared(net, (8,))
    assert made[0] == made[1] and first.ran == again.ran
    before = made[0].read_bytes()
    FACTOR[0] = 3.0  # not in its content: its outputs tell
    other = prepared(net, (8,))
    assert other.ran.output_error is not None and other.ran.output_error < 1e-4
    assert made[-1] == made[0] and made[0].read_bytes() != before
    with torch.no_grad():
        net.layer.weight += 1.0
    prepared(net, (8,))
    prepared(net, (5, 8))
    assert len(set(made)) == 3


def test_an_honest_error_is_met_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this run has made is not made again, however far off it is."""
    made: list[bool] = []
    real = exports.kept
    monkeypatch.setattr(
        exports, "kept", lambda *given, anew, **named: made.append(anew) or real(*given, anew=anew)
    )
    prepared(Noisy(), (3, 8, 8))
    assert made == [False]


@costly
def test_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\ndef small(): return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\n"
    )
    kept = tmp_path / "temporary"
    kept.mkdir()
    line = ["time", "nets.py:small", "--input", "3x8x8", "--backend", "eager,onnxruntime"]
    done = command(
        *line, "--layers", *QUICK, cwd=tmp_path, TMPDIR=str(kept), CNNBENCH_PROCESSES="2"
    )
    assert done.returncode == 0, done.stderr
    ours = ("cnnbench", "tmp")  # beside what libraries leave
    assert [path.name for path in kept.iterdir() if path.name.startswith(ours)] == []


@costly
def test_rows_of_several_dtypes_are_counted_in_their_own(tmp_path: Path) -> None:
    line = ["compare", "conv", "separable", "--shape", "7x7x8", "--dtype", "float32,bfloat16"]
    found = json.loads(command(*line, *QUICK, "-f", "json", cwd=tmp_path).stdout)["results"]
    assert [row["dtype"] for row in found] == ["float32", "bfloat16"]
    assert found[0]["bytes_moved_a"] == 2 * found[1]["bytes_moved_a"]
    line = ["compare", "resnet20", "--dtype", "float32,bfloat16", *QUICK, "-f", "json"]
    (one,) = json.loads(command(*line, cwd=tmp_path).stdout)["results"]
    assert (one["dtype_a"], one["dtype_b"]) == ("float32", "bfloat16")


@costly
def test_files_are_compared_in_several_dtypes(tmp_path: Path) -> None:
    command("export", "resnet20", "--output", "net.onnx", cwd=tmp_path)
    line = ["compare", "net.onnx", "--dtype", "float32,int8", *QUICK, "-f", "json"]
    (one,) = json.loads(command(*line, cwd=tmp_path).stdout)["results"]
    assert (one["dtype_a"], one["dtype_b"]) == ("float32", "int8") and one["latency_s_b"]
    line = ["time", "net.onnx", "--input", "3x32x32", "--batch", "2", "--layers", "--dtype", "int8"]
    (row,) = json.loads(command(*line, *QUICK, "-f", "json", cwd=tmp_path).stdout)["results"]
    assert sum(layer["macs"] for layer in row["layers"]) == 2 * MACS


@costly
def test_a_block_in_several_back_ends_keeps_its_shape(tmp_path: Path) -> None:
    line = ["compare", "conv", "--backend", "eager,onnxruntime", *QUICK, "-f", "json"]
    done = command(*line, "--max-time", "0.1", cwd=tmp_path)
    found = json.loads(done.stdout)["results"]
    assert len({row["label"] for row in found}) == 5 and all("→" in r["label"] for r in found)


def test_passes_that_do_not_count_are_not_in_a_profile() -> None:
    entry = watched(prepared("separable"))
    for counts in (False, True, False, True):
        entry.seconds(1, counts=counts)
    assert isinstance(entry, ByNode) and isinstance(entry._watch, Profile)
    assert entry._watch._counting == [False, False, True, False, True]
    assert entry.medians()


def test_somebody_elses_network_is_kept_for_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ours = ready(parse("separable"), None, RUNTIME, CPU)
    theirs = ready(Scaled(), (8,), RUNTIME, CPU)
    assert "exports" in exports.folder(ours).parts and "exports" in exports.folder().parts
    assert str(exports.folder(theirs)) == run_folder() and Path(run_folder()).is_dir()


class Whole(nn.Module):
    """Whole numbers, a number alone, and complex ones."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.argmax(1), x.sum()


class InPlace(nn.Module):
    """Writes into what it is given."""

    def forward(self, x: Tensor) -> Tensor:
        x += 1.0
        return x * 2


@pytest.mark.parametrize("backend", RUNTIMES)
def test_outputs_are_compared_as_they_are(backend: str) -> None:
    setting = Setting(1, backend=backend)
    for net in (Whole(), InPlace()):
        error = prepared(net, (3, 8, 8), setting).ran.output_error
        assert error is not None and error < 1e-5
    assert runtime.output_error([torch.ones(2, dtype=torch.int64)], [torch.zeros(2)]) is None
    shifted = [torch.tensor([1 + 1j])], [torch.tensor([1 + 2j])]
    assert runtime.output_error(*shifted) == 1.0


@pytest.mark.parametrize("broken", [b"", b"nonsense", None])
@costly
def test_a_damaged_export_is_written_anew(
    broken: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "is_of_this_run", lambda file: False)
    for dtype in (None, "int8"):
        setting = Setting(1, dtype, backend="onnxruntime")
        prepared("separable", setting=setting)
        for file in (tmp_path / "exports").glob("*.onnx"):
            file.write_bytes(file.read_bytes()[:-500] if broken is None else broken)
        assert prepared("separable", setting=setting).ran.output_error is not None


def test_each_row_has_weights_of_its_own_dtype() -> None:
    """A runtime converts by itself, so its network stays float32."""
    builder = Builder(CPU, 0)
    net = nn.Conv2d(3, 4, 3)
    for backend, dtype in (("onnxruntime", torch.float32), ("eager", torch.bfloat16)):
        asked = "int8" if backend == "onnxruntime" else "bfloat16"
        made = builder.prepared(net, (3, 8, 8), Setting(1, asked, backend=backend))
        assert made.network is not None and made.network.dtype == dtype


def test_what_was_used_the_longest_ago_goes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(exports, "_ROOM", 25)
    for key in "abc":
        exports.kept(exports.folder(), key, "x", lambda path: path.write_bytes(b"0" * 10) and None)
    assert sorted(path.name for path in (tmp_path / "exports").glob("*-x")) == ["b-x", "c-x"]


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n"
        "class Several(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.table, self.layer = nn.Embedding(10, 8), nn.Linear(8, 4)\n"
        "    def forward(self, x, ids):\n"
        "        made = self.layer(x + self.table(ids))\n"
        "        return made, made.argmax(-1)\n"
    )
    line = ["time", "nets.py:Several", "--input", "5x8", "--input", "ids:int64=5"]
    line += ["--backend", "onnxruntime", "--max-time", "0.2", "-f", "json"]
    done = command(*line, cwd=tmp_path)
    (found,) = json.loads(done.stdout)["results"]
    assert found["backend"] == "onnxruntime" and found["output_error"] < 1e-4, done.stderr


class Noisy(nn.Module):
    """Another number in each pass."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


def test_other_outputs_are_told() -> None:
    ready = prepared(Noisy(), (3, 8, 8))
    assert ready.ran.output_error is not None and ready.ran.output_error > 0.01
    assert [one.name for one in ready.warnings] == ["output_error"]
    assert "computes something else" in ready.warnings[0].text


@pytest.mark.parametrize(
    ("expected", "found", "error"),
    [
        ([[1.0, -4.0]], [[1.0, -3.0]], 0.25),
        ([[1.0, float("inf")]], [[1.0, 7.0]], 0.0),
        ([[1.0, 2.0]], [[float("nan"), 2.0]], float("inf")),
        ([[0.0, 0.0]], [[0.5, 0.0]], 0.5),
        ([[float("nan")]], [[1.0]], None),
    ],
)
def test_the_largest_difference_over_the_largest_value(
    expected: list, found: list, error: float | None
) -> None:
    assert runtime.output_error(list(map(Tensor, expected)), list(map(Tensor, found))) == error


class Branching(nn.Module):
    """Its forward reads a value."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_what_cannot_be_exported_says_why() -> None:
    with pytest.raises(CnnbenchError, match="cannot be exported"):
        prepared(Branching(), (3, 8, 8))


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        (Setting(train=True), "does not train"),
        (Setting(channels_last=True), "a layout of its own"),
        (Setting(fuse=True), "folds batch norm by itself"),
        (Setting(dtype="float16"), "has no float16 here; it has float32, int8, int8-dynamic"),
    ],
)
def test_what_it_does_not_run(setting: Setting, complaint: str) -> None:
    with pytest.raises(CnnbenchError, match=complaint):
        check(replace(setting, backend="onnxruntime"), CPU)


def test_it_runs_on_the_cpu_alone_and_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(CnnbenchError, match="on the CPU alone, not on mps"):
        check(RUNTIME, Device(torch.device("mps")))
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"pip install 'cnnbench\[onnx\]'"):
        check(RUNTIME, CPU)


@costly
def test_each_runtime_has_processes_of_its_own() -> None:
    """Threads of two would wait for each other in one."""
    asked = [
        (parse(name), Setting(backend=backend))
        for name in ("conv", "separable")
        for backend in ("eager", "onnxruntime")
    ]
    session = Session(Machine.find("cpu", 1), stop_rule(0.5, 1.0, 0, 2))
    with lineup(asked, [None] * len(asked), None, session) as found:
        assert [row.setting.backend for row in found.subjects] == ["eager", "onnxruntime"] * 2
        assert len(found.teams) == found.processes == 2
        for team in found.teams:
            members = [one.member for one in team if isinstance(one, _Turn)]
            assert members[0] is members[2] and members[1] is members[3]
            assert members[0] is not members[1]
            assert all(entry.seconds(1) > 0 for entry in team)
        errors = [row.ran.output_error for row in found.subjects]
    assert errors[0] is errors[2] is None and max(errors[1] or 0, errors[3] or 0) < 1e-4
    assert backends.process_of("openvino") != backends.process_of("onnxruntime")


@costly
def test_a_network_that_one_runtime_cannot_run_is_a_row_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n"
        "class Branching(nn.Conv2d):\n"
        "    def __init__(self): super().__init__(3, 4, 3)\n"
        "    def forward(self, x): return super().forward(x if x.sum() > -1e9 else -x)\n"
    )
    line = ["time", "nets.py:Branching", "--input", "3x8x8", "--backend", "eager,onnxruntime"]
    line += ["--max-time", "0.2", "-f", "json"]
    for processes in ("0", "1"):
        done = command(*line, cwd=tmp_path, CNNBENCH_PROCESSES=processes)
        eager, other = json.loads(done.stdout)["results"]
        assert eager["latency_s"] and eager["output_error"] is None
        assert other["latency_s"] is None and "cannot be exported" in other["error"]
        assert done.returncode == 1


LAYERED = [name for name in RUNTIMES if backends.has_layers(name)]
NOT_QUANTISED = [(model, "int8", "litert") for model in ("lenet5", "googlenet")]
MORE = "lenet5 separable mobilenet_v2 efficientnet_b0 googlenet resnet18".split() if EVERY else []


@pytest.mark.parametrize("backend", LAYERED)
@pytest.mark.parametrize("dtype", [None, "int8"])
@pytest.mark.parametrize("model", ["resnet20", *MORE])
def test_every_node_that_multiplies_is_in_one_that_ran(
    model: str, dtype: str | None, backend: str
) -> None:
    if (model, dtype, backend) in NOT_QUANTISED:
        pytest.skip("LiteRT's quantiser does not take it")
    ready = prepared(model, setting=Setting(1, dtype, backend=backend))
    entry = watched(ready)
    entry.seconds(2, counts=False)
    assert entry.medians() == []
    assert entry.seconds(3) > 0
    found = entry.medians()
    assert sum(op.cost.macs for op, _, _ in found) == count(model).total.macs
    assert all(seconds >= 0 for _, seconds, _ in found) and sum(s for _, s, _ in found) > 0
    convolutions = [op for op, _, _ in found if op.cost.macs and "conv" in op.operator.lower()]
    assert convolutions and all(op.path for op in convolutions)
    assert entry.medians() == found  # it can be asked again
    entry.seconds(1)


@pytest.mark.skipif(not LITE, reason="no LiteRT here")
def test_every_node_of_a_file_of_tensorflow_lite_that_multiplies_is_in_one_that_ran() -> None:
    setting = Setting(backend="litert")
    entry = watched(prepare_file(parse(str(SMALL)), None, setting, CPU))  # type: ignore[arg-type]
    entry.seconds(2, counts=False)
    assert entry.medians() == []
    entry.seconds(3)
    found = entry.medians()
    assert sum(op.cost.macs for op, _, _ in found) == count(str(SMALL)).total.macs
    multiplying = {op.operator: kernel for op, _, kernel in found if op.cost.macs}
    assert len(multiplying) > 1 and all(multiplying.values())
    assert all(seconds >= 0 for _, seconds, _ in found)


def test_kernels_are_joined_with_a_files_nodes_by_their_order() -> None:
    operators = ["PAD", "CONV_2D", "custom Odd", "CONV_2D", "RELU", "ADD", "FULLY_CONNECTED"]
    nodes = [
        FileNode(f"t{place}", name, [f"t{place - 1}"], [f"t{place}"])
        for place, name in enumerate(operators)
    ]
    kernels = [
        ("Convolution (NHWC, F32) IGEMM", 8),
        ("Fully Connected (NC, F32) GEMM", 8),
        ("Odd", 2),
        ("Nobody Knows (ND)", 8),
        ("Add (ND)", 8),
        ("Fully Connected (NC, F32) GEMM", 8),
    ]
    file = File(nodes)
    found = claims(kernels, file)
    assert found == {1: 0, 3: 1, 2: 2, 5: 4, 6: 5}
    assert file.held(found, 6) == [("t0", "t1"), ("t3",), ("t2",), (), ("t4", "t5"), ("t6",)]


@pytest.mark.parametrize("backend", GRAPHS)
def test_what_a_runtime_fuses_and_puts_in_between_is_said(backend: str) -> None:
    entry = watched(prepared("separable", setting=Setting(1, backend=backend)))
    entry.seconds(3)
    found = entry.medians()
    assert [op.operator for op, _, _ in found if op.cost.macs] == ["Conv + Relu"] * 2
    assert [op.path for op, _, _ in found if op.cost.macs] == ["depthwise.norm", "pointwise.norm"]
    assert {op.path for op, _, kernel in found if not kernel} <= {"(layout)", "(added)"}


@costly
def test_layers_of_several_runtimes(tmp_path: Path) -> None:
    line = ["time", "resnet20", "--layers", "--backend", ",".join(["eager", *LAYERED]), *QUICK]
    found = json.loads(command(*line, "-f", "json", cwd=tmp_path).stdout)["results"]
    for row in found:
        assert sum(layer["macs"] for layer in row["layers"]) == row["macs"] == MACS
        assert any(layer["kernel"] for layer in row["layers"]) is (row["backend"] != "eager")
    said = command(*line, cwd=tmp_path).stdout
    for name in LAYERED:
        assert f"batch 1 {name}" in said


QUICK = ["--max-time", "0.2", "--no-wait"]


@costly
def test_a_comparison_in_several_runtimes_is_one_table(tmp_path: Path) -> None:
    line = ["compare", "conv", "separable", "bottleneck", "--shape", "7x7x8", *QUICK]
    line += ["--backend", "eager,onnxruntime"]
    done = command(*line, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    head = done.stdout.splitlines()[0]
    assert "eager" in head and "onnxruntime" in head
    assert done.stdout.count("times less") == 2 and "7x7x8, 3x3, 6 in a chain" in done.stdout
    assert "Of the speed-up that MACs promise: " in done.stdout
    found = json.loads(command(*line, "-f", "json", cwd=tmp_path).stdout)["results"]
    assert [row["backend"] for row in found] == 2 * ["eager"] + 2 * ["onnxruntime"]
    assert all(row["measured_speedup"] and "chain=6" in row["a"] for row in found)
    assert [bool(row["predicted_speedup"]) for row in found] == [True, True, False, False]


@costly
def test_one_network_in_several_dtypes_is_compared_with_itself(tmp_path: Path) -> None:
    line = ["compare", "resnet20", "--backend", "onnxruntime", "--dtype", "float32,int8", *QUICK]
    (found,) = json.loads(command(*line, "-f", "json", cwd=tmp_path).stdout)["results"]
    assert found["macs_a"] == found["macs_b"] and found["latency_s_a"] and found["latency_s_b"]
    said = command(*line, cwd=tmp_path).stdout
    assert "float32" in said and "int8" in said and "as many MACs" in said
    assert "nothing is known" not in said and "a: " not in said


@costly
def test_all_back_ends_that_can_run_it_are_ranked(tmp_path: Path) -> None:
    line = ["time", "resnet20", "--backend", "all", *QUICK, "--device", "cpu"]
    found = json.loads(command(*line, "-f", "json", cwd=tmp_path).stdout)["results"]
    names = [row["backend"] for row in found]
    assert {"eager", "onnxruntime"} <= set(names) and "graph" not in names
    times = [row["latency_s"] for row in found if row["latency_s"]]
    assert times == sorted(times)
    held = {row["backend"]: row["process_bytes"] for row in found}
    assert 0 < held["onnxruntime"] < held["eager"]


def test_a_chain_is_its_first_block_and_more_of_what_comes_out_of_it() -> None:
    first = count("conv@shape=8x8x4,out_channels=6,stride=2").total.macs
    after = count("conv@shape=4x4x6").total.macs
    chain = count("conv@shape=8x8x4,out_channels=6,stride=2,chain=3")
    assert chain.total.macs == first + 2 * after
    assert {op.path.partition(".")[0] for op in chain.operators} == {"block1", "block2", "block3"}


@costly
def test_a_comparison_is_not_explained_by_predictions_of_another_runtime(tmp_path: Path) -> None:
    line = ["compare", "conv", "depthwise", "--shape", "7x7x8", "--backend", "onnxruntime"]
    done = command(*line, "--max-time", "0.2", "-f", "json", cwd=tmp_path)
    (found,) = json.loads(done.stdout)["results"]
    assert found["predicted_speedup"] is None and found["latency_s_a"], done.stderr
    assert "predict" not in found["explanation"]
