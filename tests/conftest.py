"""What several tests share: the accepted zoo, small networks, the command line as a process."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)  # the tests run side by side


def zoo() -> list[dict[str, str]]:
    """The accepted numbers: one row a model, from the papers and two independent counters."""
    with open(ROOT / "tests/counting/zoo.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `cnnbench …` as a process of its own, without a terminal and without colour."""
    return subprocess.run(
        [sys.executable, "-m", "cnnbench", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment},
        timeout=120,
    )
