"""`cnnbench report`, as a person types it."""

import csv
import io
import json
from pathlib import Path

import pytest

from ..commands import command
from ..sweeps import made
from ..zoo import costly
from .conftest import Refused


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("runs")
    made.store(found / "run", made.zoo())
    made.store(found / "a", [made.record("resnet18", seconds=0.02), made.record("lenet5")])
    made.store(found / "b", [made.record("resnet18", seconds=0.01), made.record("lenet5")])
    return found


def test_the_table_keeps_to_80_columns(folder: Path) -> None:
    done = command("report", "run", cwd=folder, COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "Made-up processor, 2 threads: torch 2.13.0" in done.stdout
    assert "vgg16@resolution=16, batch 1: no feature map is left" in " ".join(done.stdout.split())
    assert "73.0 ms" in done.stdout


def test_json_and_csv_have_every_configuration(folder: Path) -> None:
    done = command("report", "run", "--format", "json", cwd=folder)
    document = json.loads(done.stdout)
    assert document["command"] == "report" and len(document["results"]) == 15
    row = next(row for row in document["results"] if row["model"] == "resnet50")
    assert row["macs"] == 4_089_184_256 and row["latency_s"] == pytest.approx(0.073)
    assert document["results"][-1]["failure"] == "no feature map is left"
    lines = list(
        csv.DictReader(io.StringIO(command("report", "run", "-f", "csv", cwd=folder).stdout))
    )
    assert [line["model"] for line in lines] == [row["model"] for row in document["results"]]


def test_two_runs_are_compared(folder: Path) -> None:
    done = command("report", "--compare", "a", "b", cwd=folder, COLUMNS="80")
    assert "2 configurations in both: 1 faster, 1 indistinguishable in b" in done.stdout
    assert "2.00x" in done.stdout and "~ 1.00x" in done.stdout
    rows = json.loads(command("report", "--compare", "a", "b", "-f", "json", cwd=folder).stdout)
    assert [row["verdict"] for row in rows["results"]] == ["faster", "indistinguishable"]


@costly
def test_figures_are_files_of_their_own(folder: Path, tmp_path: Path) -> None:
    done = command("report", "run", "--figures", str(tmp_path / "x"), cwd=folder)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "x").iterdir()}
    stems = {"latency", "predicted", "roofline", "throughput", "conv_separable"}
    stems |= {f"kinds_{key}" for key in ("macs", "bytes_moved", "predicted_s")}
    stems |= {f"accuracy-{cost}" for cost in ("latency", "macs", "params", "peak_activation_bytes")}
    assert names == {f"{stem}{suffix}" for stem in stems for suffix in (".svg", ".png")}
    text = (tmp_path / "x" / "latency.svg").read_text("utf-8")
    assert text.startswith("<svg") and "<img" not in text


def test_what_was_counted_alone_has_a_page_too(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command("sweep", "--models", "lenet5,mobilenet,conv", "--static", "--output", str(run))
    done = command("report", str(run), "--output", str(tmp_path / "page.html"))
    assert done.stdout == f"{tmp_path / 'page.html'}: 7 configurations, 3 charts\n", done.stderr
    shown = command("report", str(run), COLUMNS="80").stdout
    assert "latency" not in shown and "counted alone: 2" in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["report"], "RUN"),
        (["report", "none"], "none holds no records"),
        (["report", "none", "--compare"], "--compare takes two runs, not 1"),
        (["report", "a", "b", "c", "--compare"], "not 3"),
        (["report", "none", "-o", "x.svg"], "give --figures x instead"),
        (["report", "none", "-o", "x.html", "-f", "csv"], "give it or --format csv"),
        (["report", "none", "-o", "/nowhere/x.html"], "there is no folder /nowhere"),
        (["report", "none", "--figures", "/dev/null"], "it is no folder"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


def test_odd_records_have_a_table_and_a_page(tmp_path: Path) -> None:
    """Two devices at 80 columns, a name that commands a terminal, a kind of another version."""
    odd = made.record("red\x1b[31m\x07", device="NVIDIA H100 80GB HBM3")
    odd["kinds"]["a kind of tomorrow"] = odd["kinds"]["activation"]
    empty = made.record("lenet5", 0)
    empty["kinds"] = {"activation": {"macs": 0, "elementwise_flops": 0, "bytes_moved": 0}}
    one = made.record("resnet18", seconds=[0.01])
    made.store(tmp_path / "run", [odd, empty, one, made.failed("vgg16@resolution=16", "no")])
    done = command("report", "run", "--output", "page.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shown = command("report", "run", cwd=tmp_path, COLUMNS="80").stdout
    assert max(map(len, shown.splitlines())) <= 80 and "\x1b" not in shown
    assert "NVIDIA H100" in shown and "failed" in shown
    again = command("report", "--compare", "run", "run", "--output", "x.html", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


def test_operators_that_no_table_knows_are_named(tmp_path: Path) -> None:
    odd = made.record("nets:mine")
    odd["cost"]["uncounted"] = {"fft_rfft2": 2}
    made.store(tmp_path / "run", [odd])
    says = "nets:mine: not in the convention, counted as no work: fft_rfft2 (2x)"
    assert says in command("report", "run", cwd=tmp_path).stdout
    command("report", "run", "--output", "x.html", cwd=tmp_path)
    assert says in (tmp_path / "x.html").read_text("utf-8")
    row = json.loads(command("report", "run", "-f", "json", cwd=tmp_path).stdout)["results"][0]
    assert row["uncounted"] == {"fft_rfft2": 2}


def test_failures_alone_are_told(tmp_path: Path) -> None:
    made.store(tmp_path / "run", [made.failed("vgg16@resolution=16", "no feature map is left")])
    shown = command("report", "run", cwd=tmp_path).stdout
    assert "failed" in shown and "no feature map is left" in shown
    assert command("report", "run", "-o", "x.html", cwd=tmp_path).returncode == 0
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "records.jsonl").touch()
    done = command("report", "none", cwd=tmp_path)
    assert done.returncode == 2 and "holds no finished record yet" in done.stderr
