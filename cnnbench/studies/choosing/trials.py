"""Every way in which published networks were tested, beside what one pass of each costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench.counting.cost import Trace
from cnnbench.counting.count import count
from cnnbench.errors import SpecError, nearest
from cnnbench.models.spec import Spec
from cnnbench.studies.choosing.published import at_its_side, meant
from cnnbench.studies.papers.accuracy import METRICS, Accuracy, figures

Test = tuple[Accuracy, ...]  # figures of one test of one network, by one source


@dataclass(frozen=True)
class Trial:
    """One network, its figures of one test, and the costs of a pass on one image."""

    spec: Spec
    figures: Test
    trace: Trace

    @property
    def dataset(self) -> str:
        """What was classified."""
        return self.figures[0].dataset

    def printed(self, metric: str) -> str | None:
        """`70.6%`; None where that is not printed."""
        return next((f"{one.printed}%" for one in self.figures if one.metric == metric), None)

    def record(self) -> dict[str, Any]:
        """Plain data; percent under the name of its metric."""
        first = self.figures[0]
        percent = {one.metric: one.percent for one in self.figures}
        return {
            "model": first.model,
            "resolution": first.resolution,
            **{metric: percent.get(metric) for metric in METRICS},
            "params": self.trace.total.params,
            "macs": self.trace.total.macs,
            "peak_activation_bytes": self.trace.peak_activation_bytes,
            "dataset": first.dataset,
            "protocol": first.protocol,
            "source": first.source,
            "confirmed": first.confirmed if all(one.confirmed for one in self.figures) else "",
            "note": "; ".join(dict.fromkeys(one.note for one in self.figures if one.note)),
        }


def trials_of(models: Sequence[str]) -> list[tuple[Spec, Test]]:
    """Tests of the models named and their variants, of none named all.

    SpecError for a model of which no accuracy is known.
    """
    by_test: dict[tuple[object, ...], list[Accuracy]] = {}
    for one in figures():
        key = (one.model, one.resolution, one.dataset, one.protocol, one.source)
        by_test.setdefault(key, []).append(one)
    every = [(at_its_side(found[0]), tuple(found)) for found in by_test.values()]
    if not models:
        return every
    wanted = []
    for text in models:
        own = meant(every, text)
        if not own:
            names = dict.fromkeys(spec.model.name for spec, _ in every)
            raise SpecError(f"no accuracy of {text} is known{nearest(text, names)}")
        wanted += own
    return list(dict.fromkeys(wanted))


def counted(of: Sequence[tuple[Spec, Test]], progress: Callable[[int, int], None]) -> list[Trial]:
    """Count each network once."""
    traces: dict[str, Trace] = {}
    for done, (spec, _) in enumerate(of):
        progress(done, len(of))
        if str(spec) not in traces:
            traces[str(spec)] = count(spec)
    return [Trial(spec, test, traces[str(spec)]) for spec, test in of]
