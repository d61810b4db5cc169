"""Which configurations are timed in the same rounds, or by the same task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from cnnbench.models.spec import Spec
from cnnbench.studies.comparison.stages import place
from cnnbench.sweeps.plan import Configuration

T = TypeVar("T")

SIZE = 8
Row = tuple[Configuration, dict[str, Any]]


def groups(rows: Sequence[Row], size: int = SIZE) -> list[list[Row]]:
    """Groups of like cost, which share rounds, so that none waits for one that is much slower.

    Blocks that differ in what they are named after alone stay together, so that their times can
    be compared in pairs.
    """
    cases = _cases(rows, lambda row: row[0])
    return _packed(sorted(cases, key=lambda case: max(_macs(row) for row in case)), size)


def chunks(of: Sequence[Configuration], size: int) -> list[list[Configuration]]:
    """Configurations for each task, `size` of them, in their order; blocks stay together."""
    return _packed(_cases(of, lambda one: one), size)


def _cases(of: Iterable[T], configuration: Callable[[T], Configuration]) -> list[list[T]]:
    """Blocks of one shape that run in one way together, networks alone."""
    together: dict[object, list[T]] = {}
    for one in of:
        together.setdefault(_case(configuration(one)), []).append(one)
    return list(together.values())


def _packed(cases: Iterable[list[T]], size: int) -> list[list[T]]:
    found: list[list[T]] = [[]]
    for case in cases:
        if len(found[-1]) + len(case) > size:
            found.append([])
        found[-1] += case
    return [group for group in found if group]


def _macs(row: Row) -> int:
    return int(row[1]["cost"]["macs"])


def _case(one: Configuration) -> object:
    spec = one.spec
    if not isinstance(spec, Spec) or not spec.model.is_block:
        return one
    return replace(one, model=""), tuple(place(spec).items())
