"""A network's operators put together by stage, level or kind, and the largest of them.

It works on records (of counts or of times), so that whatever has operators divides alike. Needs no
torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnbench.counting.cost import OpCost

# What adds up over operators; of memory the most stands for all.
_ADDED = (
    *("params", "macs", "flops", "elementwise_flops", "activations", "bytes_moved"),
    *("macs_share", "time_s", "share"),
)


class By(StrEnum):
    """A stage is what stands at the top of a network; a kind is one of operators."""

    STAGE = "stage"
    KIND = "kind"


class Level(StrEnum):
    """How fine a network is divided: top-level modules, those within them, or single layers."""

    STAGES = "stages"
    BLOCKS = "blocks"
    LAYERS = "layers"


class Sort(StrEnum):
    """What rows are sorted by, the largest first."""

    MACS = "macs"
    PARAMS = "params"
    MEMORY = "memory"
    BYTES = "bytes"
    TIME = "time"


_WORDS = {
    Sort.MACS: "MACs",
    Sort.PARAMS: "params",
    Sort.MEMORY: "memory",
    Sort.BYTES: "bytes moved",
    Sort.TIME: "time",
}
_KEYS = {Sort.MEMORY: "live_bytes", Sort.BYTES: "bytes_moved", Sort.TIME: "time_s"}


@dataclass(frozen=True)
class Division:
    """How a network's operators are shown: put together, sorted, the first so many.

    `by` is a stage or a kind, `depth` the levels of modules; with neither each operator stands
    alone.
    """

    by: By | None = None
    depth: int | None = None
    sort: Sort | None = None
    top: int | None = None

    @property
    def levels(self) -> int | None:
        """The levels of modules that a record stands for."""
        return 1 if self.by is By.STAGE else self.depth

    @property
    def is_of_operators(self) -> bool:
        """Whether each operator has a record of its own."""
        return self.by is None and self.depth is None

    def of(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Records of operators, put together where asked."""
        return list(rows) if self.is_of_operators else divided(rows, self.levels)

    def shown(self, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Records sorted where asked, the first so many of them."""
        found = list(rows)
        if self.sort is not None:
            key = _KEYS.get(self.sort, str(self.sort))
            found.sort(key=lambda row: float(row[key]), reverse=True)
        return found[: self.top]

    def words(self, number: int) -> str:
        """What is left out of so many records, for a table's title; nothing where all are shown."""
        if self.top is None or self.top >= number:
            return ""
        first = (
            f"{self.top} with the most {_WORDS[self.sort]}" if self.sort else f"first {self.top}"
        )
        return f"the {first} of {number}"


def names(operators: Sequence[OpCost]) -> list[str]:
    """A name for each operator: its layer's, or of a function the module's that calls it.

    A concatenation in the forward of `decoder1` is `decoder1: cat`, the second `decoder1: cat 2`.
    """
    callers = {op.path[:end] for op in operators for end in _ends(op.path)} | {""}
    seen: Counter[str] = Counter()
    found = []
    for op in operators:
        if op.path not in callers:
            found.append(op.path)
            continue
        name = f"{op.path}: {op.operator}" if op.path else op.operator
        seen[name] += 1
        found.append(f"{name} {seen[name]}" if seen[name] > 1 else name)
    return found


def _ends(path: str) -> list[int]:
    return [end for end, letter in enumerate(path) if letter == "."]


def divided(rows: Sequence[dict[str, Any]], depth: int | None) -> list[dict[str, Any]]:
    """Records of so many levels of modules, or with None of the kinds, in order of first use."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        levels = row["layer"].split(".")[:depth] if row["layer"] else [row["name"]]
        name = row["kind"] if depth is None else ".".join(levels)
        groups.setdefault(name, []).append(row)
    return [together(name, group) for name, group in groups.items()]


def together(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One record of several: what adds up, the most memory, the last output."""
    sums = {key: sum(row[key] for row in rows) for key in _ADDED if key in rows[0]}
    return {
        "name": name,
        "operators": len(rows),
        "output": rows[-1]["output"],
        **sums,
        "live_bytes": max(row["live_bytes"] for row in rows),
    }
