"""A device's profile: its ceilings and its noise floor as they were measured."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from cnnbench.roofline.sizes import sizes_type

# Within bounds that any device keeps, so that no file makes nonsense of a prediction.
Rate = Annotated[float, Field(strict=True, ge=1, le=1e24, allow_inf_nan=False)]
_SHORTEST_S, _LONGEST_S = 1e-12, 1e6
Seconds = Annotated[float, Field(strict=True, ge=_SHORTEST_S, le=_LONGEST_S, allow_inf_nan=False)]
NoSeconds = Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Noise(_Record):
    """A network timed against itself: `smallest_difference` is what cannot be told from none.

    It is the farther end of the ratio's interval, from 1.
    """

    model: str
    seconds: Positive
    rounds: int
    ratio: Positive
    ci_low: float
    ci_high: float
    smallest_difference: float


class Copy(_Record):
    """How fast a copy is whose two ends take `working_set` bytes: bytes read and written."""

    working_set: Annotated[int, Field(ge=0)]
    bytes_per_s: Rate


class Allocation(_Record):
    """What new memory costs beside writing it: `seconds` more for a tensor of `size` bytes."""

    size: Annotated[int, Field(gt=0)]
    seconds: NoSeconds


class Timed(_Record):
    """A network's measured latency, which predictions can be held to; of a runtime by its name."""

    model: str
    batch: Annotated[int, Field(ge=1)]
    dtype: str
    latency_s: Seconds
    backend: str | None = None


class Spread(_Record):
    """Why times of a network differ: standard deviations, as shares of the time.

    `within` a process from pass to pass, `between` processes that run by turns. `allocator` is the
    time with the system's own settings of the allocator over that with the workers', `page_faults`
    are of a pass in a worker, `page_faults_usual` with the system's own settings.
    """

    model: str
    processes: int
    rounds: int
    within: float
    between: float
    allocator: Positive
    page_faults: float | None = None
    page_faults_usual: float | None = None


_LONGEST_NAME = 100
_LARGEST = 1e9  # of one size of an operator
Row = list[Positive]  # of sizes, seconds last


def _whole(operators: dict[str, dict[str, list[Row]]]) -> dict[str, dict[str, list[Row]]]:
    """Operators by dtype and kind; ValueError where a row is not what its kind has."""
    for dtype, kinds in operators.items():
        if not kinds:
            raise ValueError(f"{dtype} has no operators; leave it out")
        for kind, rows in kinds.items():
            wanted = 1 + len(sizes_type(kind)._fields)
            if not rows or any(len(row) != wanted or min(row[:-1]) < 1 for row in rows):
                raise ValueError(
                    f"{dtype} {kind}: a row is {wanted} numbers: sizes from 1, then seconds"
                )
            if any(max(row[:-1]) > _LARGEST for row in rows):
                raise ValueError(f"{dtype} {kind}: sizes are at most {_LARGEST:.0e}")
            if any(not _SHORTEST_S <= row[-1] <= _LONGEST_S for row in rows):
                raise ValueError(f"{dtype} {kind}: seconds are from {_SHORTEST_S} to {_LONGEST_S}")
    return operators


Operators = Annotated[dict[str, dict[str, list[Row]]], AfterValidator(_whole)]


class Runtime(_Record):
    """How long a runtime takes for operators, in the graph that `medley` writes.

    `operators` are by dtype and kind, as a `Profile` has them, under the graph's names, several
    that run in one among them. `fused` are, by dtype, those that run within the product before
    them; before those that are `unblocked` a map's layout is changed from what convolutions have.
    `version` is the runtime's, `medley` the graph's.
    """

    version: str = ""
    medley: Annotated[int, Field(ge=0)] = 0
    fused: dict[str, list[str]] = {}
    unblocked: dict[str, list[str]] = {}
    operators: Operators = {}
    operators_disturbed: bool = False


class Profile(_Record):
    """Ceilings of one device with one number of threads under one torch; base units.

    `measured` is when the first of them was. Ceilings that were `disturbed` meanwhile are too low;
    operators that were have `operators_disturbed`.
    `copies` stand by growing working set: within the last-level cache, the last one beyond it.
    `call_s` is what an operator costs whatever it computes, `layer_s` the Python around it.
    `operators` are those of `grid`, whose version `grid` is, by dtype and kind: sizes, and seconds
    last; `backends` are runtimes beside eager torch.
    `networks` are latencies to which predictions can be held. `probes` are seconds of short pieces
    of work as they were then, by which it is seen whether the profile still holds.
    """

    name: str
    device: str = ""
    torch: str = ""
    threads: Annotated[int, Field(ge=1)] = 1
    measured: datetime | None = None
    flops_per_s: dict[str, Rate] = {}
    copies: list[Copy] = []
    cache_bytes: Annotated[int, Field(ge=0)] = 0
    call_s: Seconds | None = None
    layer_s: NoSeconds = 0.0
    allocations: list[Allocation] = []
    grid: int = 0
    operators: Operators = {}
    operators_disturbed: bool = False
    backends: dict[str, Runtime] = {}
    networks: list[Timed] = []
    probes: dict[str, Seconds] = {}
    noise: Noise | None = None
    spread: Spread | None = None
    disturbed: bool = False

    def record(self) -> dict[str, Any]:
        """Plain data, without the operators' grid."""
        left_out: Any = {"operators": True, "backends": {"__all__": {"operators"}}}
        return self.model_dump(mode="json", exclude=left_out)

    @field_validator("name", "device", "torch")
    @classmethod
    def _names_are_short(cls, name: str) -> str:
        return name[:_LONGEST_NAME]

    @field_validator("copies")
    @classmethod
    def _copies_grow(cls, copies: list[Copy]) -> list[Copy]:
        return sorted(copies, key=lambda copy: copy.working_set)

    @field_validator("allocations")
    @classmethod
    def _allocations_grow(cls, allocations: list[Allocation]) -> list[Allocation]:
        return sorted(allocations, key=lambda allocation: allocation.size)

    @model_validator(mode="after")
    def _operators_have_a_roof(self) -> Profile:
        if (self.operators or self.backends) and not (self.call_s or self.copies):
            raise ValueError("operators need call_s or copies beside them")
        return self

    def without_operators(self) -> Profile:
        """The plain roofline: two ceilings, and a call's cost."""
        none = {"operators": {}, "backends": {}, "allocations": [], "layer_s": 0.0}
        return self.model_copy(update=none)

    def knows(self, dtype: str, backend: str | None = None) -> bool:
        """Whether it predicts passes in that dtype, of a runtime or of eager torch."""
        if backend is not None and dtype not in self.backends.get(backend, Runtime()).operators:
            return False
        return dtype in self.flops_per_s

    @property
    def bytes_per_s(self) -> float | None:
        """Bandwidth beyond the last-level cache."""
        return self.copies[-1].bytes_per_s if self.copies else None

    def bandwidth(self, working_set: int) -> float | None:
        """Bytes per second of what moves so many bytes: those of the next larger copy."""
        larger = (copy for copy in self.copies if copy.working_set >= working_set)
        return next((copy.bytes_per_s for copy in larger), self.bytes_per_s)

    def allocation_s(self, size: int) -> float:
        """Seconds that a new tensor of `size` bytes costs: as the next smaller one measured."""
        below = [known for known in self.allocations if known.size <= size]
        return size * below[-1].seconds / below[-1].size if below else 0.0

    def ridge_point(self, dtype: str) -> float | None:
        """Intensity at which the bound changes from memory to compute, in FLOP per byte."""
        peak = self.flops_per_s.get(dtype)
        return peak / self.bytes_per_s if peak and self.bytes_per_s else None
