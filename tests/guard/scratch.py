"""A scratch repository with a network that a test can change, and its check in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cnnbench.cli import run

NETS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))
"""
CONFIG = """
[[tool.cnnbench.model]]
name = "nets:Net"
input = "3x16x16"
"""


class Scratch:
    """The repository: `nets.py`, `pyproject.toml`, a recorded baseline, one commit."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        for command in ("init -q -b main", "config user.email a@b.c", "config user.name test"):
            self.git(*command.split())
        self.write("nets.py", NETS)
        self.write("pyproject.toml", CONFIG)
        assert self.run("baseline") == 0
        self.commit("base")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def change(self, old: str, new: str, name: str = "nets.py") -> None:
        text = (self.folder / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "core.hooksPath=/dev/null", *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def ignore(self, name: str) -> None:
        """Let git know nothing of a file."""
        with (self.folder / ".git/info/exclude").open("a") as file:
            file.write(f"{name}\n")

    def run(self, *arguments: str) -> int:
        """Run a command line in this process, with nothing imported from before."""
        for name in [name for name in sys.modules if name == "nets" or name.startswith("pkg")]:
            del sys.modules[name]
        self._capsys.readouterr()
        code = run(arguments)
        self.out, self.err = self._capsys.readouterr()
        return code

    def check(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """Exit code and results of `cnnbench check`."""
        code = self.run("check", "--format", "json", *arguments)
        return code, json.loads(self.out)["results"] if self.out else []

    @property
    def baseline(self) -> Path:
        return self.folder / "cnnbench-baseline.json"
