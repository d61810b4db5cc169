"""Whether the timer can be believed: false alarms, power, precision, and its own cost.

    python results/scripts/timing.py false-alarms [--comparisons 100] [--load]
    python results/scripts/timing.py power [--comparisons 100]
    python results/scripts/timing.py precision
    python results/scripts/timing.py overhead

Each part enters its numbers under its own name into --output (results/timing.json); `--load` runs
another process meanwhile that loads one core in bursts. A comparison is what `cnnbench compare`
makes: two networks in the same rounds until the ratio's interval is within 2%, or 10 s are over.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cnnbench.devices import cores
from cnnbench.devices.device import find_device
from cnnbench.devices.environment import environment
from cnnbench.devices.machine import Machine
from cnnbench.models.network import Model
from cnnbench.timing.preparing.prepared import Prepared, prepare, ready
from cnnbench.timing.samples import pairing, statistics
from cnnbench.timing.samples.sampling import Rounds, take
from cnnbench.timing.session import StopRule
from cnnbench.timing.setting import Setting

RESULTS = Path(__file__).parents[2] / "results/timing.json"
SECONDS = 10.0
DEVICE = find_device("cpu")


def toy() -> nn.Module:
    """Three layers."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, stride=2)
    )


def subject(model: Model, side: int = 224) -> Prepared:
    setting = Setting()
    return prepare(ready(model, (3, side, side), setting, DEVICE), setting, DEVICE)


def compared(a: Prepared, b: Prepared, seed: int) -> tuple[Rounds, statistics.Interval]:
    plan = StopRule(precision=0.02, max_time=SECONDS / 2, seed=seed)
    sampled = take([[a, b]], plan, width=pairing.widest)
    return sampled, pairing.ratio(sampled.rows[:, 0], sampled.rows[:, 1])


def bursts(stop: Any) -> None:
    """Load one core for 0.05 to 0.5 s, rest as long."""
    draw = random.Random(0)
    while not stop.is_set():
        end = time.perf_counter() + draw.uniform(0.05, 0.5)
        while time.perf_counter() < end:
            pass
        time.sleep(draw.uniform(0.05, 0.5))


@contextmanager
def loaded() -> Iterator[None]:
    stop = multiprocessing.Event()
    process = multiprocessing.Process(target=bursts, args=(stop,))
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()


def false_alarms(comparisons: int, load: bool) -> dict[str, Any]:
    """Networks against themselves: how often does the interval exclude 1?"""
    found = {}
    for name, make in {"mobilenet_v2": lambda: "mobilenet_v2", "toy": toy}.items():
        ends, widths, converged = [], [], 0
        for number in range(comparisons):
            side = 224 if name == "mobilenet_v2" else 64
            sampled, ratio = compared(subject(make(), side), subject(make(), side), number)
            ends.append(not ratio.holds(1.0))
            widths.append(ratio.precision)
            converged += sampled.converged
            print(f"{name} {number}: {ratio.median:.4f} ±{ratio.precision:.2%}", flush=True)
        found[name] = {
            "comparisons": comparisons,
            "excluded_1": sum(ends),
            "converged": converged,
            "median_half_width": float(np.median(widths)),
        }
    return {"loaded" if load else "idle": found}


class Slowed(nn.Module):
    """A network and after it a product of matrices, so many times."""

    def __init__(self, net: nn.Module, times: int) -> None:
        super().__init__()
        self.net, self.times = net, times
        self.register_buffer("matrix", torch.randn(256, 256))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        for _ in range(self.times):
            torch.mm(self.matrix, self.matrix)
        return out


def power(comparisons: int, load: bool) -> dict[str, Any]:
    """A network against itself with 5% more work: how often is it found slower?"""
    from cnnbench import build

    net = build("mobilenet_v2").eval()
    alone, product = subject(net), subject(Slowed(nn.Identity(), 100), 32)
    rows = take([[alone, product]], StopRule(precision=0.01, max_time=SECONDS)).rows
    one = float(np.median(rows[:, 1])) / 100
    times = max(1, round(0.05 * float(np.median(rows[:, 0])) / one))
    slower, ratios = 0, []
    for number in range(comparisons):
        sampled, ratio = compared(subject(net), subject(Slowed(net, times)), number)
        slower += pairing.verdict(ratio, sampled.converged) is pairing.Verdict.SLOWER
        ratios.append(1 / ratio.median)
        print(f"{number}: {1 / ratio.median:.4f} ±{ratio.precision:.2%}", flush=True)
    return {
        "loaded" if load else "idle": {
            "comparisons": comparisons,
            "found_slower": slower,
            "median_ratio": float(np.median(ratios)),
        }
    }


def precision(comparisons: int, load: bool) -> dict[str, Any]:
    """MobileNet v1 at batch 1: the interval's half-width after at most 10 s, warm-up included."""
    widths, seconds = [], []
    for number in range(comparisons):
        entry = subject("mobilenet_v1")
        start = time.perf_counter()
        sampled = take([[entry]], StopRule(precision=0.02, max_time=SECONDS - 1, seed=number))
        seconds.append(time.perf_counter() - start)
        widths.append(statistics.interval(sampled.rows[:, 0]).precision)
        print(f"{number}: ±{widths[-1]:.2%} in {seconds[-1]:.1f} s", flush=True)
    return {
        "loaded" if load else "idle": {
            "runs": comparisons,
            "median_half_width": float(np.median(widths)),
            "most_half_width": max(widths),
            "most_seconds": max(seconds),
        }
    }


class Bare:
    """The loop that everyone writes, around the very same network and input."""

    def __init__(self, subject: Prepared) -> None:
        self.net = subject.network.net
        (self.x,) = subject.network.arguments(1, torch.device("cpu"), 0).positional

    def seconds(self, repeats: int, counts: bool = True) -> float:
        with torch.inference_mode():
            start = time.perf_counter()
            for _ in range(repeats):
                self.net(self.x)
            return time.perf_counter() - start


def overhead(comparisons: int, load: bool) -> dict[str, Any]:
    """The harness's sample against a bare loop, the two in the same rounds."""
    found = {}
    for name in ("lenet5", "resnet20", "mobilenet_v1", "resnet50"):
        ours = _ours(name)
        sampled = take(
            [[ours, Bare(ours)]],
            StopRule(precision=0.005, max_time=SECONDS),
            width=pairing.widest,
        )
        ratio = pairing.ratio(sampled.rows[:, 0], sampled.rows[:, 1])
        bare = float(np.median(sampled.rows[:, 1]))
        found[name] = {
            "ratio": ratio.median,
            "ci_low": ratio.low,
            "ci_high": ratio.high,
            "added_s": (ratio.median - 1) * bare,
        }
        print(name, found[name], flush=True)
    return {"loaded" if load else "idle": found}


def _ours(name: str) -> Prepared:
    setting = Setting()
    return prepare(ready(name, None, setting, DEVICE), setting, DEVICE)


PARTS: dict[str, Callable[[int, bool], dict[str, Any]]] = {
    "false-alarms": false_alarms,
    "power": power,
    "precision": precision,
    "overhead": overhead,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--comparisons", type=int, default=100)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    threads = cores.threads()
    with cores.limited(threads.number), loaded() if arguments.load else nullcontext():
        found = PARTS[arguments.part](arguments.comparisons, arguments.load)
    known = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    known.setdefault(arguments.part, {}).update(found)
    about = asdict(environment(Machine(DEVICE, threads)))
    known["environment"] = {key: about[key] for key in ("device_name", "torch", "threads", "cores")}
    arguments.output.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
