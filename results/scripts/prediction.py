"""Predicted against measured latency of the whole zoo, at batch 1 and 8.

The device's operators and the networks are timed in the same rounds, so that drift hits both. Three
predictions: from the speed of each kind of operator, from the plain roofline, and from FLOPs alone
(at the median rate of all networks, which is the best that a constant can do).

python results/scripts/prediction.py [--rounds 5] [--only mobilenet] [--output FILE.json]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import altair as alt
import numpy as np

from cnnbench.devices import cores
from cnnbench.devices.device import Device, find_device
from cnnbench.devices.environment import environment
from cnnbench.devices.machine import Machine
from cnnbench.models import registry
from cnnbench.reports.charts import points
from cnnbench.reports.charts.parts import chart
from cnnbench.reports.charts.style import BLUE, GREY, ORANGE, Drawing
from cnnbench.roofline import calibrate as profiling
from cnnbench.roofline.operators import GridTimes
from cnnbench.roofline.predict import Predictor
from cnnbench.timing.prepared import Prepared, prepare, ready
from cnnbench.timing.setting import Setting

RESULTS = Path(__file__).parents[2] / "results"
LONG_S = 0.25  # a pass that warms itself up
SHORT_S = 0.02  # of warming up where it does not
DTYPE = "float32"


def subjects(device: Device, only: str) -> list[Prepared]:
    """Every network at both batches."""
    found = []
    for model in registry.MODELS:
        if only in model.name:
            network = ready(model.name, None, Setting(), device)
            found += [prepare(network, Setting(batch=batch), device) for batch in (1, 8)]
            print(f"\rprepared {model.name:24}", end="", file=sys.stderr)
    return found


def main() -> None:
    """Measure, predict, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--output", type=Path, default=RESULTS / "prediction.json")
    given = parser.parse_args()
    device, threads = find_device(), cores.threads()
    with cores.limited(threads.number):
        about = environment(Machine(device, threads))
        known = profiling.calibrate(device, threads.number, [DTYPE], memory=True, operators=True)
        entries, sampling = subjects(device, given.only), GridTimes(device, DTYPE)
        sampling.round()
        sampling.forget()
        taken: list[list[float]] = [[] for _ in entries]
        order, start = np.random.default_rng(0), perf_counter()
        for number in range(given.rounds):
            for index in order.permutation(len(entries)):
                sampling.some(3 * len(sampling.samples) // len(entries) + 1)
                first = taken[index][0] if taken[index] else 0.0
                if first < LONG_S:
                    entries[index].seconds(max(1, round(SHORT_S / first)) if first else 2, False)
                elif len(taken[index]) > given.rounds // 2:
                    continue
                taken[index].append(entries[index].seconds())
            print(f"\rround {number + 1}, {perf_counter() - start:.0f} s", end="", file=sys.stderr)
    operators = {DTYPE: profiling.rows(sampling.medians())}
    known = known.model_copy(update={"operators": operators})
    fine, plain = Predictor(known, DTYPE), Predictor(known.without_operators(), DTYPE)
    measured = [median(column) for column in taken]
    rate = median(
        entry.trace.total.flops / seconds for entry, seconds in zip(entries, measured, strict=True)
    )
    rows = [
        {
            "model": entry.model,
            "batch": entry.setting.batch,
            "measured_s": seconds,
            "predicted_s": fine(entry.trace).seconds,
            "roofline_s": plain(entry.trace).seconds,
            "flops_alone_s": entry.trace.total.flops / rate,
        }
        for entry, seconds in zip(entries, measured, strict=True)
    ]
    print(
        f"\n{'model':24}{'batch':>6}{'measured':>11}{'predicted':>11}{'error':>8}{'roofline':>10}{'FLOPs':>8}"
    )
    for row in rows:
        errors = [row[key] / row["measured_s"] - 1 for key in KEYS]
        shown = f"{row['measured_s'] * 1e3:8.2f} ms{row['predicted_s'] * 1e3:8.2f} ms"
        print(f"{row['model']:24}{row['batch']:6}{shown}", *(f"{error:+8.0%}" for error in errors))
    summary = {key: spread([abs(row[key] / row["measured_s"] - 1) for row in rows]) for key in KEYS}
    for key, found in summary.items():
        print(f"{key:16} median error {found['median']:.1%}, 90th percentile {found['p90']:.1%}")
    document = {
        "environment": {
            "device": about.device_name,
            "torch": about.torch,
            "threads": about.threads,
        },
        "rounds": given.rounds,
        "errors": summary,
        "results": rows,
    }
    given.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if given.output.parent == RESULTS:
        picture(rows).save(RESULTS / "figures/prediction.svg")


KEYS = ("predicted_s", "roofline_s", "flops_alone_s")


def picture(rows: list[dict[str, Any]]) -> Drawing:
    """Log-log, one dot a network; on the diagonal the prediction is right."""
    shown = [{**row, "model": f"{row['model']}, batch {row['batch']}"} for row in rows]
    times = [1e3 * row[key] for row in rows for key in ("measured_s", *KEYS)]
    diagonal, (x, y) = points.diagonal_of(min(times) / 1.5, max(times) * 1.5)
    titles = ("kinds of operators", "plain roofline", "FLOPs alone")
    panels = []
    for key, title, colour in zip(KEYS, titles, (BLUE, ORANGE, GREY), strict=True):
        dots = [{**row, "x": 1e3 * row["measured_s"], "y": 1e3 * row[key]} for row in shown]
        drawn = chart(dots).mark_point(filled=True, opacity=0.7, size=45, color=colour)
        drawn = drawn.encode(x=x, y=y, tooltip=["model:N", *points.MS])
        panels.append((diagonal + drawn).properties(width=230, height=230, title=title))
    return Drawing(alt.hconcat(*panels))


def spread(errors: list[float]) -> dict[str, float]:
    """Of absolute errors."""
    return {"median": median(errors), "p90": float(np.quantile(errors, 0.9))}


if __name__ == "__main__":
    main()
