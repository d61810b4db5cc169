"""What `cnnbench sweep` says: what is left to do, and what there is afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from cnnbench import units
from cnnbench.devices.machine import Machine
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.run import Ran, key
from cnnbench.sweeps.store import Store, standing


def left_to_do(
    left: Sequence[Configuration], of: Sequence[Configuration], where: str | None, seconds: float
) -> str:
    """What is left to do, and where anything is timed the longest that it may take."""
    how = ", counted alone"
    if where is not None:
        how = f" on {where}, {units.span(seconds * len(left))} of timing at most"
    lines = [*map(str, left), f"{len(left)} of {len(of)} configurations to do{how}"]
    return "".join(f"{line}\n" for line in lines)


def summary(store: Store, of: Sequence[Configuration], machine: Machine | None, done: Ran) -> str:
    """How much of it there is now, and what failed."""
    asked = {key(one, machine) for one in of}
    there = [record for name, record in standing(store).items() if name in asked]
    failed = [record for record in there if record["failure"]]
    lines = [
        f"{store.folder}: {len(there)} of {len(of)} configurations, {done.new} of them new, "
        f"{len(failed)} failed"
    ]
    lines += [
        f"failed: {record['model']}, batch {record['batch']}: {record['failure']}"
        for record in failed
    ]
    return "".join(f"{line}\n" for line in lines)
