"""Predicted against measured latency: the zoo at batch 1 and 8, and networks never tuned on.

    python results/scripts/prediction.py [--backends eager,onnxruntime,openvino] [--only mobilenet]
        [--held-out 60] [--output FILE.json]

The device's operators and the networks are timed in one sitting, the networks as `cnnbench time`
times them, in fresh processes. Three predictions: from the speed of each kind of operator, from the
plain roofline, and from FLOPs alone (at the median rate of all networks, which is the best that a
constant can do). Held-out networks are timm's, of modules that the zoo has nothing of, drawn by a
fixed seed (PYTHONPATH has timm and torchvision). Passes of over two seconds are left out. Of back
ends that are not asked for the file keeps what it has.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import altair as alt
import numpy as np

from cnnbench.counting.cost import Trace
from cnnbench.counting.count import count
from cnnbench.devices.machine import Machine
from cnnbench.errors import CnnbenchError
from cnnbench.models import registry
from cnnbench.models.spec import parse
from cnnbench.reports.charts import points
from cnnbench.reports.charts.parts import chart
from cnnbench.reports.charts.style import BLUE, GREY, ORANGE, Drawing
from cnnbench.roofline import calibrate
from cnnbench.roofline.predict import Predictor
from cnnbench.timing import backends
from cnnbench.timing.backends import EAGER, PREDICTED
from cnnbench.timing.measure import timed
from cnnbench.timing.profiling import complete
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting

RESULTS = Path(__file__).parents[2] / "results"
HELD_OUT = str(Path(__file__).with_name("held_out.py"))
LONGEST_S = 2.0
GROUP, SECONDS = 6, 1.0
DTYPE = "float32"
LIKE_THE_ZOO = ("efficientnet", "resnet", "vgg")  # timm's modules; the first has MobileNets, too
DIFFERENT = 1.2
BATCHES = {EAGER: (1, 8)}  # and of runtimes 1 alone
TARGETS = {  # what we want of predictions
    "zoo": {"median": 0.08, "p90": 0.2, "right_order": 0.95},
    "held_out": {"median": 0.12, "p90": 0.3, "right_order": 0.95, "within_interval": 0.9},
    "onnxruntime": {"median": 0.12, "p90": 0.3},
    "openvino": {"median": 0.12, "p90": 0.3},
}
KEYS = ("predicted_s", "roofline_s", "flops_alone_s")

Case = tuple[str, int, Trace]


def zoo(only: str, backend: str) -> Iterator[tuple[str, int]]:
    for model in registry.MODELS:
        if only in model.name:
            yield from ((model.name, batch) for batch in BATCHES.get(backend, (1,)))


def held_out(number: int) -> list[tuple[str, int]]:
    """Names drawn from timm's convolutional families that the zoo has nothing of."""
    if not number:
        return []
    from held_out import net  # beside this file

    from tests.libraries import FAMILIES

    net("resnet18")  # it can be imported
    import timm

    families = [one for one in FAMILIES if one not in LIKE_THE_ZOO]
    names = sorted(name for family in families for name in timm.list_models(module=family))
    random.Random(0).shuffle(names)
    return [(f"{HELD_OUT}:net@name={name}", 1) for name in names]


def counted(asked: list[tuple[str, int]], predictor: Predictor, most: int) -> list[Case]:
    """Those that can be counted and are short enough, at most so many."""
    found: list[Case] = []
    for name, batch in asked:
        if len(found) == most:
            break
        given = (3, 224, 224) if ":" in name else None
        try:
            trace = count(name, given, batch=batch)
        except CnnbenchError as error:
            print(name, error, file=sys.stderr)
            continue
        if predictor.seconds(trace) < LONGEST_S:
            found.append((name, batch, trace))
    return sorted(found, key=lambda case: case[2].total.macs)


def measured(cases: list[Case], machine: Machine, backend: str) -> Iterator[tuple[Case, float]]:
    """Each with its latency, groups of like cost in the same rounds."""
    for start in range(0, len(cases), GROUP):
        group = cases[start : start + GROUP]
        given = (3, 224, 224) if ":" in group[0][0] else None
        asked = [(parse(name), Setting(batch, backend=backend)) for name, batch, _ in group]
        rule = StopRule(0.02, SECONDS, 0, 2)
        timing = timed(asked, given, Session(machine, rule), kept=False)
        for case, row in zip(group, timing.latencies, strict=True):
            print(f"\r{start + len(group)} of {len(cases)} ", end="", file=sys.stderr)
            if row.latency_s:
                yield case, row.latency_s
            else:
                print(case[0], row.error, file=sys.stderr)


def rows_of(
    cases: list[Case], machine: Machine, backend: str, fine: Predictor, plain: Predictor
) -> list[dict[str, Any]]:
    timings = list(measured(cases, machine, backend))
    rate = median(trace.total.flops / seconds for (*_, trace), seconds in timings)
    found = []
    for (name, batch, trace), seconds in timings:
        predicted = fine(trace)
        low, high = predicted.interval
        found.append(
            {
                "model": name.rpartition("name=")[2],
                "batch": batch,
                "measured_s": seconds,
                "predicted_s": predicted.seconds,
                "predicted_low_s": low,
                "predicted_high_s": high,
                "far_share": predicted.far_share,
                "roofline_s": plain(trace).seconds,
                "flops_alone_s": trace.total.flops / rate,
            }
        )
    return found


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Errors by prediction, how often the interval holds, how often the order is right."""
    found: dict[str, Any] = {
        key: spread([abs(row[key] / row["measured_s"] - 1) for row in rows]) for key in KEYS
    }
    inside = [
        row["predicted_low_s"] <= row["measured_s"] <= row["predicted_high_s"] for row in rows
    ]
    pairs = [
        (a, b)
        for a, b in combinations(rows, 2)
        if not 1 / DIFFERENT <= a["measured_s"] / b["measured_s"] <= DIFFERENT
    ]
    right = [
        (a["measured_s"] < b["measured_s"]) is (a["predicted_s"] < b["predicted_s"])
        for a, b in pairs
    ]
    return {
        **found,
        "networks": len(rows),
        "within_interval": float(np.mean(inside)),
        "pairs": len(pairs),
        "right_order": float(np.mean(right)) if right else None,
    }


def targets(document: dict[str, Any]) -> dict[str, Any]:
    """Each target, what was found, and whether it is reached; None of what is not predicted."""
    found: dict[str, Any] = {}
    for sort, asked in TARGETS.items():
        errors = document.get(sort, {}).get("errors", {})
        for name, target in asked.items():
            got = errors.get("predicted_s", {}).get(name, errors.get(name))
            better = name in ("median", "p90")
            reached = None if got is None else (got <= target if better else got >= target)
            found[f"{sort} {name}"] = {"target": target, "found": got, "reached": reached}
    return found


def spread(errors: list[float]) -> dict[str, float]:
    """Of absolute errors."""
    return {"median": median(errors), "p90": float(np.quantile(errors, 0.9))}


def main() -> None:
    """Measure, predict, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backends", default=",".join(PREDICTED))
    parser.add_argument("--only", default="")
    parser.add_argument("--held-out", type=int, default=60)
    parser.add_argument("--output", type=Path, default=RESULTS / "prediction.json")
    given = parser.parse_args()
    machine, names = Machine.find(None, None), given.backends.split(",")
    fresh = calibrate.stored(machine.device, machine.threads.number, refresh=True)
    profile = complete(machine, [DTYPE], lambda text: None, fresh, names)
    document: dict[str, Any] = {}
    if given.output.exists():
        document = json.loads(given.output.read_text(encoding="utf-8"))
    document["environment"] = {
        "device": profile.name,
        "torch": profile.torch,
        "threads": profile.threads,
        **{name: profile.backends[name].version for name in profile.backends},
    }
    plain = Predictor(profile.without_operators(), DTYPE)
    for name in names:
        fine = Predictor(profile, DTYPE, backends.profiled(name))
        sorts = {"zoo": (list(zoo(given.only, name)), 1000)}
        if given.held_out:
            sorts["held_out"] = (held_out(given.held_out), given.held_out)
        for sort, (asked, most) in sorts.items():
            rows = rows_of(counted(asked, fine, most), machine, name, fine, plain)
            key = {"zoo": name, "held_out": f"{name}_held_out"}[sort] if name != EAGER else sort
            document[key] = {"errors": summary(rows), "results": rows}
            print(key, json.dumps(document[key]["errors"], indent=1), flush=True)
            document["targets"] = targets(document)
            given.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if given.output.parent == RESULTS:
        picture(document["zoo"]["results"]).save(RESULTS / "figures/prediction.svg")


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


if __name__ == "__main__":
    main()
