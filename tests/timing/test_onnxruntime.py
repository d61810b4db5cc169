"""ONNX Runtime as a back end: the same numbers as eager's, in processes of its own."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from cnnbench.devices.device import Device, find_device
from cnnbench.devices.machine import Machine
from cnnbench.errors import CnnbenchError, MissingError
from cnnbench.models.spec import parse
from cnnbench.timing import backends
from cnnbench.timing.backends import onnxruntime
from cnnbench.timing.lineup import lineup
from cnnbench.timing.prepared import Prepared, prepare, ready
from cnnbench.timing.session import Session, stop_rule
from cnnbench.timing.setting import Setting, check
from cnnbench.timing.workers.crew import _Turn

from ..commands import command
from ..zoo import EVERY

CPU = find_device("cpu")
RUNTIME = Setting(2, backend="onnxruntime")


def prepared(model: nn.Module | str, shape: tuple[int, ...] | None = None) -> Prepared:
    found = parse(model) if isinstance(model, str) else model
    return prepare(ready(found, shape, RUNTIME, CPU), RUNTIME, CPU)


@pytest.mark.parametrize(
    "model",
    ["resnet20", "separable", *(["mobilenet_v2", "googlenet"] if EVERY else [])],
)
def test_its_outputs_are_eagers(model: str) -> None:
    ran = prepared(model)
    assert ran.output_error is not None and 0 <= ran.output_error < 1e-4
    assert ran.seconds(2) > 0 and not ran.warnings


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
    ran = prepared(Noisy(), (3, 8, 8))
    assert ran.output_error is not None and ran.output_error > 0.01
    assert [one.name for one in ran.warnings] == ["output_error"]
    assert "computes something else" in ran.warnings[0].text


@pytest.mark.parametrize(
    ("expected", "found", "error"),
    [
        ([[1.0, -4.0]], [[1.0, -3.0]], 0.25),
        ([[1.0, float("inf")]], [[1.0, 7.0]], 0.0),
        ([[1.0, 2.0]], [[float("nan"), 2.0]], float("inf")),
        ([[0.0, 0.0]], [[0.5, 0.0]], 0.5),
        ([[float("nan")]], [[1.0]], 0.0),
    ],
)
def test_the_largest_difference_over_the_largest_value(
    expected: list, found: list, error: float
) -> None:
    assert onnxruntime._error(list(map(Tensor, expected)), list(map(Tensor, found))) == error


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
        (Setting(dtype="float16"), "in float32, not in float16"),
    ],
)
def test_what_it_does_not_run(setting: Setting, complaint: str) -> None:
    with pytest.raises(CnnbenchError, match=complaint):
        onnxruntime.check(setting, CPU)


def test_it_runs_on_the_cpu_alone_and_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(CnnbenchError, match="on the CPU alone, not on mps"):
        check(RUNTIME, Device(torch.device("mps")))
    monkeypatch.setattr(onnxruntime, "find_spec", lambda name: None)
    with pytest.raises(MissingError, match=r"pip install 'cnnbench\[onnx\]'"):
        check(RUNTIME, CPU)


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
        errors = [row.output_error for row in found.subjects]
    assert errors[0] is errors[2] is None and max(errors[1] or 0, errors[3] or 0) < 1e-4
    assert {backends.process_of(name) for name in backends.BACKENDS} == {"torch", "onnxruntime"}


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


def test_a_comparison_is_not_explained_by_predictions_of_another_runtime(tmp_path: Path) -> None:
    line = ["compare", "conv", "depthwise", "--shape", "7x7x8", "--backend", "onnxruntime"]
    done = command(*line, "--max-time", "0.2", "-f", "json", cwd=tmp_path)
    (found,) = json.loads(done.stdout)["results"]
    assert found["predicted_speedup"] is None and found["latency_s_a"], done.stderr
    assert "predict" not in found["explanation"]
