"""`cnnbench compare` and `cnnbench predict`, as a person types them."""

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ..commands import SECONDS, command
from .conftest import Refused

SMALL = str(Path(__file__).parents[1] / "golden/files/small.{}")
AWAY = str(Path(__file__).parents[1] / "golden/files/phone.toml")
PHONE = "flops_per_s = { float32 = 1e11, float16 = 2e11 }\nbytes_per_s = 1e10\ncall_s = 1e-5\n"
CONTRACT = {
    *("a", "b", "params_a", "params_b", "macs_a", "macs_b", "macs_ratio", "bytes_ratio"),
    *("predicted_speedup", "measured_speedup", "ci_low", "ci_high", "verdict", "bound_a"),
    *("bound_b", "explanation", "input", "dtype"),
}


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    file = tmp_path / "phone.toml"
    file.write_text(PHONE)
    return file


def test_static_rows_are_the_contracts(tmp_path: Path) -> None:
    done = command("compare", "conv", "depthwise", "--static", "--format", "json")
    assert done.returncode == 0 and done.stderr == ""
    found = json.loads(done.stdout)
    assert found["command"] == "compare" and len(found["results"]) == 5
    assert found["results"][0].keys() >= CONTRACT
    fourth = found["results"][3]
    assert fourth["macs_a"] == 462_422_016 and fourth["macs_b"] == 52_283_392
    assert fourth["closed_form"] == "1/N + 1/k² = 1/512 + 1/9 = 0.113"
    assert fourth["measured_speedup"] is None and fourth["bound_a"] is None
    again = command("compare", "conv", "depthwise", "--static", "--format", "json")
    assert again.stdout == done.stdout
    table = command("compare", "conv", "depthwise", "--static", COLUMNS="80")
    assert max(map(len, table.stdout.splitlines())) <= 80
    for form in ("csv", "markdown"):
        done = command("compare", "conv", "depthwise", "--static", "--format", form)
        assert done.returncode == 0
    rows = list(
        csv.DictReader(
            io.StringIO(
                command("compare", "conv", "depthwise", "--static", "--format", "csv").stdout
            )
        )
    )
    assert [row["macs_a"] for row in rows][1:] == ["462422016"] * 4


def test_a_shape_of_ones_own() -> None:
    shape = ["--shape", "28x28x192", "--out-channels", "32", "--kernel", "5"]
    done = command(
        "compare", "plain", "bottleneck", *shape, "--mid-channels", "16", "--static", "-f", "json"
    )
    (row,) = json.loads(done.stdout)["results"]
    assert (row["macs_a"], row["macs_b"]) == (120_422_400, 12_443_648)
    assert row["closed_form"] == "R/(k²·N) + R/M = 16/(25·32) + 16/192 = 0.103"


def test_networks_are_divided() -> None:
    done = command("compare", "plain34", "resnet34", "--static", "--format", "json")
    (row,) = json.loads(done.stdout)["results"]
    names = [part["part"] for part in row["parts"]]
    assert names == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    assert sum(part["macs_difference"] for part in row["parts"]) == row["macs_a"] - row["macs_b"]
    done = command("compare", "plain34", "resnet34", "--static", "--by", "kind", "-f", "json")
    (row,) = json.loads(done.stdout)["results"]
    assert "1x1 convolution" in [part["part"] for part in row["parts"]]
    table = command("compare", "vgg16", "resnet50", "mobilenet_v2", "--static", COLUMNS="80")
    assert table.returncode == 0 and "vgg16 → mobilenet_v2: 51.4x fewer MACs" in table.stdout


def test_another_device_predicts(phone: Path) -> None:
    done = command("compare", "conv", "separable", "--on", str(phone), "--format", "json")
    assert done.returncode == 0
    rows = json.loads(done.stdout)["results"]
    assert all(row["predicted_speedup"] > 0 and row["bound_b"] for row in rows)
    assert all(row["measured_speedup"] is None and row["verdict"] is None for row in rows)
    table = command("compare", "conv", "separable", "--on", str(phone), COLUMNS="80").stdout
    assert "predicted for phone, nothing was measured" in " ".join(table.split())


def test_a_measured_row() -> None:
    done = command(
        *("compare", "conv", "separable", "--shape", "14x14x32", "--max-time", "0.3"),
        *("--threads", "1", "--format", "json"),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (row,) = found["results"]
    assert row["latency_s_a"] > 0 and row["measured_speedup"] > 0
    assert row["verdict"] in ("faster", "slower", "indistinguishable", "not converged")
    assert row["predicted_speedup"] > 0 and row["bound_a"] in ("compute", "memory", "overhead")
    assert found["environment"]["threads"] == 1


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("html", b"<!DOCTYPE html>")]
)
def test_a_picture(phone: Path, tmp_path: Path, suffix: str, start: bytes) -> None:
    pytest.importorskip("altair")
    file = tmp_path / f"compare.{suffix}"
    done = command(
        "compare", "conv", "depthwise", "--on", str(phone), "--output", str(file), COLUMNS="80"
    )
    assert done.returncode == 0, done.stderr
    content = file.read_bytes()
    assert content.lstrip().startswith(start) and len(content) > 10_000
    assert "times less" in done.stdout  # the table is shown all the same
    if suffix == "svg":
        text = content.decode()
        assert all(word in text for word in ("7x7x1024", "8.92x", "MAC ratio", "separable"))
        assert (
            text.count('aria-roledescription="point"') == 45
        )  # 3 operators of conv, 6 of separable
    if suffix == "html":
        assert b"<script src" not in content and b"https://cdn" not in content


def test_a_page_is_drawn_without_a_network(phone: Path, tmp_path: Path) -> None:
    pytest.importorskip("altair")
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        if os.environ.get("CNNBENCH_BROWSER"):  # CI has installed one
            raise FileNotFoundError("chromium")
        pytest.skip("no chromium here")
    folder = tmp_path / "<img src=x onerror=alert(1)><" / "script>"
    folder.mkdir(parents=True)
    (folder / "nets.py").write_text(
        "from torch import nn\nclass Net(nn.Conv2d):\n"
        "    input_shape = (3, 8, 8)\n    def __init__(self, n=4): super().__init__(3, n, 3)\n"
    )
    file, net = tmp_path / "page.html", f"{folder}/nets.py:Net"
    done = command("compare", net, f"{net}@n=8", "--on", str(phone), "--output", str(file))
    assert done.returncode == 0, done.stderr
    line = (
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"),
        *("--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom", file.as_uri()),
    )
    page = subprocess.run(line, capture_output=True, text=True, timeout=SECONDS).stdout
    drawn = page[page.index('id="vis"') : page.index("const spec")]
    assert "<svg" in drawn and "Each operator under the roof" in drawn
    assert drawn.count('aria-roledescription="bar"') == 2 and "FLOP per byte moved" in drawn
    assert "<img" not in drawn and "0.5x" in drawn


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["compare"], "A B…"),
        (["compare", "conv"], "conv alone cannot be compared; name two or more"),
        (["compare", "conv", "depthwse"], "did you mean depthwise"),
        (["compare", "conv", "resnet18"], "conv is a block and resnet18 a network"),
        (["compare", "resnet18", "vgg11", "--shape", "28x28x3"], "--shape is for blocks"),
        (["compare", "conv", "separable", "--shape", "28x28"], "height x width x channels"),
        (["compare", "conv", "separable", "--kernel", "2"], "a 2x2 kernel cannot keep"),
        (["compare", "conv", "separable", "--kernel", "0"], "--kernel"),
        (["compare", "conv", "separable", "--mid-channels", "8"], "take no mid_channels"),
        (["compare", "conv", "separable", "--static", "--on", "x.toml"], "give one of them"),
        (["compare", "conv", "separable", "--on", "none.toml"], "cannot read none.toml"),
        (["compare", "conv", "separable", "--device", "cuda:9"], "cpu"),
        (["compare", "conv", "separable", "--static", "--threads", "1"], "leave --device and"),
        (["compare", "conv", "separable", "--static", "--input", "3x9x9"], "give it --shape"),
        (["compare", "conv", "separable", "--precision", "0"], "malformed precision"),
        (["compare", "conv", "separable", "--output", "x.svg", "-f", "json"], "is a picture"),
        (["compare", "conv", "separable", "--static", "-o", "/no/where.svg"], "no folder"),
        (["compare", "vgg11", "vgg13", "--input", "3x192x192", "--static"], "cannot take"),
        (["predict"], "MODEL"),
        (["predict", "resnt18"], "did you mean resnet"),
        (["predict", "resnet18", "--on", "none.toml"], "'cnnbench device --output device.toml'"),
        (["predict", "resnet18", "--on", "x.toml", "--device", "cpu"], "--on is another device"),
        (["predict", "resnet18", "--batch", "0"], "malformed batch '0'"),
        (["predict", "resnet18", "--backend", "compile"], "of compile are not predicted"),
        (["predict", "resnet18", "--backend", "opnvino"], "did you mean openvino"),
        (
            ["predict", "resnet18", "--on", AWAY, "--backend", "onnxruntime"],
            "has no speeds of",
        ),
        (["compare", "conv", "depthwise", "--static", "--backend", "eager"], "leave --backend out"),
        (
            ["compare", "conv", "depthwise", "--on", AWAY, "--backend", "litert"],
            "not predicted",
        ),
        (
            [
                "fit",
                "resnet18",
                "--budget",
                "latency=1s",
                "--on",
                AWAY,
                "--backend",
                "openvino",
            ],
            "speeds of openvino",
        ),
        (
            ["compare", "vgg11", "vgg13", "--on", AWAY, "--backend", "eager,openvino"],
            "one back end",
        ),
        (
            ["predict", SMALL.format("tflite"), "--on", AWAY, "--backend", "onnxruntime"],
            "small.tflite is a file that onnxruntime does not run",
        ),
        (["device", "--backend", "graph"], "of graph are not predicted"),
        (["device", "--output", "x.toml", "--format", "json"], "is TOML"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


def test_a_device_is_predicted_without_it(phone: Path) -> None:
    done = command(
        "predict", "resnet50", "mobilenet", "--on", str(phone), "-b", "1,8", "-f", "json"
    )
    assert done.returncode == 0
    found = json.loads(done.stdout)
    rows = found["results"]
    assert [(row["model"], row["batch"]) for row in rows] == [
        *(("resnet50", 1), ("resnet50", 8), ("mobilenet_v1", 1), ("mobilenet_v1", 8)),
    ]
    for row in rows:
        assert row["predicted_s"] > row["flops"] / 1e11
        assert row["predicted_s"] > row["bytes_moved"] / 1e10
        assert sum(row[f"{name}_share"] for name in ("compute", "memory", "overhead")) > 0.999
        assert row["measured_s"] is None and row["error"] is None
    half = command(
        "predict", "resnet50", "--on", str(phone), "--dtype", "float16", "--format", "json"
    )
    (row,) = json.loads(half.stdout)["results"]
    assert row["dtype"] == "float16" and row["predicted_s"] < rows[0]["predicted_s"]
    none = command("predict", "resnet50", "--on", str(phone), "--dtype", "float64")
    assert none.returncode == 2 and "no ceiling in float64, but in float32, float16" in none.stderr
    table = command("predict", "resnet50", "--on", str(phone), COLUMNS="80")
    assert max(map(len, table.stdout.splitlines())) <= 80


RUNTIME = """
[backends.onnxruntime]
version = "1.0"
medley = 1
fused = { float32 = ["Add", "BatchNormalization", "Relu"] }
[backends.onnxruntime.operators.float32]
"k x k convolution" = [[1.0, 64.0, 64.0, 28.0, 28.0, 3.0, 1.0, 1.0, 1e-3]]
"depthwise convolution" = [[1.0, 64.0, 64.0, 28.0, 28.0, 3.0, 1.0, 64.0, 1e-4]]
"1x1 convolution" = [[1.0, 64.0, 64.0, 28.0, 28.0, 1.0, 1.0, 1.0, 2e-4]]
"""


def test_a_runtime_is_predicted_beside_eager(phone: Path) -> None:
    with phone.open("a") as file:
        file.write(RUNTIME)
        file.write('[[networks]]\nmodel = "resnet20"\nbatch = 1\ndtype = "float32"\n')
        file.write('latency_s = 0.01\nbackend = "onnxruntime"\n')
    line = "predict", "resnet20", "--on", str(phone), "--backend", "eager,onnxruntime"
    found = json.loads(command(*line, "-f", "json").stdout)
    eager, other = found["results"]
    assert (eager["backend"], other["backend"]) == ("eager", "onnxruntime")
    assert eager["measured_s"] is None and other["measured_s"] == 0.01
    table = " ".join(command(*line, COLUMNS="80").stdout.split())
    assert "predicted from the speed of each kind of node of onnxruntime 1.0" in table
    assert "1 network measured there in onnxruntime: predictions are off by" in table
    line = "compare", "conv", "depthwise", "--shape", "28x28x64", "--on", str(phone)
    rows = json.loads(command(*line, "--backend", "onnxruntime", "-f", "json").stdout)["results"]
    assert rows[0]["predicted_speedup"] == pytest.approx(1e-3 / 3e-4, rel=1e-6)


def test_predictions_are_held_to_what_was_measured(phone: Path) -> None:
    with phone.open("a") as file:
        file.write('[[networks]]\nmodel = "resnet20"\nbatch = 1\ndtype = "float32"\n')
        file.write("latency_s = 0.01\n")
    done = command("predict", "resnet20", "lenet5", "--on", str(phone), "--format", "json")
    first, second = json.loads(done.stdout)["results"]
    assert first["measured_s"] == 0.01 and second["measured_s"] is None
    assert first["error"] == pytest.approx(first["predicted_s"] / 0.01 - 1)
    table = command("predict", "lenet5", "--on", str(phone), COLUMNS="80").stdout
    assert "1 network measured there" in " ".join(table.split())


def test_a_device_is_written_and_predicts_itself(tmp_path: Path, quick_device: None) -> None:
    file = tmp_path / "device.toml"
    line = "device", "--device", "cpu", "--threads", "1", "--max-time", "1", "--output", str(file)
    done = command(*line, XDG_CACHE_HOME=str(tmp_path), COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert "noise floor" in done.stdout and file.read_text().startswith("# What a device can do")
    done = command("predict", "resnet20", "lenet5", "--on", str(file), "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert all(row["measured_s"] > 0 and row["error"] > -1 for row in found["results"])
    assert found["environment"]["ceilings"]["threads"] == 1
    text = command("predict", "mobilenet", "--on", str(file), COLUMNS="80").stdout
    assert "2 networks measured there: predictions are off by" in " ".join(text.split())


def test_networks_of_different_inputs_are_compared_each_at_its_own() -> None:
    small, large = "efficientnet_b0", "efficientnet_b0@resolution=240"
    done = command("compare", small, large, "--static", "--format", "json")
    (row,) = json.loads(done.stdout)["results"]
    assert (row["input"], row["input_b"]) == ([[1, 3, 224, 224]], [[1, 3, 240, 240]])
    assert row["macs_b"] > row["macs_a"]
    shown = command("compare", small, large, "--static").stdout
    assert "Each at its own input: efficientnet_b0 3x224x224" in shown


FAILING = """
from torch import nn


class Failing(nn.Linear):
    def forward(self, x):
        if x.device.type != "meta" and len(x):
            raise ValueError("it is broken")
        return super().forward(x)


def failing():
    return Failing(4, 4)


def wide():
    return nn.Linear(4, 64)


def good():
    return nn.Linear(4, 4)
"""


def test_one_that_cannot_be_timed_is_a_failed_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nets.py").write_text(FAILING)
    monkeypatch.syspath_prepend(str(tmp_path))
    quick = ("--input", "4", "--max-time", "0.3", "--precision", "50%")
    done = command("compare", "nets:wide", "nets:failing", "nets:good", *quick)
    assert done.returncode == 1
    assert "failed: nets:failing cannot run: ValueError: it is broken" in done.stdout
    assert done.stderr.startswith("cnnbench: nets:failing cannot run: ValueError: it is broken")
    found = command("compare", "nets:wide", "nets:failing", "nets:good", *quick, "--format", "json")
    failing, good = json.loads(found.stdout)["results"]
    assert failing["failure"] and failing["measured_speedup"] is None and failing["macs_b"] == 16
    assert good["failure"] == "" and good["measured_speedup"] > 0
    none = command("compare", "nets:wide", "nets:failing", *quick)
    assert none.returncode == 2 and none.stdout == ""
    assert none.stderr == "cnnbench: nets:failing cannot run: ValueError: it is broken\n"
