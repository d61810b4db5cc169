"""Static costs of many configurations, and what they are predicted to take, in parallel.

Predictions follow from what the device of the sweep can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cnnbench.devices import cores
from cnnbench.errors import CnnbenchError
from cnnbench.models.spec import Spec
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.processes import ENDED, each
from cnnbench.timing import backends

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace
    from cnnbench.roofline.predict import OpPrediction, Predictor
    from cnnbench.roofline.profile import Profile
    from cnnbench.timing.setting import Setting

_FEW = 4  # configurations that are counted before other processes have begun
Record = dict[str, Any]


def count_configurations(
    of: Sequence[Configuration], profile: Profile | None = None
) -> Iterator[tuple[Configuration, Record]]:
    """Each with its `cost`, its `kinds` of operator, its `prediction` and its `failure`.

    In their order. Without a profile nothing is predicted.
    """
    workers = max(1, min(cores.affinity(), len(of)))
    counter = Counter(profile)
    ours = all(isinstance(one.spec, Spec) for one in of)  # another's may end its process
    if ours and (workers == 1 or len(of) <= _FEW):
        yield from ((one, counter(one)) for one in of)
        return
    for one, record in each(counter, of, workers):
        yield one, _failed(ENDED) if record is None else record


def _failed(why: str) -> Record:
    return {"cost": {}, "kinds": {}, "prediction": None, "failure": why}


class Counter:
    """Counts configurations, and predicts them for the device of a profile."""

    def __init__(self, profile: Profile | None) -> None:
        """Nothing is imported yet."""
        self._profile = profile
        self._predictors: dict[tuple[str, str | None], Predictor] = {}

    def __call__(self, one: Configuration) -> Record:
        """Count it; what cannot be counted says why."""
        from cnnbench.counting.count import count
        from cnnbench.counting.views import summary

        try:
            way = one.setting
            trace = count(one.spec, one.given, batch=way.batch, dtype=way.weights, train=way.train)
        except CnnbenchError as error:
            return _failed(str(error))
        prediction, seconds = self._predicted(trace, one.setting)
        return {
            "cost": summary(trace),
            "kinds": _kinds(trace, seconds),
            "prediction": prediction,
            "failure": "",
        }

    def _predicted(
        self, trace: Trace, setting: Setting
    ) -> tuple[Record | None, Sequence[OpPrediction]]:
        """The prediction of a plain pass, where the device is known in its dtype.

        Of a runtime too, which has other operators than the trace.
        """
        from cnnbench.roofline.predict import Predictor, dtype_of

        backend = backends.profiled(setting.backend)
        dtype = setting.predicted_in(dtype_of(trace))
        plain = replace(setting, backend=backends.EAGER).plain
        predicted = plain and setting.backend in backends.PREDICTED
        if self._profile is None or not (predicted and self._profile.knows(dtype, backend)):
            return None, ()
        key = (dtype, backend)
        if key not in self._predictors:
            self._predictors[key] = Predictor(self._profile, dtype, backend)
        found = self._predictors[key](trace)
        operators = found.operators if backend is None else ()
        return {"predicted_s": found.seconds, "bound": found.bound}, operators


def _kinds(trace: Trace, predicted: Sequence[OpPrediction]) -> dict[str, Record]:
    """What each kind of operator costs, and where there is a prediction what it takes."""
    found: dict[str, Record] = {}
    for index, op in enumerate(trace.operators):
        kind = found.setdefault(str(op.kind), {"macs": 0, "elementwise_flops": 0, "bytes_moved": 0})
        for key in ("macs", "elementwise_flops", "bytes_moved"):
            kind[key] += getattr(op.cost, key)
        if predicted:
            kind["predicted_s"] = kind.get("predicted_s", 0.0) + predicted[index].seconds
    return found
