"""Every command prints what its page shows, every Python line holds, every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ..commands import ROOT, alone
from ..zoo import costly
from .pages import PAGES, README, Block, blocks, files, python, typed

EVERY = [block for page in PAGES for block in blocks(page)]


def named(block: Block) -> str:
    return f"{block.page.stem}: {block.line}"


def parted(lines: list[str]) -> tuple[list[str], list[str]]:
    """The first table's heading and rows; the notes below depend on the machine."""
    rule = next(index for index, line in enumerate(lines) if line.startswith("───"))
    return lines[:rule], lines[rule + 1 : lines.index("", rule)]


def words(heading: list[str]) -> list[str]:
    """The words of a heading, which stands on more lines where values are wide."""
    return sorted(word for line in heading for word in line.split())


def quick(line: str) -> tuple[str, ...]:
    """Options that make it short."""
    if not line.startswith("cnnbench gradients"):
        return "--max-time", "0.5"
    steps = ("--steps", "2") if "--weight-decay" in line else ()
    return ("--seeds", "2", "--batch", "4", *steps)


_SLOW = ("--fit-memory", "latency=90ms", "cnnbench export mobilenet_v1")  # to reproduce


def timely(block: Block) -> Any:
    """A block as a parameter, a costly one where it takes long."""
    slow = any(words in block.line for words in _SLOW)
    return pytest.param(block, id=named(block), marks=[costly] if slow else [])


@pytest.mark.parametrize("block", [timely(b) for b in EVERY if not b.is_timed])
def test_a_command_prints_what_its_page_shows(block: Block) -> None:
    now = block.played()
    if not block.is_met_by(now):
        assert now == block.shown, "accept with: python -m tests.documentation"


@costly
@pytest.mark.parametrize("line", dict.fromkeys(b.line for b in EVERY if b.is_timed))
def test_a_command_that_times_prints_the_same_table(
    line: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Headings and names; the numbers are of whoever runs it, and for how long."""
    measures = line.startswith("cnnbench device")
    new: dict[str, str] = {}
    if measures:
        request.getfixturevalue("quick_device")
        new = {"XDG_CACHE_HOME": str(tmp_path)}
    with files() as folder:
        now = typed(line, folder, *quick(line), **new).splitlines()
    first = 1 if measures else 0  # the processor's name
    for block in (block for block in EVERY if block.line == line):
        _, *shown = block.shown.splitlines()
        heading, rows = parted(shown[first:])
        assert words(parted(now[first:])[0]) == words(heading)
        names = {row.split()[0] for row in rows if re.match(r" {0,2}[a-z]\w*[\w.]* ", row)}
        assert names and all(any(row.strip().startswith(name) for row in now) for name in names)


@pytest.mark.parametrize("page", [page for page in PAGES if python(page)], ids=lambda p: p.stem)
def test_the_python_examples_hold(page: Path) -> None:
    for code in python(page):
        with alone(ROOT, {}):
            exec(code, {"__name__": "example"})


def test_ci_runs_the_readmes_own_test_command() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README.read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 2
    assert all("-c tests/constraints.txt" in line for line in commands)
    assert commands[0].endswith(".venv/bin/cnnbench flops mobilenet")
    assert commands[1].endswith(".venv/bin/python -m pytest")


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 250


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_picture_and_file_a_page_names_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        assert "://" in link or (page.parent / link).exists(), link
    for name in re.findall(r"`((?:tests|results|cnnbench|\.github|\.ci)/[\w./]+)`", text):
        assert (ROOT / name).exists(), name
