"""Every command prints what it printed: its JSON, its exit codes, its errors, its options.

Where that is meant to change: `python -m tests.golden.record WORD` accepts it of lines with WORD.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ..zoo import costly
from .play import COMMANDS, Line, device, lines, lost, options, play, recorded


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return device(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    "line",
    [pytest.param(line, marks=costly) if line.costly else line for line in lines()],
    ids=lambda line: line.run,
)
def test_a_line_prints_what_it_printed(line: Line, tmp_path: Path, cache: Path) -> None:
    before, now = recorded(line.command)[line.run], play(line, tmp_path, cache)
    assert now["code"] == before["code"]
    if not line.timed:
        assert now == before
        return
    for one, same in zip(before["stdout"], now["stdout"], strict=True):
        assert lost(one, same) == []
    assert lost(before["files"], now["files"]) == []


@pytest.mark.parametrize("command", ["", *COMMANDS], ids=lambda command: command or "cnnbench")
def test_no_option_is_lost(command: str) -> None:
    assert set(recorded("options")[command]) - set(options(command)) == set()


def test_every_command_has_lines_that_work() -> None:
    worked = " ".join(
        line.run for line in lines() if 2 not in recorded(line.command)[line.run]["code"]
    )
    assert all(f"cnnbench {command} " in worked for command in COMMANDS)


def test_a_cost_that_rose_is_among_them() -> None:
    assert [1] in [outputs["code"] for outputs in recorded("check").values()]
