"""`cnnbench claims` and `cnnbench published`, as a person types them."""

import csv
import io
import json
from pathlib import Path

import pytest

from ..commands import command
from ..zoo import costly
from .conftest import Refused


@costly
def test_claims_that_are_counted(tmp_path: Path) -> None:
    done = command("claims", "--static", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "12 confirmed" in done.stdout
    assert "9.68x" in done.stdout and "138 M" in done.stdout
    document = json.loads(command("claims", "--static", "--format", "json").stdout)
    assert len(document["results"]) == 12
    row = document["results"][0]
    assert (row["name"], row["found"], row["verdict"]) == ("lenet5_params", 60000, "confirmed")
    assert row["confirms"] == pytest.approx([58800, 61200])
    page = tmp_path / "claims.md"
    assert command("claims", "vgg_doubling", "--static", "-o", str(page)).returncode == 0
    text = page.read_text("utf-8")
    assert "| VGG halves the map" in text and "at least 100% confirms" in text
    assert "64, 128, 256, 512, 512" in text


@costly
def test_published_figures_stand_beside_counted_ones() -> None:
    done = command("published", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "61 of 83 figures met as printed" in done.stdout
    some = command("published", "resnet50", "googlenet", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(some.stdout)))
    assert rows[0]["model"] == "resnet50@stride_on=1x1" and rows[0]["counted"] == "3857973248"
    assert {row["model"].partition("/")[0] for row in rows[1:]} == {"googlenet"}
    assert len(rows) == 21


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["claims", "vgg"], "no claim is called 'vgg'"),
        (["claims", "lenet5_digits", "--static"], "takes training; leave --static out"),
        (["claims", "--max-time", "0"], "--max-time 0"),
        (["claims", "-o", "/nowhere/x.md"], "there is no folder"),
        (["claims", "-o", "x.html"], "cannot write x.html in that format"),
        (["published", "-o", "x.svg"], "cannot write x.svg in that format"),
        (["published", "nosuch"], "unknown model 'nosuch'"),
        (["published", "lenet5_dense"], "no paper's table has lenet5_dense (did you mean lenet5"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)
