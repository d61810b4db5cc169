"""The README is executed: every command prints what it shows, every Python line holds.

Where the output is meant to change: `python -m tests.test_readme` accepts it, and with
`--timed=compare` measures again what is timed and has that word.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from .commands import ROOT, alone, command

README = ROOT / "README.md"
BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]*)\n(?P<output>.*?)```\n", re.DOTALL)
MORE = re.compile(r"^\$ (.*)\n", re.MULTILINE)  # commands that follow in the same folder
# No two runs print the same.
TIMED = re.compile(r"cnnbench (time|device|compare|scale .*--to|gradients) ?")
UNTIMED = (" --static", " --on ")
VERSIONS = re.compile(r'"(python|torch)": "[^"]*"')  # those of whoever runs it
PYTHON = re.compile(r"```python\n(.*?)```\n", re.DOTALL)
FILE = re.compile(r"```(python|toml)\n# (?P<name>\w+\.(py|toml))\n(?P<text>.*?)```\n", re.DOTALL)


def is_timed(line: str) -> bool:
    """Whether it prints what was measured."""
    return bool(TIMED.match(line)) and not any(option in line for option in UNTIMED)


def quick(line: str) -> tuple[str, ...]:
    """Options that make it short."""
    if not line.startswith("cnnbench gradients"):
        return "--max-time", "0.5"
    steps = ("--steps", "2") if "--weight-decay" in line else ()
    return ("--seeds", "2", "--batch", "4", *steps)


def printed(line: str, *more: str, **environment: str) -> str:
    """What a person sees who types the line into a terminal of 80 columns, beside its files."""
    with files() as folder:
        return typed(line, folder, *more, **environment)


@contextmanager
def files() -> Iterator[Path]:
    """A folder with the files that the README shows."""
    with TemporaryDirectory() as folder:
        for file in FILE.finditer(README.read_text("utf-8")):
            (Path(folder) / file["name"]).write_text(file["text"], "utf-8")
        yield Path(folder)


def typed(line: str, folder: Path, *more: str, **environment: str) -> str:
    """What a command prints; `check` may find something."""
    name, *arguments = shlex.split(line)
    if name == "sed":
        return subprocess.run([name, *arguments], cwd=folder, check=True, text=True).stdout or ""
    assert name == "cnnbench"
    done = command(*arguments, *more, cwd=folder, COLUMNS="80", **environment)
    assert done.returncode == 0 or (arguments[0], done.returncode) == ("check", 1), done.stderr
    return "".join(f"{shown.rstrip()}\n" for shown in done.stdout.splitlines())


def session(block: re.Match[str]) -> str:
    """A block's commands and what each prints, one after the other in one folder."""
    with files() as folder:
        lines = [block["command"], *MORE.findall(block["output"])]
        return "".join(f"$ {line}\n{typed(line, folder)}" for line in lines)


def blocks(timed: bool) -> list[re.Match[str]]:
    """Commands with their output, those that time something or the others."""
    found = BLOCK.finditer(README.read_text("utf-8"))
    return [block for block in found if is_timed(block["command"]) is timed]


@pytest.mark.parametrize("block", blocks(timed=False), ids=lambda b: b[1])
def test_a_command_prints_what_the_readme_shows(block: re.Match[str]) -> None:
    text = f"$ {block['command']}\n{block['output']}"
    shown, now = (VERSIONS.sub("", part) for part in (text, session(block)))
    assert now == shown, "accept with: python -m tests.test_readme"


@pytest.mark.parametrize("block", blocks(timed=True), ids=lambda b: b[1])
def test_a_command_that_times_prints_the_same_table(
    block: re.Match[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Headings and names; the numbers are of whoever runs it, and for how long."""
    shown = block["output"].splitlines()
    measures = block["command"].startswith("cnnbench device")
    new: dict[str, str] = {}
    if measures:
        request.getfixturevalue("quick_device")
        new = {"XDG_CACHE_HOME": str(tmp_path)}
    now = printed(block["command"], *quick(block["command"]), **new).splitlines()
    rule = next(index for index, line in enumerate(shown) if line.startswith("───"))
    first = 1 if measures else 0  # the processor's name
    heading = [line.split() for line in shown[first:rule]]
    end = next(index for index, line in enumerate(now) if line.startswith("───"))
    assert [line.split() for line in now[first:end]] == heading
    rows = shown[rule + 1 : shown.index("", rule)]  # the notes below depend on the machine
    names = {line.split()[0] for line in rows if re.match(r" {0,2}[a-z]\w*[\w.]* ", line)}
    assert names and all(any(line.strip().startswith(name) for line in now) for name in names)


def test_the_python_examples_hold() -> None:
    for code in PYTHON.findall(FILE.sub("", README.read_text("utf-8"))):
        with alone(ROOT, {}):
            exec(code, {"__name__": "example"})


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
    asked = sys.argv[1:]
    timed = asked[0].removeprefix("--timed=") if asked else None  # of those with this word alone
    accepted = BLOCK.sub(
        lambda b: (
            f"```console\n{session(b)}```\n"
            if not is_timed(b["command"]) or (timed is not None and timed in b["command"])
            else b[0]
        ),
        README.read_text("utf-8"),
    )
    README.write_text(accepted, encoding="utf-8")
