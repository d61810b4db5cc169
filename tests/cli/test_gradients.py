"""`cnnbench gradients`, as a person types it."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cnnbench.cli import INTERRUPTED, run
from cnnbench.studies.depth import gradients as study

from ..zoo import costly
from .conftest import Refused

SMALL = "resolution=8,width_mult=0.5"
PAIR = (f"plain20@{SMALL}", f"resnet20@{SMALL}")
QUICK = ("--batch", "4", "--threads", "1")


def printed(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run(["gradients", *arguments, *QUICK]) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(printed(capsys, *arguments, "--format", "json"))
    return found


def test_signals_of_fresh_networks(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, *PAIR, PAIR[0], "--seed", "7")
    rows = found["results"]
    assert found["command"] == "gradients" and found["environment"]["threads"] == 1
    assert found["environment"]["exploding"] == 100 and not found["environment"]["interrupted"]
    told = [(row["model"].partition("@")[0], row["batch_norm"]) for row in rows]
    assert told == [(name, norm) for name in ("plain20", "resnet20") for norm in (True, False)]
    for row in rows:
        assert row["input"] == [[4, 3, 8, 8]] and row["dtype"] == "float32"
        assert row["seeds"] == [7, 8, 9, 10, 11, 12] and row["trainings"] == []
        if row["batch_norm"]:
            assert row["forward"] == row["backward"] == row["verdict"] == "healthy"
        assert row["ci_low"] <= row["gradient_ratio"] <= row["ci_high"]
        assert [block["depth"] for block in row["blocks"]] == list(range(1, 10))
        assert row["blocks"][3]["block"] == "stage2.block1"
        assert all(
            0 < block["gradient_norm_ci_low"] <= block["gradient_norm"] for block in row["blocks"]
        )


def test_one_variant_and_few_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = (PAIR[0], "--batch-norm", "with", "--seeds", "2")
    (row,) = document(capsys, *arguments)["results"]
    assert row["batch_norm"] and row["ci_low"] is None and row["verdict"] == "healthy"
    assert "fewer than 6 seeds give no interval" in printed(capsys, *arguments)


def test_csv_has_a_line_a_block(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "lenet5_dense", "--format", "csv", "--seeds", "1")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["block"] for row in rows] == ["c1", "c3", "c5", "f6", "output"]
    assert rows[0]["batch_norm"] == "false" and rows[0]["identity_distance"] == ""


@pytest.mark.parametrize("width", ["80", pytest.param("120", marks=costly)])
def test_tables_and_charts_fit_the_terminal(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    monkeypatch.setenv("COLUMNS", width)
    training = ("--steps", "3", "--weight-decay", "0.1", "--batch-norm", "with")
    text = printed(
        capsys, *PAIR, "plain56@resolution=8", "--seeds", "1", "--blocks", "--explain", *training
    )
    assert max(map(len, text.splitlines())) <= int(width)
    chart = next(line for line in text.splitlines() if line.startswith("plain56") and "█" in line)
    assert sum(letter in "▁▂▃▄▅▆▇█" for letter in chart) == 2 * 27
    assert "stage3.block3" in text and "training loss, mean of steps" in text
    assert "vanishing below 0.01, exploding above 100" in " ".join(text.split())


def test_trainings_are_kept_whole(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    found = document(
        capsys, PAIR[1], "--steps", "4", "--weight-decay", "1", "--seeds", "1", *("--seed", "3")
    )
    for row in found["results"]:
        free, decayed = row["trainings"]
        assert (free["weight_decay"], decayed["weight_decay"]) == (0, 1)
        assert len(free["losses"]) == len(decayed["losses"]) == 4
        assert free["losses"][0] == decayed["losses"][0]  # the same weights and images
        assert decayed["blocks"][0]["weight_ratio"] < free["blocks"][0]["weight_ratio"]
        distances = [block["identity_distance"] is None for block in free["blocks"]]
        assert distances == [False, False, False, True, False, False, True, False, False]


@costly
def test_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("altair")
    pytest.importorskip("sklearn")
    file = tmp_path / "depth.svg"
    text = printed(capsys, *PAIR, "--steps", "2", "--weight-decay", "0.1", "--output", str(file))
    assert "verdict" in text  # the tables are shown all the same
    drawn = file.read_text()
    assert drawn.lstrip().startswith("<svg")
    words = ("Backward", "Forward", "block, from the input", "with batch norm", "without")
    more = ("Training loss on digits", "distance from the identity", "plain20@", "resnet20@")
    assert all(word in drawn for word in (*words, *more))


def test_a_picture_of_few_seeds_has_no_intervals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("altair")
    file = tmp_path / "depth.svg"
    printed(capsys, PAIR[0], "--seeds", "2", "--output", str(file))
    assert "Backward" in file.read_text()


def test_ctrl_c_prints_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    passes, passed = [], study._pass

    def stops(*given: Any) -> Any:
        passes.append(1)
        if len(passes) == 8:
            raise KeyboardInterrupt
        return passed(*given)

    monkeypatch.setattr(study, "_pass", stops)
    text = printed(capsys, *PAIR, "--steps", "100", code=INTERRUPTED)
    assert "Interrupted: this is what was measured by then." in text and "training loss" not in text
    assert "resnet20" not in text and text.count("plain20") == 4  # in two tables


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "MODEL"),
        (["plain21"], "did you mean plain32, plain20"),
        (["lenet5", "--batch-norm", "with"], "lenet5 has no batch norm; leave --batch-norm out"),
        (["lenet5", "--batch-norm", "maybe"], "'maybe' is not one of"),
        (["residual"], "residual is a block, which has no classes to tell; name a network"),
        (["lenet5", "--input", "1x9x9"], "lenet5 cannot take 1x9x9"),
        (["lenet5", "--seeds", "0"], "--seeds 0 makes no sense; give 1 to 1000: --seeds 6"),
        (["lenet5", "--batch", "1"], "--batch 1 has no statistics for batch norm"),
        (["lenet5", "--steps", "0"], "--steps 0 trains nothing"),
        (["lenet5", "--weight-decay", "0"], "--weight-decay 0 makes no sense; give it above 0"),
        (["lenet5", "--weight-decay", "nan"], "--weight-decay nan makes no sense"),
        (["lenet5", "--steps", "5", "--learning-rate", "-1"], "--learning-rate -1 makes no sense"),
        (["lenet5", "--learning-rate", "0.1"], "--learning-rate is for training; add --steps"),
        (["lenet5", "--threads", "0"], "--threads 0 cannot compute"),
        (["lenet5", "--threads", "100000"], "100000 threads are too many"),
        (["lenet5", "--seed", "-1"], "--seed -1 is no seed"),
        (["lenet5", "--output", "/nowhere/x.svg"], "there is no folder /nowhere"),
        (["lenet5", "--output", "x.svg", "--format", "csv"], "x.svg is a picture"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(["gradients", *arguments], complaint)


def test_digits_need_ten_classes_and_scikit_learn(
    monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    pytest.importorskip("sklearn")
    line = ["gradients", "lenet5_dense@num_classes=2", "--steps", "1", "--seeds", "1", *QUICK]
    refused(line, "lenet5_dense@num_classes=2: it returns 2 an image, which are no scores of 10")
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    refused(line, "the digits are scikit-learn's; type: pip install 'cnnbench[train]'")
