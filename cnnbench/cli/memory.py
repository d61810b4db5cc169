"""What memory `cnnbench flops` is asked for: of a training step, of the largest batch that fits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cnnbench import units
from cnnbench.counting.optimizers import Optimizer
from cnnbench.errors import CnnbenchError, InputError

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace
    from cnnbench.reports.memory import Held

_Optimizer = Annotated[
    Optimizer | None,
    typer.Option(
        "--optimizer",
        help="With --train: show the memory of a step, with what this optimiser keeps.",
        show_default=False,
    ),
]
_FitMemory = Annotated[
    str | None,
    typer.Option(
        "--fit-memory",
        metavar="SIZE",
        help="Find the largest batch that fits into so much memory: 24GiB.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Memory:
    """Whose memory is asked for, and the limit of a batch that is searched."""

    optimizer: _Optimizer = None
    fit_memory: _FitMemory = None

    def __post_init__(self) -> None:
        """CnnbenchError for a size that is none."""
        _ = self.limit

    @property
    def limit(self) -> int | None:
        """Bytes that a batch is to fit into."""
        if self.fit_memory is None:
            return None
        try:
            size = units.quantity(self.fit_memory, size=True)
        except ValueError:
            size = 0
        if not size:
            raise CnnbenchError(
                f"--fit-memory {self.fit_memory!r} is no size; write one such as 24GiB or 500MB"
            )
        return size

    def check(self, *, train: bool, batched: bool) -> None:
        """CnnbenchError where other options leave it without a meaning."""
        if self.optimizer is not None and not train:
            raise CnnbenchError("--optimizer is of a training step: add --train")
        if self.fit_memory is None:
            return
        if train and self.optimizer is None:
            raise CnnbenchError(
                f"--fit-memory of a training step needs --optimizer: {' or '.join(Optimizer)}"
            )
        if not batched:
            raise CnnbenchError("--fit-memory searches a batch, and --no-batch has none")

    def of(self, trace: Trace, at: Callable[[int], Trace]) -> Held | None:
        """The memory of a pass, and the largest batch; `at` counts another one."""
        if self == Memory():
            return None
        from cnnbench.counting.footprint import footprint
        from cnnbench.reports.memory import Held
        from cnnbench.studies.largest_batch import largest_batch

        held = footprint(trace, self.optimizer)
        if self.limit is None:
            return Held(held)

        def bytes_at(batch: int) -> int:
            return footprint(at(batch), self.optimizer).total_bytes

        if self.optimizer is None:
            return Held(held, self.limit, largest_batch(bytes_at, self.limit))
        # Batch norm refuses to train on one image where a map is 1x1: it is asked last.
        found = largest_batch(bytes_at, self.limit, least=2)
        if not found:
            with suppress(InputError):
                found = int(bytes_at(1) <= self.limit)
        return Held(held, self.limit, found)
