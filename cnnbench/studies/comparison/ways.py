"""Ways out: settings in which a network may get more out of a MAC, tried beside the usual one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from cnnbench.devices.device import Device
from cnnbench.studies.comparison.comparison import Comparison
from cnnbench.timing import backends
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.setting import Setting

TOLD = (Verdict.FASTER, Verdict.SLOWER, Verdict.FASTER_HERE, Verdict.SLOWER_HERE)
_MORE = 8  # times as many images


def ways(base: Setting, names: Sequence[str], device: Device) -> list[Setting]:
    """The setting, then every other that is tried on the device; `names` are of back ends.

    The last is of more images.
    """
    others = (
        replace(base, channels_last=True),
        replace(base, fuse=True),
        *(replace(base, backend=name) for name in names if name != base.backend),
        replace(base, batch=_MORE * base.batch),
    )
    return [base, *(one for one in others if one.backend in names or backends.can_run(one, device))]


def called(setting: Setting, base: Setting) -> str:
    """What a way is called: by what differs from the usual one, which is called by its back end."""
    differ = [
        field.name
        for field in fields(Setting)
        if getattr(setting, field.name) != getattr(base, field.name)
    ]
    return " ".join(setting.words(*differ, usual=True)) if differ else base.backend


@dataclass(frozen=True)
class Way:
    """A pair in one setting; `name` is what differs in it from the first."""

    name: str
    row: Comparison

    @property
    def speedup(self) -> float | None:
        """How many times as fast b is there, where that was measured."""
        return self.row.measured.median if self.row.measured else None

    @property
    def kept(self) -> float | None:
        """The share of what MACs promise that it is faster by; None where that cannot be told."""
        ratio = self.row.macs_ratio if self.row.verdict in TOLD else None
        return self.speedup / ratio if self.speedup and ratio else None


def tried(rows: Sequence[Comparison]) -> Iterator[Way]:
    """The rows of one pair as ways, the usual one first."""
    base = rows[0].b.run_in
    for row in rows:
        yield Way(called(row.b.run_in, base), row)
