"""The pages, what they show of a terminal, and how that is played again."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ..commands import ROOT, command
from .generated import renewed

README = ROOT / "README.md"
DOCS = ROOT / "cnnbench/docs"
PAGES = (README, *sorted((ROOT / ".github").glob("*.md")), *sorted(DOCS.rglob("*.md")))
CUT = "…"  # a line that stands for any number of lines

_BLOCK = re.compile(r"```console\n(?P<shown>\$ (?P<line>[^\n]*)\n.*?)```\n", re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n", re.MULTILINE)  # they follow each other in one folder
_FILE = re.compile(r"```(python|toml)\n# (?P<name>\w+\.(py|toml))\n(?P<text>.*?)```\n", re.DOTALL)
_PYTHON = re.compile(r"```python\n(?!# \S+\.py\n)(.*?)```\n", re.DOTALL)  # no file
# No two runs print the same.
_TIMED = re.compile(r"cnnbench (time|device|compare|scale .*--to|gradients) ?")
_UNTIMED = (" --static", " --on ")
_VERSIONS = re.compile(r'"(python|torch)": "[^"]*"')  # those of whoever runs it


@dataclass(frozen=True)
class Block:
    """Commands of a page, one after the other, each with what it prints."""

    page: Path
    shown: str
    line: str

    @property
    def is_timed(self) -> bool:
        """Whether it prints what was measured."""
        untimed = any(option in self.line for option in _UNTIMED)
        return bool(_TIMED.match(self.line)) and not untimed

    @property
    def is_cut(self) -> bool:
        """Whether it leaves lines out."""
        return f"\n{CUT}\n" in self.shown

    def played(self) -> str:
        """The block as it is now."""
        with files() as folder:
            return "".join(f"$ {one}\n{typed(one, folder)}" for one in _COMMAND.findall(self.shown))

    def is_met_by(self, now: str) -> bool:
        """Whether the page still shows what is printed."""
        shown, now = (_VERSIONS.sub("", text) for text in (self.shown, now))
        parts = [re.escape(part) for part in f"\n{shown}".split(f"\n{CUT}\n")]
        return re.fullmatch("\n(?:.*\n)*?".join(parts), f"\n{now}") is not None


def blocks(page: Path) -> list[Block]:
    """The commands of a page."""
    found = _BLOCK.finditer(page.read_text("utf-8"))
    return [Block(page, block["shown"], block["line"]) for block in found]


def python(page: Path) -> list[str]:
    """The lines of Python of a page that are no file."""
    return _PYTHON.findall(page.read_text("utf-8"))


def texts() -> dict[str, str]:
    """The files that pages show, by their names; where two show one, they show the same."""
    found: dict[str, str] = {}
    for page in PAGES:
        for file in _FILE.finditer(page.read_text("utf-8")):
            known = found.setdefault(file["name"], file["text"])
            assert known == file["text"], f"{page} has another {file['name']}"
    return found


@contextmanager
def files() -> Iterator[Path]:
    """A folder with the files that the pages show."""
    with TemporaryDirectory() as folder:
        for name, text in texts().items():
            (Path(folder) / name).write_text(text, "utf-8")
        yield Path(folder)


def typed(line: str, folder: Path, *more: str, **environment: str) -> str:
    """What a command prints in a terminal of 80 columns; `check` may find something."""
    name, *arguments = shlex.split(line)
    if name == "sed":
        return subprocess.run([name, *arguments], cwd=folder, check=True, text=True).stdout or ""
    assert name == "cnnbench"
    done = command(*arguments, *more, cwd=folder, COLUMNS="80", **environment)
    assert done.returncode == 0 or (arguments[0], done.returncode) == ("check", 1), done.stderr
    return "".join(f"{shown.rstrip()}\n" for shown in done.stdout.splitlines())


def accept(word: str | None = None) -> None:
    """Write into the pages what is made and printed now; what is timed, where its line has WORD."""
    for page in PAGES:
        text = renewed(page.read_text("utf-8"))
        for block in blocks(page):
            if block.is_timed and (word is None or word not in block.line):
                continue
            now = block.played()
            if block.is_cut:
                if not block.is_met_by(now):
                    print(f"{page.relative_to(ROOT)}: mend by hand: $ {block.line}")
                continue
            text = text.replace(block.shown, now)
        page.write_text(text, "utf-8")
