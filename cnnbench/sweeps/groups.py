"""Which configurations are timed in the same rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cnnbench.models.spec import Spec
from cnnbench.studies.stages import place
from cnnbench.sweeps.plan import Configuration

SIZE = 8
Row = tuple[Configuration, dict[str, Any]]


def groups(rows: Sequence[Row], size: int = SIZE) -> list[list[Row]]:
    """Those of like cost share rounds, so that none waits for one that is much slower.

    Blocks that differ in what they are named after alone stay together, so that their times can
    be compared in pairs.
    """
    together: dict[object, list[Row]] = {}
    for row in rows:
        together.setdefault(_case(row[0]), []).append(row)
    found: list[list[Row]] = [[]]
    for case in sorted(together.values(), key=_heaviest):
        if len(found[-1]) + len(case) > size:
            found.append([])
        found[-1] += case
    return [group for group in found if group]


def _heaviest(case: Sequence[Row]) -> int:
    return max(int(record["cost"]["macs"]) for _, record in case)


def _case(one: Configuration) -> object:
    """Blocks of one shape, or a network alone."""
    spec = one.spec
    if not isinstance(spec, Spec) or not spec.model.is_block:
        return one
    return replace(one, model=""), tuple(place(spec).items())
