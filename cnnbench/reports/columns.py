"""Columns that several tables share: a key of the vocabulary, its heading and its unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cnnbench import units
from cnnbench.reports.report import Column
from cnnbench.timing.samples import confidence

OF_MEDIAN = f"{confidence.OF_MEDIAN:.0%} interval"
OF_RERUN = f"rerun, {confidence.OF_RERUN:.0%}"
OF_RERUNS = f"where {confidence.OF_RERUN:.0%} of reruns are expected"
UNUSABLE = "not usable"


def shapes(value: Any) -> str:
    """Render input shapes; the batch is left out where it is 1."""
    return " ".join(units.shape(tuple(s[1:] if s and s[0] == 1 else s)) for s in value)


def feature_map(value: Any, channels_last: bool = False) -> str:
    """Render one tensor as HxWxC; nothing of what makes none."""
    return "" if not value else units.feature_map(tuple(value), channels_last)


def of_rerun(record: dict[str, Any]) -> str:
    """Render where another run's latency is expected; empty where nothing says."""
    if record.get("reliable") is False:
        return UNUSABLE
    low, high = record["ci_low_s"], record["ci_high_s"]
    return "" if low is None or high is None else units.durations(low, high)


def judged(record: dict[str, Any]) -> str:
    """Render it with `!` where it is wider than was asked."""
    return ("" if record["converged"] or not record["reliable"] else "! ") + of_rerun(record)


def of_run(record: dict[str, Any]) -> str:
    """Render how far the median of this run's passes is known: ±1.5%."""
    half = half_width(record, "run")
    return "" if half is None else units.precision(half)


def half_width(record: dict[str, Any], which: str) -> float | None:
    """Half of a latency's interval as a share, of the `run` or of reruns (`ci`)."""
    low, value, high = (record[key] for key in (f"{which}_low_s", "latency_s", f"{which}_high_s"))
    return None if low is None or high is None else (high - low) / (2 * value)


def of_ratio(record: dict[str, Any]) -> str:
    """Render where another run's ratio is expected; empty where nothing says."""
    if record["verdict"] == UNUSABLE:
        return UNUSABLE
    return "" if record["ci_low"] is None else units.ratios(record["ci_low"], record["ci_high"])


def signed(value: int) -> str:
    """Render a difference with its sign: +12.5 M."""
    return f"{'+' if value > 0 else '-'}{units.count(abs(value))}" if value else "0"


def rate(value: float) -> str:
    """Render operations a second, whose unit stands in the heading."""
    return units.rate(value, "")


def wide(*columns: Column) -> tuple[Column, ...]:
    """The columns, shown with --wide alone."""
    return tuple(replace(column, wide=True) for column in columns)


def uncounted(model: str, operators: Mapping[str, int]) -> str:
    """Name the operators of a model that the convention does not know, by how often they ran."""
    names = ", ".join(f"{name} ({times}x)" for name, times in operators.items())
    return f"{model}: not in the convention, counted as no work: {names}"


MODEL = Column("model", "model", left=True)
INPUT = Column("input", "input", shapes, left=True, under=True)
PARAMS = Column("params", "params", units.count)
MACS = Column("macs", "MACs", units.count)
MACS_SHARE = Column("macs_share", "share\nof MACs", units.share)
FLOPS = Column("flops", "FLOPs", units.count)
ELEMENTWISE = Column("elementwise_flops", "elementwise\nFLOPs", units.count)
ACTIVATIONS = Column("activations", "activations", units.count)
PEAK = Column("peak_activation_bytes", "peak\nmemory", units.size)
ARENA = Column("arena_bytes", "arena", units.size, under=True)
WORKSPACE = Column("workspace_bytes", "CPU\nworkspace", units.size, under=True)
BYTES = Column("bytes_moved", "bytes\nmoved", units.size)
PREDICTED = Column("predicted_s", "predicted", units.duration)
MEASURED = (
    Column("latency_s", "measured", units.duration),
    Column("interval", OF_RERUN, under=True),
)
IMAGES = Column("throughput_images_per_s", "images\n/s", units.speed)
FLOPS_PER_S = Column("flops_per_s", "FLOP/s", rate)
OF_ROOF = Column("fraction_of_peak", "of roof", units.percent, under=True)
BOUND = Column("bound", "bound", left=True)
LAYER = Column("name", "layer", left=True)
OPERATOR = Column("operator", "operator", left=True, under=True)
OUTPUT = Column("output", "output", feature_map, left=True)
INTENSITY = Column("intensity", "FLOP\nper byte", units.significant)
