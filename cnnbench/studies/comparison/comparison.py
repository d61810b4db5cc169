"""What a comparison is: two sides, their costs, and how their times relate."""

from __future__ import annotations

from dataclasses import dataclass, field

from cnnbench.counting.cost import Cost, Trace
from cnnbench.counting.totals import conditions
from cnnbench.devices.environment import Environment
from cnnbench.devices.warnings import Warning
from cnnbench.models.network import Network
from cnnbench.roofline.predict import Prediction
from cnnbench.roofline.profile import Profile
from cnnbench.studies.papers.accuracy import Accuracy, of_pass
from cnnbench.timing.by_layer.causes import Causes
from cnnbench.timing.by_layer.layers import LayerTimes
from cnnbench.timing.latency import Latency
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.samples.statistics import Interval
from cnnbench.timing.setting import Setting


@dataclass(frozen=True)
class Side:
    """One of the two: its exact cost, and where there is a device its predicted and true time.

    `setting` is how it is run, `layers` are its operators' times, `causes` what its time goes into
    by them. There is no `network` of a file.
    """

    name: str
    network: Network | None
    trace: Trace
    predicted: Prediction | None = None
    latency: Latency | None = None
    layers: LayerTimes | None = None
    causes: Causes | None = None
    file: str = ""
    setting: Setting | None = None

    @property
    def model(self) -> str:
        """Its spec."""
        return self.network.name if self.network else self.file

    @property
    def running(self) -> Network | str:
        """What is timed: the network, or a file as it stands."""
        return self.network or self.file

    @property
    def run_in(self) -> Setting:
        """How it is run."""
        return self.setting or Setting()

    @property
    def dtype(self) -> str:
        """What it computed in, or would."""
        ran = self.latency.dtype if self.latency else None
        return ran or self.run_in.dtype or self.trace.dtype

    @property
    def cost(self) -> Cost:
        """The total of its trace."""
        return self.trace.total

    @property
    def latency_s(self) -> float | None:
        """Measured seconds of a pass."""
        return self.latency.latency_s if self.latency else None

    @property
    def accuracies(self) -> tuple[Accuracy, ...]:
        """The accuracies that are published of it; none of one that is quantised."""
        if (self.run_in.dtype or "").startswith("int8"):
            return ()
        return of_pass(self.model, self.trace.input_shapes)

    @property
    def image_s(self) -> float | None:
        """Measured seconds for each image of a pass."""
        return self.latency_s / self.run_in.batch if self.latency_s else None

    @property
    def predicted_s(self) -> float | None:
        """Predicted seconds of a pass."""
        return self.predicted.seconds if self.predicted else None

    @property
    def warnings(self) -> tuple[Warning, ...]:
        """Warnings of its values and the machine's speed; convergence is in the row's verdict."""
        found = self.latency.warnings if self.latency else conditions(self.trace)
        return tuple(warning for warning in found if warning.name != "not_converged")

    @property
    def flops_per_s(self) -> float | None:
        """The rate that it reaches, of multiply-accumulates alone."""
        seconds = self.latency_s or self.predicted_s
        return self.cost.flops / seconds if seconds else None


@dataclass(frozen=True)
class Comparison:
    """b against a, the reference.

    `label` is a block's shape, and `several` tells that other rows have it too. `closed_form` is
    the ratio of b's MACs to a's by the papers' formulas, for blocks. `measured` is time of a / time
    of b and where another run's is expected, `run` the interval of this run's own, `verdict` what
    they say; None where nothing was measured. Rows of one `case` are timed in the same rounds.
    """

    label: str
    a: Side
    b: Side
    several: bool = False
    closed_form: str = ""
    measured: Interval | None = None
    run: Interval | None = None
    verdict: Verdict | None = None
    case: int = 0

    @property
    def title(self) -> str:
        """How the row is told from others: its shape, or both names."""
        pair = f"{self.a.name} → {self.b.name}"
        return f"{self.label}: {pair}" if self.label and self.several else self.label or pair

    @property
    def is_of_one(self) -> bool:
        """Whether a network is compared with itself, run in another way."""
        return self.a.model == self.b.model and self.a.setting != self.b.setting

    @property
    def failure(self) -> str:
        """Why a side could not be timed; nothing where both were, or nothing was to be."""
        errors = (side.latency.error for side in (self.a, self.b) if side.latency)
        return next(filter(None, errors), "")

    @property
    def macs_ratio(self) -> float | None:
        """a's MACs / b's; None where b has none."""
        return _ratio(self.a.cost.macs, self.b.cost.macs)

    @property
    def bytes_ratio(self) -> float | None:
        """a's bytes moved / b's."""
        return _ratio(self.a.cost.bytes_moved, self.b.cost.bytes_moved)

    @property
    def predicted_speedup(self) -> float | None:
        """a's predicted time / b's."""
        return _ratio(self.a.predicted_s, self.b.predicted_s)


@dataclass(frozen=True)
class Comparing:
    """All rows, and where they were measured; `environment` is None where nothing was."""

    rows: list[Comparison]
    profile: Profile | None = None
    environment: Environment | None = None
    warnings: list[Warning] = field(default_factory=list)
    interrupted: bool = False

    @property
    def sides(self) -> list[Side]:
        """Every network once, in the order of the rows."""
        found = {side.model: side for row in self.rows for side in (row.a, row.b)}
        return list(found.values())

    @property
    def side_by_side(self) -> list[Setting]:
        """The settings that pairs were run in, where they were in several; else none."""
        settings = list(dict.fromkeys(row.b.run_in for row in self.rows))
        pairs = all(row.a.setting == row.b.setting for row in self.rows)
        return settings if pairs and len(settings) > 1 else []

    @property
    def failures(self) -> list[str]:
        """Why rows could not be timed, each reason once; nothing is one that Ctrl-C left out."""
        if self.interrupted:
            return []
        return list(dict.fromkeys(filter(None, (row.failure for row in self.rows))))


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None
