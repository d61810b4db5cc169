"""Where two networks differ: by stage where they share their stages, else by kind of operator."""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench.counting.cost import Cost, OpCost, total
from cnnbench.counting.division import By
from cnnbench.studies.comparison.comparison import Comparison, Side


@dataclass(frozen=True)
class Part:
    """A stage or kind of both: its cost, and where there is a prediction its seconds."""

    name: str
    a: Cost
    b: Cost
    a_seconds: float | None = None
    b_seconds: float | None = None


def parts(row: Comparison, by: By | None = None) -> list[Part]:
    """A row's parts in the order in which they run, a's first."""
    sides = (row.a, row.b)
    if by is None:
        stages = [{_stage(op) for op in side.trace.operators} for side in sides]
        shared = stages[0] == stages[1] and len(stages[0]) > 1
        by = By.STAGE if shared else By.KIND
    names = dict.fromkeys(_name(op, by) for side in sides for op in side.trace.operators)
    return [_part(name, row.a, row.b, by) for name in names]


def _part(name: str, a: Side, b: Side, by: By) -> Part:
    costs = [
        total([op.cost for op in side.trace.operators if _name(op, by) == name]) for side in (a, b)
    ]
    return Part(name, costs[0], costs[1], _seconds(a, name, by), _seconds(b, name, by))


def _seconds(side: Side, name: str, by: By) -> float | None:
    if side.predicted is None:
        return None
    return sum(op.seconds for op in side.predicted.operators if _name(op.cost, by) == name)


def _name(op: OpCost, by: By) -> str:
    return str(op.kind) if by is By.KIND else _stage(op)


def _stage(op: OpCost) -> str:
    """The top level of the network that it stands in."""
    return op.path.partition(".")[0] or op.operator
