"""One network's page: its picture, its charts, its layers, what is known of it."""

import json
from pathlib import Path

import pytest

from cnnbench import count
from cnnbench.devices.disturbances import Disturbances
from cnnbench.devices.warnings import Warning
from cnnbench.reports.network.page import report_of
from cnnbench.reports.network.subject import Subject
from cnnbench.reports.page import figures
from cnnbench.roofline.predict import Predictor
from cnnbench.roofline.profile_file import read
from cnnbench.timing.by_layer.pass_times import PassTimes

from .. import hostile
from ..commands import ROOT, command
from ..zoo import costly

pytest.importorskip("altair")
pytest.importorskip("grandalf")
DEVICE = ROOT / "tests/golden/files/device.toml"
QUICK = ("--no-wait", "--max-time", "0.05", "--device", "cpu", "--threads", "1")


def test_it_says_what_is_known() -> None:
    trace, training = count("mobilenet_v1"), count("mobilenet_v1", train=True)
    report, page = report_of(Subject("mobilenet_v1", trace, training))
    said = " ".join([*page.lead, *(f"{term} {text}" for term, text in page.facts)])
    assert "569 M multiply-accumulates" in said and "4.23 M params" in said
    assert "top-1 70.6%" in said and said.count("counted 568,740,352") == 1
    assert "a training step, adam" in said and "optimiser" in said
    assert [figure.name for figure in figures(page)] == ["kinds", "stages", "layers", "memory"]
    rows = report.results[0]["layers"]
    assert sum(row["macs"] for row in rows) == trace.total.macs
    assert page.picture is not None and page.picture().count('class="part"') > 5


def test_with_a_device_it_says_what_that_takes() -> None:
    profile, trace = read(DEVICE), count("resnet20")
    predicted = Predictor(profile, "float32")(trace)
    times = [PassTimes.predicted(trace, "eager", predicted)]
    report, page = report_of(Subject("resnet20", trace, "not asked", times, profile))
    assert any("eager is predicted to take" in line for line in page.lead)
    assert [one.name for one in figures(page)][3:] == [
        *("times-stages", "times-layers", "memory", "roofline-eager")
    ]
    rows = report.results[0]["layers"]
    assert sum(row["times"].get("eager", 0) for row in rows) == pytest.approx(predicted.seconds)
    assert page.picture and "in eager, predicted" in page.picture()


@costly
def test_it_is_timed_in_each_back_end(tmp_path: Path) -> None:
    line = "report", "resnet20", "--time", "--backend", "eager,onnxruntime", *QUICK
    done = command(*line, "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["results"]
    assert [one["backend"] for one in found["passes"]] == ["eager", "onnxruntime"]
    assert all(one["latency_s"] > 0 and one["threads"] == 1 for one in found["passes"])
    environment = json.loads(done.stdout)["environment"]
    assert environment["device"] == "cpu" and environment["ceilings"]["flops_per_s"]
    multiply = [row for row in found["layers"] if row["macs"]]
    assert all(set(row["times"]) == {"eager", "onnxruntime"} for row in multiply)
    activations = [row for row in found["layers"] if row["kind"] == "activation"]
    assert all("eager" in row["times"] for row in activations)
    assert not all("onnxruntime" in row["times"] for row in activations)  # it fuses them
    done = command(*line, "--output", "net.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "net.html").read_text("utf-8")
    assert "onnxruntime takes" in text
    assert "time, onnxruntime" in text and "in eager, measured" in text


def test_a_page_is_written_and_a_table_is_printed(tmp_path: Path) -> None:
    done = command("report", "resnet20", "--output", "net.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("net.html: ") and "4 charts" in done.stdout
    page = (tmp_path / "net.html").read_text()
    assert "torch_flop_counter prints" in page or "fvcore prints" in page
    assert "resnet20" in page and 'id="view"' in page and "vega" in page
    found = json.loads(command("report", "resnet20", "--format", "json").stdout)
    assert found["results"][0]["macs"] == count("resnet20").total.macs
    shown = command("report", "lenet5", "--on", str(DEVICE), COLUMNS="80").stdout
    assert "is predicted to take" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["lenet5", "--compare"], "--compare takes two runs, not 1"),
        (["lenet5", "--output", "net.svg"], "many charts"),
        (["resnet18", "mobilenet_v2"], "one network at a time: cnnbench report resnet18"),
        (["resnet18", "no_such_network"], "resnet18 holds no records"),
        (["no_such_network"], "holds no records of a sweep; unknown model"),
        (["lenet5", "--on", "none.toml"], "cannot read none.toml"),
        (["lenet5", "--on", "none.toml", "--time"], "--on predicts, --time measures; give one"),
        (["lenet5", "--backend", "eager"], "give --time or --on with it"),
        (["lenet5", "--quick"], "without --time nothing is measured; leave --device, --quick"),
        (["lenet5", "--time", "--backend", "compile"], "compile does not tell its layers' times"),
        (["net.tflite", "--on", str(DEVICE), "--backend", "onnxruntime"], "does not run; leave it"),
        (["lenet5", "--time", "--backend", "eagre"], "there is no backend 'eagre'"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = command("report", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert complaint in done.stderr and done.stderr.count("\n") == 1


def test_a_back_end_that_fails_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    line = "report", "lenet5", "--time", "--dtype", "float16", "--backend", "eager,onnxruntime"
    done = command(*line, *QUICK, "--format", "json", cwd=tmp_path)
    assert done.returncode in (1, 2), done.stderr  # float16 may not run on this processor at all
    assert "has no float16" in done.stderr or "float16" in done.stderr
    if done.returncode == 1:
        (found,) = json.loads(done.stdout)["results"]
        assert [one["backend"] for one in found["passes"]] == ["eager"]


def test_times_that_are_not_usable_are_said_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busy = Warning("stolen", "others took the processor", unusable=True)
    monkeypatch.setattr(Disturbances, "warnings", lambda watch: [busy])
    line = "report", "lenet5", "--time", *QUICK
    done = command(*line, "--output", "net.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "net.html").read_text("utf-8")
    assert 0 < text.find("not usable: others") < text.index("multiply-accumulates (")
    assert command(*line, "--strict", cwd=tmp_path).returncode == 1
    assert command(*line, "--strict", "--output", "net.html", cwd=tmp_path).returncode == 1
    line = "show", "lenet5", "--color", "time", "--strict", *QUICK, "--output", "net.svg"
    assert command(*line, cwd=tmp_path).returncode == 1


def test_charts_are_files_too(tmp_path: Path) -> None:
    line = "report", "lenet5", "--on", str(DEVICE), "--figures", "charts", "--format", "csv"
    done = command(*line, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "charts/roofline-eager.svg").exists()
    assert "eager_s" in done.stdout.splitlines()[0]


def test_a_hostile_network_is_text(tmp_path: Path) -> None:
    hostile.project(tmp_path, hostile.TEXTS[::3])
    line = "report", hostile.MODEL, "--input", "3x8x8"
    done = command(*line, "--output", "net.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    hostile.check(done.stdout + done.stderr)
    assert "<img src=x" not in (tmp_path / "net.html").read_text("utf-8")
