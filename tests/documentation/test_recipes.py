"""Every recipe of CONTRIBUTING does what it says, followed in a copy of the package."""

from __future__ import annotations

import csv
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from ..commands import ROOT, python, together
from ..zoo import costly

PAGE = ROOT / ".github/CONTRIBUTING.md"
NEEDED = ("cnnbench", "tests/extensions", "tests/counting", "results/costs.json", "pyproject.toml")

_RECIPE = re.compile(r"^### To add (.*)\n((?:(?!##).*\n)*)", re.MULTILINE)
_BLOCK = re.compile(r"^```(python|diff|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^# ([\w./]+)\n", re.MULTILINE)

RECIPES = dict(_RECIPE.findall(PAGE.read_text("utf-8")))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What recipes change, and what their commands read."""
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)  # with what is compiled: times are kept
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def change(folder: Path, diff: str) -> None:
    """Apply a diff: of each hunk, what was there stands once in its file."""
    _, *parts = _FILE.split(diff)
    for name, hunks in zip(parts[::2], parts[1::2], strict=True):
        text = (folder / name).read_text("utf-8")
        for hunk in hunks.split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            old = "".join(line[1:] for line in lines if line[0] in " -")
            new = "".join(line[1:] or "\n" for line in lines if line[0] in " +")
            assert f"\n{text}".count(f"\n{old}") == 1, f"{name} has not, or not once:\n{old}"
            text = f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:]
        (folder / name).write_text(text, "utf-8")


def follow(recipe: str, folder: Path) -> list[tuple[list[str], str]]:
    """Write its files, apply its diffs; its commands, each with what it prints among the rest."""
    commands = []
    for kind, block in _BLOCK.findall(recipe):
        if kind == "python":
            (name,) = _FILE.findall(block)[:1]
            (folder / name).write_text(block.partition("\n")[2], "utf-8")
        elif kind == "diff":
            change(folder, block)
        else:
            for line in block.splitlines():
                typed, _, shown = line.partition(" # ")
                program, *words = shlex.split(typed)
                if program == "cp":
                    shutil.copy(*(folder / word for word in words))
                else:
                    assert program == "cnnbench" and shown
                    commands.append((words, shown))
    return commands


def test_there_are_eight() -> None:
    assert list(RECIPES) == [
        *("a model", "a block", "an operator's rule", "a back end", "a source of networks"),
        *("a command", "an output format", "a cost"),
    ]


OFTEN = ("a model", "a command")  # CI follows them all


@pytest.mark.parametrize(
    "name", [name if name in OFTEN else pytest.param(name, marks=costly) for name in RECIPES]
)
def test_a_recipe(name: str, copy: Path) -> None:
    commands = follow(RECIPES[name], copy)
    path = os.pathsep.join([str(copy), *filter(None, sys.path)])
    done = together([words for words, _ in commands], cwd=copy, PYTHONPATH=path, NO_COLOR="1")
    for (words, shown), one in zip(commands, done, strict=True):
        assert one.returncode == 0, (words, one.stderr)
        assert shown in one.stdout, (words, one.stdout)
    for check in (("check",), ("format", "--check")):
        assert python("-m", "ruff", *check, "cnnbench", cwd=copy).returncode == 0
    if name == "a model":
        rows = csv.DictReader((copy / "tests/counting/zoo.csv").read_text("utf-8").splitlines())
        (row,) = [row for row in rows if row["model"] == "all_cnn"]
        assert f'"params": {row["params"]}' in done[1].stdout
        assert f'"macs": {row["macs"]}' in done[1].stdout


def test_the_toys_rule_is_the_recipes() -> None:
    rule = "    return Work(Kind.MATMUL, macs=times * out.numel())\n"
    assert f"+{rule}" in RECIPES["an operator's rule"]
    assert rule in (ROOT / "tests/extensions/toy/costs.py").read_text("utf-8")
