"""`--backend`, and its short forms --compile and --graph."""

import json

import pytest

from cnnbench.cli.reading import read_backends

from ..commands import command
from .conftest import Refused


@pytest.mark.parametrize(
    ("text", "compiled", "graph", "names"),
    [
        (None, False, False, ["eager"]),
        (None, True, False, ["compile"]),
        (None, False, True, ["eager", "graph"]),
        (None, True, True, ["compile", "graph"]),
        ("compile", False, False, ["compile"]),
        ("eager, compile,eager", False, False, ["eager", "compile"]),
    ],
)
def test_names(text: str | None, compiled: bool, graph: bool, names: list[str]) -> None:
    assert read_backends(text, compiled=compiled, graph=graph) == names


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["time", "lenet5", "--backend", "compil"], "no backend 'compil' (did you mean compile?)"),
        (["time", "lenet5", "--backend", "eager,"], "no backend ''"),
        (
            ["time", "lenet5", "--backend", "eager", "--compile"],
            "--compile is short for a --backend",
        ),
        (["time", "lenet5", "--backend", "eager", "--graph"], "--graph is short for a --backend"),
        (
            ["fit", "mobilenet_v1", "--budget", "macs=1G", "--backend", "eager,compile"],
            "one back end at a time",
        ),
        (["compare", "conv", "depthwise", "--dtype", "int7"], "unknown dtype 'int7' (did you"),
        (
            ["compare", "lenet5", "resnet20", "--chain", "3"],
            "--chain is for blocks, which lenet5 is not",
        ),
        (["scale", "resnet20", "--to", "2x", "--backend", "eager,compile"], "one back end at a"),
        (["fit", "resnet20", "--budget", "macs=1M", "--backend", "tvm"], "no backend 'tvm'"),
        (["sweep", "--models", "lenet5", "--backend", "tvm", "-o", "x"], "no backend 'tvm'"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


def test_a_sweeps_axis() -> None:
    axes = ("--models", "lenet5", "--backend", "eager,compile", "--device", "cpu")
    done = command("sweep", *axes, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["lenet5, batch 1", "lenet5, batch 1, compile"]


def test_time_says_which() -> None:
    quick = ("--device", "cpu", "--max-time", "1", "--precision", "50%", "--format", "json")
    done = command("time", "lenet5", "--backend", "eager", *quick)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert row["backend"] == "eager" and row["compile"] is False


@pytest.mark.parametrize("name", ["time", "compare", "scale", "fit", "sweep"])
def test_help_lists_them(name: str) -> None:
    said = " ".join(command(name, "--help", COLUMNS="200").stdout.split())
    assert "--backend" in said and "eager, compile, freeze, graph" in said
