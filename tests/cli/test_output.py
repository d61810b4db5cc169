"""`--output`: what a command can write by its suffix, and what it refuses."""

import json
from pathlib import Path

import pytest

from ..commands import command
from .conftest import Refused

TEXT = ".txt, .json, .csv, .md"


@pytest.mark.parametrize(
    ("arguments", "name", "known"),
    [
        (["flops", "lenet5"], "x.pdf", TEXT),
        (["show", "lenet5"], "x.gif", f"{TEXT}, .svg, .png, .html"),
        (["list"], "x.png", TEXT),
        (["audit", "lenet5"], "x.PNG", TEXT),
        (["time", "lenet5"], "x.html", TEXT),
        (["predict", "lenet5"], "x.svg", TEXT),
        (["claims"], "x.pdf", TEXT),
        (["published"], "x.jpeg", TEXT),
        (["fit", "resnet20", "--budget", "macs=1M"], "x.svg", TEXT),
        (["check"], "x.pdf", f"{TEXT}, .xml"),
        (["device"], "x.svg", f"{TEXT}, .toml"),
        (["compare", "conv", "depthwise"], "x.pdf", f"{TEXT}, .svg, .png, .html"),
        (["scale", "resnet20", "--to", "2x"], "x.pdf", f"{TEXT}, .svg, .png, .html"),
        (["gradients", "resnet20"], "x.pdf", f"{TEXT}, .svg, .png, .html"),
        (["report", "run1"], "x.pdf", f"{TEXT}, .html"),
    ],
)
def test_a_format_that_is_not_written_is_refused(
    arguments: list[str], name: str, known: str, refused: Refused
) -> None:
    says = f"cannot write {name} in that format; give one of {known}\n"
    refused([*arguments, "--output", name], says)


@pytest.mark.parametrize("name", ["x", "x.txt", "x.json", "x.csv", "x.md"])
def test_text_is_written(name: str, tmp_path: Path) -> None:
    done = command("flops", "lenet5", "--output", name, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = (tmp_path / name).read_text()
    assert "lenet5" in text
    if name.endswith(".json"):
        assert json.loads(text)["command"] == "flops"
