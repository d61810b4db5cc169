"""What stands below a signal's tables: what was asked, what the numbers mean. Needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench import units
from cnnbench.devices.environment import Environment
from cnnbench.reports.charts import sparks
from cnnbench.reports.environment import where
from cnnbench.studies.depth.gradients import SEEDS
from cnnbench.studies.depth.signal import EXPLODING, VANISHING, Signals, SignalVerdict
from cnnbench.studies.depth.training import MOMENTUM

_CHARTED = ("gradient_norm", "variance")


@dataclass(frozen=True)
class Asked:
    """What the command line says beside the models; no `steps`, no training."""

    batch: int
    seed: int
    steps: int
    learning_rate: float
    weight_decay: float | None

    @property
    def weight_decays(self) -> tuple[float, ...]:
        """The weight decay of each training, none first."""
        return (0.0,) if self.weight_decay is None else (0.0, self.weight_decay)


def judgements(found: Signals, lines: Sequence[dict[str, Any]], *, interrupted: bool) -> list[str]:
    """What could not be told, and what marks say."""
    said = []
    if max(len(row.seeds) for row in found.rows) < SEEDS:
        said.append(f"fewer than {SEEDS} seeds give no interval; verdicts follow the median")
    if any(row.verdict is SignalVerdict.UNDECIDED for row in found.rows):
        said.append("undecided: the interval holds a bound; raise --seeds")
    values = (b[key] for line in lines for b in line["blocks"] for key in _CHARTED)
    if not all(values):
        said.append(f"{sparks.NONE}: 0, or too large for a number")
    return [*said, *(["Interrupted: this is what was measured by then."] if interrupted else [])]


def notes(
    found: Signals, lines: Sequence[dict[str, Any]], asked: Asked, about: Environment
) -> list[str]:
    """What the numbers mean, and where they are from."""
    seeds = max(len(row.seeds) for row in found.rows)
    said = [
        "gradient: l2 norm of the loss's gradient by a block's output; variance: of that output; "
        f"medians of {seeds} seed{'s' if seeds > 1 else ''}, "
        f"batches of {asked.batch} random images",
        f"vanishing below {VANISHING:g}, exploding above {EXPLODING:g}: the gradient's first/last, "
        f"or the variance's last/first ({units.magnitude(VANISHING**2)}, "
        f"{units.magnitude(EXPLODING**2)}: it is a square)",
    ]
    if any(line["trainings"] for line in lines):
        said.append(
            f"trained on scikit-learn's digits from seed {asked.seed}: SGD, learning rate "
            f"{asked.learning_rate:g}, momentum {MOMENTUM:g}, batches of {asked.batch}"
        )
        if asked.weight_decay is not None:
            said.append(
                "from identity: ||block(x) - x|| / ||x|| on held-out digits, where shapes agree; 0 "
                "is the identity, 1 nothing"
            )
            said.append("weights: their norm over the initial one; both are medians over blocks")
    return [*said, where(about, [row.dtype for row in found.rows])]
