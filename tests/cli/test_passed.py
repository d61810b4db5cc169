"""What is passed to a network, as it is typed; and what is counted on values."""

import json
from pathlib import Path

import pytest

from ..commands import command
from .conftest import Refused

NETS = """
import torch
from torch import nn


class One(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, bias=False)


class TakesDict(One):
    def forward(self, batch):
        return self.conv(batch["image"])


class TakesList(One):
    def forward(self, images):
        return self.conv(torch.stack(images))


class TakesGraph(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 8, bias=False)

    def forward(self, nodes, edges):
        hidden = self.linear(nodes)
        return torch.zeros_like(hidden).index_add(0, edges[1], hidden[edges[0]])


class TakesMode(One):
    def forward(self, x, mode="tensor"):
        return {"loss": self.conv(x).mean()} if mode == "loss" else self.conv(x)


class Asks(One):
    def forward(self, x):
        y = self.conv(x)
        return y if y.sum() > -1e9 else y + self.conv(x)


fixed = {"batch": {"image": torch.ones(1, 3, 8, 8)}}


def image(batch=1):
    return {"batch": {"image": torch.ones(batch, 3, 8, 8)}}
"""
QUICK = ("--max-time", "0.2", "--precision", "50%")


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "phone.toml").write_text(
        "flops_per_s.float32 = 1e11\nbytes_per_s = 1e10\ncall_s = 1e-5\n"
    )
    return tmp_path


LINES = [
    ("TakesDict", 3888, "--input", "batch.image=3x8x8"),
    ("TakesDict", 3 * 3888, "--example", "nets.py:image", "--batch", "3"),
    ("TakesList", 2 * 3888, "--input", "[3x8x8,3x8x8]"),
    ("TakesGraph", 1280, "--input", "10x16", "--input", "edges:int64=2x30", "--no-batch"),
    ("TakesMode", 3888, "--input", "3x8x8", "--set", "mode=loss"),
    ("Asks", 3888, "--input", "3x8x8"),
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line[0]} {' '.join(line[2:])}")
def test_every_command_takes_it(line: tuple[str, int, str], nets: Path) -> None:
    name, macs, *more = line
    for what, *how in (["flops"], ["time", *QUICK], ["predict", "--on", "phone.toml"]):
        done = command(what, f"nets.py:{name}", *more, *how, "--format", "json", cwd=nets)
        assert done.returncode == 0, done.stderr
        (row,) = json.loads(done.stdout)["results"]
        assert row["macs"] == macs
    for what in (["show"], ["compare", "--static"]):
        several = [f"nets.py:{name}"] * (2 if "compare" in what else 1)
        done = command(*what, *several, *more, cwd=nets)
        assert done.returncode == 0, done.stderr


def test_values_are_said_forced_and_forbidden(nets: Path) -> None:
    done = command("flops", "nets.py:Asks", "--input", "3x8x8", "--format", "json", cwd=nets)
    (row,) = json.loads(done.stdout)["results"]
    assert (row["counted_on"], row["values_asked_at"]) == ("values", "nets.py:40")
    done = command("flops", "nets.py:Asks", "--input", "3x8x8", cwd=nets)
    assert "counted on values" in done.stdout and "nets.py:40" in done.stdout
    asks = ("nets.py:Asks", "--input", "3x8x8")
    for line in (("show", *asks), ("compare", "nets.py:TakesMode", *asks, "--static", "--explain")):
        assert "counted on values" in command(*line, cwd=nets).stdout
    fixed = ("nets.py:TakesDict", "--example", "nets.py:fixed", "--batch", "4")
    done = command("flops", *fixed, cwd=nets)
    assert done.returncode == 2 and "leave --batch 4 out" in done.stderr
    forced = command("flops", "lenet5", "--on-values", "--format", "json")
    (row,) = json.loads(forced.stdout)["results"]
    assert (row["counted_on"], row["values_asked_at"], row["params"]) == ("values", "", 60_000)
    forbidden = command("flops", "nets.py:Asks", "--input", "3x8x8", "--on-shapes", cwd=nets)
    assert forbidden.returncode == 2 and "nets.py:40 asks for values" in forbidden.stderr


def test_an_error_says_what_was_passed_and_what_helps(nets: Path) -> None:
    done = command("flops", "nets.py:TakesDict", "--input", "3x8x8", cwd=nets)
    assert done.returncode == 2 and done.stderr.count("cnnbench: ") == 1
    for said in ("it was passed 1x3x8x8", "--input NAME=", "--no-batch", "--example FILE.py:NAME"):
        assert said in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("flops lenet5 --on-values --on-shapes", "exclude each other"),
        ("flops lenet5 --no-batch --batch 2", "leave --batch out"),
        ("flops lenet5 --example a.py:b --input 1x32x32", "give one of them"),
        ("flops lenet5 --example a.py:b", "there is no file a.py"),
        ("flops lenet5 --set mode", "write NAME=VALUE"),
        ("flops lenet5 --input [3x8x8", "malformed list"),
        ("flops lenet5 --input @x.npy", "there is no file x.npy"),
        ("flops lenet5 --input @x.pt", "is none of .npy"),
    ],
)
def test_one_line_and_exit_2(line: str, said: str, refused: Refused) -> None:
    refused(line.split(), said)
