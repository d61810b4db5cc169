"""The keys of every command's JSON and CSV: what each means, and whether all are said.

keys.csv holds the meanings. Its section is one of SECTIONS. A key such as `noise.ratio` is that of
a `noise` alone; `…_ratio` is a family: all keys that are another with this ending. Where a unit
says `by` something, the value is an object whose own keys are such things' names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .markdown import code, table

# What the keys of a section belong to; what several commands have stands first.
SHARED = {
    "all": "In every output",
    "costs": "What a network costs",
    "setting": "How a network is run",
    "times": "How long a pass takes",
    "machine": "The machine, in `environment`",
    "families": "Endings",
}
OF_COMMANDS = {
    "list": ("list", "show"),
    "flops": ("flops", "export", "report"),
    "audit": ("audit",),
    "time": ("time", "report"),
    "device": ("device",),
    "compare": ("compare", "why"),
    "predict": ("predict", "report"),
    "scale": ("scale", "fit"),
    "choose": ("choose",),
    "gradients": ("gradients",),
    "published": ("published", "claims"),
    "sweep": ("sweep", "merge", "report"),
    "baseline": ("baseline",),
    "check": ("check",),
}
# Objects that are what another command writes.
WRITTEN_BY = {"ceilings": "device"}


@dataclass(frozen=True)
class Key:
    """A row of keys.csv."""

    section: str
    key: str
    unit: str
    meaning: str

    @property
    def is_family(self) -> bool:
        """Whether it is an ending of keys."""
        return self.key.startswith("…")

    @property
    def is_map(self) -> bool:
        """Whether its value's keys are names."""
        return " by " in self.unit


@dataclass(frozen=True)
class Keys:
    """All rows, and how one is found."""

    rows: tuple[Key, ...]

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Key]:
        found = {(row.section, row.key): row for row in self.rows}
        assert len(found) == len(self.rows), "a key stands twice in a section"
        return found

    def find(self, command: str, parent: str, key: str) -> Key | None:
        """The row of a command's key inside an object that `parent` names."""
        # A command's own section is its last: what several have stands before.
        own = (name for name, commands in reversed(OF_COMMANDS.items()) if command in commands)
        sections = (*own, *SHARED)
        for name in (f"{parent}.{key}", key):
            for section in sections:
                if row := self._by_name.get((section, name)):
                    return row
        families = (row for row in self.rows if row.section in sections and row.is_family)
        return next((row for row in families if self._is_one(key, row.key[1:])), None)

    def _is_one(self, key: str, ending: str) -> bool:
        stem = key.removesuffix(ending)
        return stem != key and any(row.key == stem for row in self.rows)

    def used(self, command: str, value: Any, parent: str = "") -> Iterator[tuple[str, Key | None]]:
        """Every key of an output, with its row; None where there is none."""
        if isinstance(value, list):
            for one in value:
                yield from self.used(command, one, parent)
        if not isinstance(value, dict):
            return
        command = WRITTEN_BY.get(parent, command)
        for key, one in value.items():
            row = self.find(command, parent, key)
            yield f"{command}: {parent}.{key}", row
            if row and row.is_map and isinstance(one, dict):
                one = list(one.values())
            yield from self.used(command, one, key)


def read() -> Keys:
    """The rows of keys.csv."""
    with open(Path(__file__).with_name("keys.csv"), encoding="utf-8") as file:
        return Keys(tuple(Key(**row) for row in csv.DictReader(file)))


def shared() -> str:
    """A table each of what several commands write."""
    return "\n".join(_section(name, title) for name, title in SHARED.items())


def of_commands() -> str:
    """A table each of what a command writes beside that."""
    return "\n".join(_section(name, code(*commands)) for name, commands in OF_COMMANDS.items())


def _section(name: str, title: str) -> str:
    rows = [(code(row.key), row.unit, row.meaning) for row in read().rows if row.section == name]
    return f"### {title}\n\n{table(('key', 'unit', 'meaning'), rows)}"
