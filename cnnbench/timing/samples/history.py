"""What earlier runs on a device gave: how far reruns lie apart there.

A file of lines beside the device's profile, one a value. What was measured while something
disturbed is not in it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import accumulate
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, TypeAdapter, ValidationError

from cnnbench.devices.machine import Machine
from cnnbench.errors import OutputError
from cnnbench.files import write
from cnnbench.roofline.calibrate import path
from cnnbench.timing.samples.reruns import Between, deviation

_KEPT = 1000  # values, the last ones
_MOST = 1200  # lines, from which on the file is written anew
_OF_ONE = 20  # of one thing, the last ones
_WEIGHT = 4.0  # degrees of freedom that what is known of all has for one

Log = Annotated[float, Field(ge=-50, le=50)]  # of seconds or a ratio, whatever there is


class What(StrEnum):
    """What runs are compared by."""

    LATENCY = "latency"
    RATIO = "ratio"


# What is assumed of a device before it has been met again: measured on two cores of a shared
# machine (results/reruns.json), where each was known again.
ASSUMED = {What.LATENCY: Between(0.02, _WEIGHT), What.RATIO: Between(0.01, _WEIGHT)}


@dataclass(frozen=True)
class RunValue:
    """A run's value: its logarithm, of what (`key`), by how many processes, and when."""

    what: What
    key: str
    log: Log
    processes: int
    when: str = ""

    @classmethod
    def of(cls, what: What, key: str, values: ArrayLike, processes: int) -> RunValue:
        """The value of a run's samples, which are positive."""
        logs = np.log(np.asarray(values, dtype=float))
        return cls(what, key, float(np.median(logs)), processes)


_VALUE = TypeAdapter(RunValue)


@dataclass(frozen=True)
class History:
    """The values of a device's earlier runs, the last one last."""

    file: Path
    values: list[RunValue] = field(default_factory=list)

    @classmethod
    def of(cls, machine: Machine) -> History:
        """What is kept of a device with so many threads; lines that cannot be read are left out."""
        file = path(machine.device, machine.threads.number).with_suffix(".runs")
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        found = []
        for line in lines[-_KEPT:]:
            try:
                found.append(_VALUE.validate_json(line))
            except ValidationError:
                continue
        return cls(file, found)

    def between(self, what: What, key: str, processes: int) -> Between:
        """How far runs of `key` lie apart: as on this device, and as met of itself."""
        device = self.of_device(what, processes)
        known = replace(device, freedom=_WEIGHT)
        own = self._groups(what, processes).get(key, [])
        return known.learnt([one.log for one in own]) if len(own) > 1 else known

    def of_device(self, what: What, processes: int) -> Between:
        """How far runs of anything lie apart: as assumed, and as met on this device.

        The median of spreads by their freedom: those that jumped are not what others do.
        """
        assumed = ASSUMED[what]
        groups = [group for group in self._groups(what, processes).values() if len(group) > 1]
        met = [(deviation([one.log for one in group]), len(group) - 1) for group in groups]
        spreads = sorted([(assumed.spread, assumed.freedom), *met])
        freedom = sum(weight for _, weight in spreads)
        below = accumulate(weight for _, weight in spreads)
        middle = next(n for n, weight in enumerate(below) if 2 * weight >= freedom)
        return Between(spreads[middle][0], freedom, sum(map(len, groups)))

    def _groups(self, what: What, processes: int) -> dict[str, list[RunValue]]:
        """The last values of each thing."""
        groups: dict[str, list[RunValue]] = defaultdict(list)
        for value in self.values:
            if value.what is what and value.processes == processes:
                groups[value.key].append(value)
        return {key: values[-_OF_ONE:] for key, values in groups.items()}

    def keep(self, values: Sequence[RunValue]) -> None:
        """Add a run's values; a cache folder that cannot be written is no reason to fail."""
        if not values:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        lines = [json.dumps({**asdict(value), "when": now}) for value in values]
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with open(self.file, "a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
            there = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
            if len(there) > _MOST:
                write(self.file, "\n".join(there[-_KEPT:]) + "\n")
        except (OSError, OutputError):
            return
