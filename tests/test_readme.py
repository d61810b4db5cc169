"""The README is executed: every command prints what it shows, every Python line holds.

Where the output is meant to change: `python -m tests.test_readme` accepts it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from .conftest import ROOT, command

README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]*)\n(?P<output>.*?)```\n", re.DOTALL)
VERSIONS = re.compile(r'"(python|torch)": "[^"]*"')  # those of whoever runs it
PYTHON = re.compile(r"```python\n(.*?)```\n", re.DOTALL)
FILE = re.compile(r"```python\n# (?P<name>\w+\.py)\n.*?```\n", re.DOTALL)


def printed(line: str) -> str:
    """What a person sees who types the line into a terminal of 80 columns, beside its files."""
    name, *arguments = shlex.split(line)
    assert name == "cnnbench"
    with TemporaryDirectory() as folder:
        for file in FILE.finditer(README.read_text("utf-8")):
            (Path(folder) / file["name"]).write_text(file[0].strip("`\n").removeprefix("python"))
        done = command(*arguments, cwd=Path(folder), COLUMNS="80")
    assert done.returncode == 0, done.stderr
    return "".join(f"{shown.rstrip()}\n" for shown in done.stdout.splitlines())


@pytest.mark.parametrize(
    "block", list(BLOCK.finditer(README.read_text("utf-8"))), ids=lambda b: b[1]
)
def test_a_command_prints_what_the_readme_shows(block: re.Match[str]) -> None:
    shown, now = (VERSIONS.sub("", text) for text in (block["output"], printed(block["command"])))
    assert now == shown, "accept with: python -m tests.test_readme"


def test_the_python_examples_hold() -> None:
    for code in PYTHON.findall(FILE.sub("", README.read_text("utf-8"))):
        subprocess.run([sys.executable, "-c", code], check=True)


def test_ci_runs_the_readmes_own_test_command() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README.read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 2
    assert all("-c tests/constraints.txt" in line for line in commands)
    assert commands[0].endswith(".venv/bin/cnnbench flops mobilenet")
    assert commands[1].endswith(".venv/bin/python -m pytest")


def test_every_picture_and_file_it_names_is_there() -> None:
    text = README.read_text("utf-8")
    named = re.findall(r"\]\((results/[^)]+)\)", text) + re.findall(
        r"`((?:tests|results)/[\w./]+)`", text
    )
    assert named
    assert all((ROOT / name).exists() for name in named)


if __name__ == "__main__":
    accepted = BLOCK.sub(
        lambda b: f"```console\n$ {b['command']}\n{printed(b['command'])}```\n",
        README.read_text("utf-8"),
    )
    README.write_text(accepted, encoding="utf-8")
