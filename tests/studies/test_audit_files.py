"""The counters of ONNX files: what they print is their convention on our trace, to the last one."""

import json
from importlib.util import find_spec
from pathlib import Path

import onnx
import pytest

from cnnbench.models.given import Given
from cnnbench.studies.audit.audit import Account, installed
from cnnbench.studies.audit.counter import What
from cnnbench.studies.audit.files import COUNTERS
from cnnbench.studies.audit.files.judge import judge
from cnnbench.studies.audit.files.steps import prepare

from ..commands import command
from ..counting.files.exported import exported
from ..counting.files.test_operators import GRAPHS, model_of
from ..zoo import EVERY

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
HERE = {counter.name: counter for counter in installed(COUNTERS)[0]}
pytestmark = pytest.mark.skipif(not HERE, reason="no counter of files is installed")


def accounts(file: Path) -> dict[str, Account]:
    done = prepare(file, Given(), 1)
    return {name: judge(counter, done) for name, counter in HERE.items()}


@pytest.mark.parametrize("file", sorted(LIGHT.glob("light_*.onnx")), ids=lambda file: file.stem)
def test_nothing_remains_of_files_that_nobody_here_made(file: Path) -> None:
    for name, one in accounts(file).items():
        assert (one.failure, one.remaining, one.layers) == ("", 0, {}), name
        assert one.terms[What.MACS] == prepare(file, Given(), 1).trace.total.macs


LARGE = ["googlenet", "efficientnet_b0", "mobilenet_v1"] if EVERY else []


@pytest.mark.parametrize("model", ["resnet20", "lenet5", *LARGE])
def test_nothing_remains_of_exported_networks(model: str, tmp_path: Path) -> None:
    for name, one in accounts(exported(model, tmp_path).file).items():
        assert (one.failure, one.remaining, one.layers) == ("", 0, {}), name


def by_name(name: str) -> dict:
    return next(graph for graph in GRAPHS if graph["name"] == name)


def test_a_transposed_convolution_is_the_terms_name(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    model = model_of(by_name("transposed convolution"))
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("kernel_shape", [2, 2]))
    onnx.save(model, file)
    one = accounts(file)["onnx-tool"]
    assert one.terms[What.TRANSPOSED] > 0 and one.remaining == 0


def test_what_is_not_explained_is_said_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if "onnx-tool" not in HERE:
        pytest.skip("onnx-tool is not installed")
    from cnnbench.studies.audit.files import onnx_tool

    monkeypatch.setitem(onnx_tool._EACH, "Relu", 2)
    one = accounts(LIGHT / "light_squeezenet.onnx")["onnx-tool"]
    assert one.remaining and one.layers
    assert sum(one.layers.values()) == one.remaining


def test_one_that_fails_says_why(tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    onnx.save(model_of(by_name("convolution")), file)
    found = accounts(file)
    if "onnx-opcounter" in found:  # which wants what the standard leaves out
        assert found["onnx-opcounter"].failure == "KeyError: 'kernel_shape'"
        assert found["onnx-opcounter"].printed is None


def test_the_command(tmp_path: Path) -> None:
    command("export", "lenet5_dense", "--output", "net.onnx", cwd=tmp_path)
    done = command("audit", "net.onnx", "--batch", "2", "-f", "json", cwd=tmp_path)
    (found,) = json.loads(done.stdout)["results"]
    assert [one["remaining"] for one in found["counters"]] == [0] * len(HERE)
    assert found["macs"] == 2 * 416_520
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    shown = command("audit", "net.onnx", cwd=tmp_path).stdout
    assert "onnx-tool says" in shown or not find_spec("onnx_tool")


@pytest.mark.parametrize(
    ("file", "complaint"),
    [("net.tflite", "no other counter reads net.tflite"), ("net.onnx", "is no ONNX file")],
)
def test_what_it_cannot_read_is_one_line(file: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(b"TFL3" * 9)
    done = command("audit", file, cwd=tmp_path)
    assert done.returncode == 2 and complaint in done.stderr and done.stderr.count("\n") == 1


def test_weights_beside_the_file_are_looked_for_beside_it_alone(tmp_path: Path) -> None:
    model = model_of(by_name("convolution"))
    for place, complaint in (("../../etc/passwd", "from outside"), ("w.bin", "with its weights")):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        del tensor.external_data[:]
        tensor.external_data.add(key="location", value=place)
        (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
        done = command("audit", "net.onnx", cwd=tmp_path)
        assert done.returncode == 2 and complaint in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("options", [["--on-values"], ["--example", "there.py:x"]])
def test_it_takes_what_flops_takes(options: list[str], tmp_path: Path) -> None:
    onnx.save(model_of(by_name("convolution")), tmp_path / "NET.ONNX")
    for name in ("flops", "audit"):
        done = command(name, "NET.ONNX", *options, cwd=tmp_path)
        assert done.returncode == 2 and "is read and not run" in done.stderr
    assert command("flops", "NET.ONNX", cwd=tmp_path).returncode == 0


def test_no_counter_runs_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """onnx-opcounter would, where it cannot infer a shape."""
    if "onnx-opcounter" not in HERE:
        pytest.skip("onnx-opcounter is not installed")
    model = model_of(by_name("convolution"))
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("kernel_shape", [3, 3]))
    file = tmp_path / "net.onnx"
    onnx.save(model, file)

    def fails(*_: object, **__: object) -> None:
        raise onnx.shape_inference.InferenceError("no")

    done = prepare(file, Given(), 1)
    monkeypatch.setattr(onnx.shape_inference, "infer_shapes", fails)
    assert "it would run the file" in judge(HERE["onnx-opcounter"], done).failure
