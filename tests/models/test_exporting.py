"""Networks written to files: whole or not at all, counted beside themselves."""

import json
from pathlib import Path

import pytest

from cnnbench import count

from ..commands import command
from ..zoo import costly

NET = """
import torch
from torch import nn

class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)

    def forward(self, x):
        return self.a(x) if x.sum() > 0 else x

class Cond(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(8, 8)

    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda y: self.a(y), lambda y: y.relu(), (x,))

class FixedBatch(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(16, 8)

    def forward(self, x):
        return self.a(x.reshape(2, 16))
"""


@pytest.mark.parametrize("suffix", ["onnx", "pt2"])
def test_a_file_counts_what_the_network_counts(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"net.{suffix}"
    done = command("export", "resnet20", "--output", str(file), "--format", "json")
    own, written = json.loads(done.stdout)["results"]
    assert own["macs"] == written["macs"] == 40_551_040
    assert json.loads(done.stdout)["environment"]["open_batch"]
    assert count(str(file), batch=5).total.macs == 5 * own["macs"]
    assert sorted(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("suffix", ["onnx", pytest.param("pt2", marks=costly)])
def test_a_file_names_no_path_of_this_machine(suffix: str, tmp_path: Path) -> None:
    """Not even in a branch: a path tells who wrote it, and makes its size differ by folder."""
    (tmp_path / "nets.py").write_text(NET)
    for model, given in (("lenet5_dense", ()), ("nets.py:Cond", ("--input", "8"))):
        done = command("export", model, *given, "-o", f"net.{suffix}", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        archived = (tmp_path / f"net.{suffix}").read_bytes()  # a pt2 is a zip that packs nothing
        assert b".py" not in archived and str(tmp_path).encode() not in archived


def test_a_batch_that_is_built_in_is_said(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NET)
    line = ["export", "nets.py:FixedBatch", "--input", "16", "--batch", "2", "-o", "net.onnx"]
    done = command(*line, cwd=tmp_path)
    assert "a batch of 2 alone" in " ".join(done.stdout.split())
    refused = command("flops", "net.onnx", "--batch", "3", cwd=tmp_path)
    assert refused.returncode == 2 and "a batch of 2 built in" in refused.stderr


def test_what_cannot_be_exported_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NET)
    for line in (
        ["nets.py:Branches", "--input", "8", "-o", "net.onnx"],
        ["lenet5", "-o", "net.txt"],
        ["lenet5", "-o", "nowhere/net.onnx"],
        ["lenet5"],
    ):
        done = command("export", *line, cwd=tmp_path)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert [path.name for path in tmp_path.glob("net*")] == ["nets.py"]
