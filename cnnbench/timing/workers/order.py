"""What a worker is told: where it runs, and which networks. Needs no torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from cnnbench.timing.setting import Setting
from cnnbench.timing.workers.origin import Origin


@dataclass(frozen=True)
class Job:
    """A network to be run: what it is called, what it is given as plain data, how it is run.

    `cost` is what has been counted of it, as `Totals` write it; `traced` asks for the trace of its
    count, `largest` for the largest batch that fits where its own does not.
    """

    model: str
    given: dict[str, Any] | None
    setting: Setting
    cost: dict[str, Any] | None = None
    traced: bool = False
    largest: bool = False

    @classmethod
    def read(cls, values: dict[str, Any]) -> Job:
        """The job that plain data hold."""
        return cls(**{**values, "setting": Setting(**values["setting"])})


@dataclass(frozen=True)
class Order:
    """Where a worker runs: its folder, where it finds modules, its device, threads and seed.

    `cores` are those that its threads are bound to, one each; none are for the system to choose.
    `pinned` is whether the allocator keeps its memory. `origin` is the one revision whose files it
    may use, `run_folder` what it shares with other processes of the run.
    """

    folder: str
    paths: tuple[str, ...]
    device: str
    threads: int
    seed: int
    cores: tuple[int, ...] = ()
    pinned: bool = True
    origin: Origin | None = None
    run_folder: str = ""

    def line(self) -> str:
        """The order as a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, line: str) -> Order:
        """The order that a line of JSON holds."""
        values = json.loads(line)
        origin = values["origin"] and Origin(**values["origin"])
        return cls(**{**values, "origin": origin})
