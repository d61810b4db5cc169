"""Networks that are nested deeply: counted and timed as any other, or refused in one line."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnnbench.models.nesting import modules, room

from ..commands import command
from ..zoo import costly

# From 3.12 on, Python has a limit of its own that nothing raises.
DEPTH = 990 if sys.version_info < (3, 12) else 40
NETS = f"""
from torch import nn


def nest(depth={DEPTH}):
    net = nn.Conv2d(3, 3, 1)
    for _ in range(depth):
        net = nn.Sequential(net)
    return nn.Sequential(net, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))


class Own(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 3, 1)
        self.me = self


class Endless(nn.Module):
    def forward(self, x):
        return self(x)
"""
SIZED = ["--input", "3x8x8"]
QUICK = ["--max-time", "0.3", "--precision", "50%"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "cnnbench.toml").write_text('[[model]]\nname = "nets:nest"\ninput = "3x8x8"\n')
    return tmp_path


@pytest.mark.usefixtures("quick_device")
@pytest.mark.parametrize(
    "line",
    [
        ["flops", "nets:nest", *SIZED, "--layers"],
        pytest.param(["flops", "nets:nest", *SIZED, "--train"], marks=costly),
        pytest.param(["show", "nets:nest", *SIZED, "--format", "json"], marks=costly),
        ["audit", "nets:nest@depth=30", *SIZED],  # torchinfo takes twice as long for each
        pytest.param(["time", "nets:nest", *SIZED, *QUICK], marks=costly),
        ["time", "nets:nest", *SIZED, *QUICK, "--layers"],
        ["compare", "nets:nest", "nets:nest@depth=5", *SIZED, "--static"],
        pytest.param(["baseline"], marks=costly),
    ],
    ids=lambda line: " ".join(line),
)
def test_nearly_a_thousand_levels_are_no_matter(line: list[str], folder: Path) -> None:
    done = command(*line, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("line", [["flops"], ["show"], ["audit"], ["time", *QUICK]], ids=" ".join)
def test_what_torch_cannot_run_is_one_line(line: list[str], folder: Path) -> None:
    done = command(*line, "nets:Endless", *SIZED, cwd=folder)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "RecursionError: maximum recursion depth exceeded" in done.stderr


def test_a_module_that_contains_itself_is_counted_and_otherwise_refused(folder: Path) -> None:
    assert command("flops", "nets:Own", *SIZED, cwd=folder).returncode == 0
    assert "a module contains itself" in command("audit", "nets:Own", *SIZED, cwd=folder).stderr
    done = command("time", "nets:Own", *SIZED, *QUICK, cwd=folder)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "nets:Own cannot be moved to cpu: RecursionError" in done.stderr


def test_the_count_is_that_of_the_flat_network(folder: Path) -> None:
    deep, flat = (
        command("flops", f"nets:nest@depth={depth}", *SIZED, "--format", "json", cwd=folder)
        for depth in (DEPTH, 1)
    )
    (a,), (b,) = (json.loads(done.stdout)["results"] for done in (deep, flat))
    assert {**a, "model": ""} == {**b, "model": ""}


def test_a_thread_keeps_its_limit() -> None:
    """Its stack is what it is; a forward without end would be no RecursionError."""
    found: list[int] = []

    def look() -> None:
        with room():
            found.append(sys.getrecursionlimit())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [sys.getrecursionlimit()]


def test_the_limit_is_put_back() -> None:
    before = sys.getrecursionlimit()
    with room():
        assert sys.getrecursionlimit() > 10_000 or sys.platform != "linux"
        with room():
            pass
        assert sys.getrecursionlimit() > 10_000 or sys.platform != "linux"
    assert sys.getrecursionlimit() == before


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=10))
def test_modules_are_torchs_own(inside: list[list[int]]) -> None:
    """Shared ones, missing ones and such as hold each other included."""
    nets = [nn.Module() for _ in range(10)]
    for net, children in zip(nets, inside, strict=False):
        for number, child in enumerate(children):
            net.add_module(str(number), None if child == 9 else nets[child])
    assert list(modules(nets[0]).items()) == list(nets[0].named_modules())
