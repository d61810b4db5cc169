"""`cnnbench scale` and `cnnbench fit`, as a person types them."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cnnbench.cli import run

from ..commands import ROOT, SECONDS, command, wait_for_torch
from ..zoo import costly
from .conftest import Refused

BOARD = "flops_per_s = { float32 = 2.4e10 }\nbytes_per_s = 3.2e9\ncall_s = 2e-5\n"


@pytest.fixture
def board(tmp_path: Path) -> Path:
    file = tmp_path / "board.toml"
    file.write_text(BOARD)
    return file


def document(*arguments: str, **environment: str) -> dict[str, Any]:
    done = command(*arguments, "--format", "json", **environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_released_stand_beside_the_formula() -> None:
    found = document("scale", "efficientnet")
    rows = found["results"]
    assert [row["model"] for row in rows[::2]] == [f"efficientnet_b{n}" for n in range(8)]
    assert [row["phi"] for row in rows[1::2]] == list(range(8))
    assert rows[0]["macs"] == rows[1]["macs"] == 385_814_752
    assert found["environment"]["ideal_growth"] == pytest.approx(1.92, abs=0.001)
    text = " ".join(command("scale", "efficientnet", COLUMNS="80").stdout.split())
    assert "1.2 x 1.1² x 1.15² = 1.92 a unit of phi, where the paper asks for about 2" in text
    assert "B7 84.3% 3.1 55 (49.6) 2 600 66.3 M 37.7 G" in text


def test_other_phis_are_specs_that_other_commands_take() -> None:
    found = document("scale", "efficientnet@num_classes=10", "--phi", "1.5,0.5", "--alpha", "1.3")
    assert [row["phi"] for row in found["results"]] == [0.5, 1.5]
    assert found["environment"]["alpha"] == 1.3
    for row in found["results"]:
        (again,) = document("flops", row["model"])["results"]
        assert (again["macs"], again["params"]) == (row["macs"], row["params"])


def test_the_papers_grid(board: Path) -> None:
    rows = document("scale", "mobilenet_v1", "--batch", "2")["results"]
    assert len(rows) == 16 and rows[0]["macs_ratio"] == 1
    assert (rows[-1]["width_mult"], rows[-1]["resolution"]) == (0.25, 128)
    assert rows[0]["predicted_s"] is None and rows[0]["batch"] == 2
    predicted = document("scale", "mobilenet_v1", "--on", str(board))
    assert all(row["predicted_s"] > row["flops"] / 2.4e10 for row in predicted["results"])
    assert predicted["environment"]["ceilings"]["name"] == "board"
    shown = command("scale", "mobilenet_v1", "--on", str(board), "--explain").stdout
    assert "Howard et al. 2017, tables 6 and 7" in shown and "nothing was measured" in shown


def test_ways_are_compared_on_another_device(board: Path) -> None:
    found = document("scale", "efficientnet", "--to", "2x", "--on", str(board))
    base, *ways = found["results"]
    assert [way["way"] for way in ways] == ["depth", "width", "resolution", "compound"]
    for way in ways:
        assert way["macs_ratio"] == pytest.approx(2, rel=0.03)
        assert way["predicted_ratio"] == way["predicted_s"] / base["predicted_s"]
        assert way["latency_s"] is None and way["measured_ratio"] is None
    # resolution buys no parameters, depth no peak memory
    assert ways[2]["params_ratio"] == 1 == ways[0]["peak_activation_bytes_ratio"]


def test_ways_may_be_chosen() -> None:
    found = document("scale", "resnet20", "--by", "width", "--to", "78M", "--static")
    _, way = found["results"]
    assert way["way"] == "width" and way["macs"] == pytest.approx(78e6, rel=0.01)
    assert way["predicted_s"] is None and way["depth_mult"] is None
    both = document("scale", "resnet20", "--by", "resolution", "--by", "width", "--static")
    assert [row["way"] for row in both["results"]] == [None, "resolution", "width"]
    assert both["results"][1]["macs_ratio"] == pytest.approx(2, rel=0.1)


def test_ways_are_measured() -> None:
    found = document(
        *("scale", "resnet20", "--to", "2x", "--max-time", "0.3", "--threads", "1"),
    )
    base, *ways = found["results"]
    assert base["latency_s"] > 0 and found["environment"]["threads"] == 1
    for way in ways:
        assert way["latency_s"] > 0 and way["measured_ratio"] > 0 and way["predicted_ratio"] > 0
        assert way["verdict"].split(" in ")[0] in (
            *("faster", "slower", "indistinguishable", "not converged"),
        )


@pytest.mark.parametrize("width", ["80", "120"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("efficientnet",),
        ("mobilenet_v2", "--on", "board.toml"),
        pytest.param(("efficientnet", "--to", "2x", "--on", "board.toml"), marks=costly),
        ("resnet20", "--to", "0.5x", "--static"),
    ],
)
def test_tables_fit_the_terminal(
    arguments: tuple[str, ...],
    width: str,
    board: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(board.parent)
    monkeypatch.setenv("COLUMNS", width)
    assert run(["scale", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5 and max(map(len, lines)) <= int(width)


def test_csv_and_markdown(board: Path) -> None:
    line = ("scale", "resnet20", "--to", "2x", "--on", str(board))
    rows = list(csv.DictReader(io.StringIO(command(*line, "--format", "csv").stdout)))
    assert [row["way"] for row in rows] == ["", "width", "resolution"]
    assert float(rows[1]["macs_ratio"]) == pytest.approx(2, rel=0.1)
    fitted = ("fit", "resnet20", "--budget", "macs=20M", "--candidates", "50", "--static")
    (row,) = [
        row
        for row in csv.DictReader(io.StringIO(command(*fitted, "--format", "csv").stdout))
        if row["chosen"] == "true"
    ]
    assert int(row["achieved_macs"]) <= int(float(row["asked_macs"])) == 20_000_000
    for text in (
        command(*line, "-f", "markdown").stdout,
        command(*fitted, "-f", "markdown").stdout,
    ):
        tables = [part for part in text.split("\n\n") if part.lstrip().startswith("|")]
        assert len(tables) == 2
        for table in tables:
            assert len({row.count("|") for row in table.strip().splitlines()}) == 1


def test_a_picture_of_the_ways(board: Path, tmp_path: Path) -> None:
    pytest.importorskip("altair")
    file = tmp_path / "ways.svg"
    done = command(
        *("scale", "efficientnet", "--to", "2x", "--on", str(board), "--output", str(file)),
        COLUMNS="80",
    )
    assert done.returncode == 0, done.stderr
    text = file.read_text()
    assert text.lstrip().startswith("<svg")
    words = ("depth", "width", "resolution", "compound", "params", "predicted time")
    assert all(word in text for word in words)
    assert "measured time" not in text and "times efficientnet_b0" in text
    assert "compound: efficientnet_b0@" in done.stdout  # the table is shown all the same


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["scale"], "MODEL"),
        (["scale", "lenet5"], "lenet5 has no scale; vgg11 to vgg19_bn"),
        (["scale", "efficientnt"], "did you mean efficientnet"),
        (["scale", "efficientnet", "--to", "1x"], "--to 2x, --to 800M"),
        (["scale", "efficientnet", "--to", "0x"], "--to 2x, --to 800M"),
        (["scale", "efficientnet", "--to", "twice"], "--to 2x, --to 800M"),
        (["scale", "efficientnet", "--to", "nanx"], "--to 2x, --to 800M"),
        (["scale", "efficientnet", "--to", "1e30x"], "--to 2x, --to 800M"),
        (["scale", "efficientnet", "--to", "9999x"], "no depth of efficientnet_b0 has 3.86 T"),
        (["scale", "efficientnet", "--by", "resolution", "--to", "1k"], "@resolution=1 has"),
        (["scale", "mobilenet", "--by", "depth"], "give --by width or --by resolution"),
        (["scale", "resnet50", "--by", "compound"], "does not scale by compound"),
        (["scale", "resnet50", "--by", "height"], "'height' is not one of"),
        (["scale", "efficientnet", "--phi", "1", "--to", "2x"], "--to spends MACs; give one"),
        (["scale", "efficientnet", "--phi", "1", "--by", "width"], "--by spends MACs; give one"),
        (["scale", "efficientnet", "--phi", "20"], "phi 20 goes too far: efficientnet_b0 cannot"),
        (["scale", "efficientnet", "--to", ""], "--to '' says not where to"),
        (["scale", "efficientnet", "--to", "1.001x"], "--to '1.001x' says not where to"),
        (["scale", "resnet50", "--gamma", "1.3"], "--gamma belongs to compound scaling"),
        (["scale", "vgg16", "--by", "resolution", "--to", "1M"], "vgg16@resolution=32 has 336 M"),
        (["scale", "efficientnet", "--phi", "one"], "malformed phi 'one'"),
        (["scale", "efficientnet", "--phi", "1e9"], "malformed phi '1e9'"),
        (["scale", "mobilenet", "--phi", "1"], "mobilenet_v1 has no depth_mult"),
        (["scale", "efficientnet", "--alpha", "0.5"], "--alpha 0.5 makes no sense"),
        (["scale", "efficientnet", "--gamma", "nan"], "--gamma nan makes no sense"),
        (
            ["scale", "efficientnet", "--alpha", "1", "--beta", "1", "--gamma", "1"],
            "scale nothing",
        ),
        (["scale", "efficientnet", "--beta", "1.2", "--by", "width"], "need --by compound"),
        (["scale", "efficientnet", "--static", "--on", "x.toml"], "give one of them"),
        (["scale", "efficientnet", "--device", "cpu"], "without --to nothing is measured"),
        (["scale", "efficientnet", "-o", "x.svg"], "add --to 2x"),
        (["scale", "efficientnet", "--to", "2x", "-o", "x.svg", "-f", "json"], "is a picture"),
        (["scale", "efficientnet", "--on", "none.toml"], "cannot read none.toml"),
        (["scale", "efficientnet", "-o", "/no/where.json"], "no folder"),
        (["scale", "efficientnet", "--batch", "0"], "batch 0 makes no sense"),
        (["scale", "efficientnet@depth_mult=16"], "depth_mult=19.2"),
        (["fit"], "MODEL"),
        (["fit", "efficientnet"], "--budget"),
        (["fit", "efficientnet", "--budget", ""], "empty"),
        (["fit", "efficientnet", "--budget", "macs=400Q"], "no count"),
        (["fit", "resnet20", "--budget", "macs=4M", "--budget", "macs=1M"], "twice"),
        (["fit", "efficientnet", "--budget", "latency=20"], "no time"),
        (["fit", "efficientnet", "--budget", "speed=20"], "macs"),
        (["fit", "googlenet", "--budget", "macs=1M"], "googlenet has no scale"),
        (
            ["fit", "resnet20@resolution=32", "--budget", "macs=1k", "--static"],
            "nothing fits macs=1.00 k",
        ),
        (["fit", "efficientnet", "--budget", "latency=1ms", "--static"], "--static knows no"),
        (["fit", "resnet20", "--budget", "macs=1M", "--candidates", "0"], "--candidates 0"),
        (["fit", "resnet20", "--budget", "macs=1M", "--static", "--device", "cpu"], "leave --dev"),
        (["fit", "resnet20", "--budget", "macs=1M", "-o", "x.png"], "in that format"),
        (["fit", "resnet20", "--budget", "macs=1M", "--maximise", "speed"], "is not one of"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


@costly
def test_what_is_said_is_of_what_is_shown() -> None:
    """Found by someone who tried to break it."""
    close = document("scale", "efficientnet", "--phi", "0", "--phi", "0.0005")["results"]
    assert [row["growth"] for row in close] == [None, None]
    other = command("scale", "efficientnet@num_classes=10", "--phi", "1,2", "--explain").stdout
    assert "B0 to B7" not in other and "growth: of MACs" in other
    line = "scale", "efficientnet@num_classes=10", "--to", "2x", "--static"
    done = command(*line, COLUMNS="80").stdout
    (spec,) = (row["model"] for row in document(*line)["results"] if row["way"] == "compound")
    assert len(f"compound: {spec}") > 80 and spec in done.replace(",\n", ",")
    assert "resolution=241\n" in done  # and not 24, then 1
    ties = ("scale", "efficientnet", "--to", "1.2x", "--by", "width", "--by", "depth", "--static")
    assert "peak memory: the same by all (1.00x)" in command(*ties).stdout
    once, twice = (
        document("fit", *names, "--budget", "macs=20M", "--candidates", "40", "--static")
        for names in (["resnet20"], ["resnet20", "resnet20"])
    )
    assert once["environment"]["candidates"] == twice["environment"]["candidates"]
    markdown = command("scale", "resnet20", "--to", "2x", "--static", "-f", "markdown").stdout
    assert "activations" in markdown and "- " not in markdown.split("\n\n")[0]


def test_a_fit_keeps_within_its_budget(board: Path) -> None:
    found = document(
        *("fit", "resnet20", "mobilenet_v2@resolution=96", "--candidates", "60"),
        *("--budget", "macs=60M,params=2M,latency=40ms", "--on", str(board)),
    )
    best = found["results"][0]
    assert best["chosen"] and best["meets"] is None  # predicted, not measured
    (counted,) = document("flops", best["model"])["results"]
    assert (counted["macs"], counted["params"]) == (best["macs"], best["params"])
    assert best["macs"] <= 60e6 and best["params"] <= 2e6 and best["predicted_s"] <= 0.04
    assert best["binding"] and found["environment"]["candidates"] >= 50
    table = command(
        *("fit", "resnet20", "--budget", "macs=100M,params=3M", "--on", str(board)),
        *("--candidates", "50"),
        COLUMNS="80",
    )
    assert "published" in table.stdout and "binding" in table.stdout
    assert max(map(len, table.stdout.splitlines())) <= 80


def test_a_fit_is_measured() -> None:
    found = document(
        *("fit", "resnet20", "--budget", "latency=1s,macs=10M", "--candidates", "20"),
        *("--max-time", "0.3", "--threads", "1"),
    )
    best = found["results"][0]
    assert best["meets"] is True and best["ci_high_s"] <= 1
    assert best["error"] == pytest.approx(best["predicted_s"] / best["latency_s"] - 1)


@pytest.mark.parametrize(
    "line",
    [
        ("scale", "resnet20", "--to", "2x", "--max-time", "60", "--precision", "0.01%"),
        pytest.param(
            (
                *("fit", "resnet20", "--budget", "macs=40M", "--candidates", "50"),
                *("--max-time", "60", "--precision", "0.01%"),
            ),
            marks=costly,
        ),
    ],
)
def test_ctrl_c_leaves_no_traceback(line: tuple[str, ...]) -> None:
    """Before a round is done one line says so; after it the table is shown with what there is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnbench", *line],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    wait_for_torch(process)
    time.sleep(3)  # somewhere in the import, the search or the rounds
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode in (130, -signal.SIGINT)
    assert errors == "cnnbench: interrupted\n"
    assert not output or "interrupted" in output.lower()
