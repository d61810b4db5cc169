"""The costs of a pass that can be limited and compared, each with how it reads. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from cnnbench import units


class Metric(StrEnum):
    """A cost of the vocabulary, in the order in which people ask for them."""

    MACS = "macs"
    PARAMS = "params"
    PEAK = "peak_activation_bytes"
    ACTIVATIONS = "activations"
    ELEMENTWISE = "elementwise_flops"
    BYTES = "bytes_moved"
    LATENCY = "latency_s"

    @property
    def is_size(self) -> bool:
        """Whether it is bytes."""
        return self in (Metric.PEAK, Metric.BYTES)

    @property
    def words(self) -> str:
        """How a person calls it."""
        return _WORDS[self]

    @property
    def show(self) -> Callable[[float], str]:
        """How a value of it reads."""
        if self is Metric.LATENCY:
            return units.duration
        return lambda value: (units.size if self.is_size else units.count)(int(value))


_WORDS = {
    Metric.MACS: "MACs",
    Metric.PARAMS: "params",
    Metric.PEAK: "peak memory",
    Metric.ACTIVATIONS: "activations",
    Metric.ELEMENTWISE: "elementwise FLOPs",
    Metric.BYTES: "bytes moved",
    Metric.LATENCY: "latency",
}
STATIC = tuple(metric for metric in Metric if metric is not Metric.LATENCY)
