"""Other runtimes beside eager PyTorch: their outputs, what the harness adds, their speed-ups.

    python results/scripts/runtimes.py outputs [--output results/runtimes.json]
    python results/scripts/runtimes.py harness [--rounds 200]
    python results/scripts/runtimes.py speed

`outputs` runs the zoo and its blocks in each runtime, and gives the largest difference from eager's
over the largest value. `harness` times a pass as cnnbench does beside a bare loop around the
runtime's own call, in turn in one process. `speed` gives ratios of one run, with the reruns'
intervals of both times.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from cnnbench import measure
from cnnbench.devices.device import find_device
from cnnbench.errors import CnnbenchError
from cnnbench.models import registry
from cnnbench.models.spec import parse
from cnnbench.timing.prepared import Prepared, prepare, ready
from cnnbench.timing.setting import Setting

RESULTS = Path(__file__).parents[1] / "runtimes.json"
RUNTIMES = ("onnxruntime",)
FAST = ["resnet18", "mobilenet_v1", "mobilenet_v2", "efficientnet_b0"]
CPU = find_device("cpu")
_REPEATS = 20  # passes of a sample


def prepared(name: str, runtime: str) -> Prepared:
    setting = Setting(backend=runtime)
    return prepare(ready(parse(name), None, setting, CPU), setting, CPU)


def outputs() -> dict[str, Any]:
    """Each network's output error in each runtime, or why it has none."""
    found: dict[str, Any] = {}
    for model in (*registry.MODELS, *registry.BLOCKS):
        found[model.name] = {}
        for runtime in RUNTIMES:
            try:
                found[model.name][runtime] = prepared(model.name, runtime).output_error
            except CnnbenchError as error:
                found[model.name][runtime] = str(error)
        print(model.name, found[model.name], flush=True)
    return found


def harness(rounds: int) -> dict[str, Any]:
    """Seconds a pass in our loop and in a bare one, medians of rounds in turn."""
    found: dict[str, Any] = {}
    for name in ("lenet5_dense", "resnet20", "mobilenet_v2"):
        for runtime in RUNTIMES:
            one = prepared(name, runtime)
            session, binding = one.run.session, one.run.binding  # type: ignore[attr-defined]

            def bare(session: Any = session, binding: Any = binding) -> float:
                start = perf_counter()
                for _ in range(_REPEATS):
                    session.run_with_iobinding(binding)
                return perf_counter() - start

            samples: dict[str, list[float]] = {"ours": [], "bare": []}
            for _ in range(rounds):
                for which in random.sample(("ours", "bare"), 2):
                    taken = one.seconds(_REPEATS) if which == "ours" else bare()
                    samples[which].append(taken / _REPEATS)
            ours, alone = (median(samples[which]) for which in ("ours", "bare"))
            found[f"{name} {runtime}"] = {
                "pass_s": ours,
                "added_s": ours - alone,
                "added_share": ours / alone - 1,
            }
            print(name, runtime, found[f"{name} {runtime}"], flush=True)
    return found


def speed() -> dict[str, Any]:
    """Speed-ups over eager at batch 1, of networks timed in one run."""
    found: dict[str, Any] = {}
    rows = measure(FAST, backend=["eager", *RUNTIMES], max_time=20)
    times = {(row.model, row.setting.backend): row for row in rows}
    for name in FAST:
        eager = times[name, "eager"]
        for runtime in RUNTIMES:
            other = times[name, runtime]
            if eager.latency_s and other.latency_s:
                found[f"{name} {runtime}"] = {
                    "eager_s": [eager.latency_s, eager.ci_low_s, eager.ci_high_s],
                    "runtime_s": [other.latency_s, other.ci_low_s, other.ci_high_s],
                    "speedup": eager.latency_s / other.latency_s,
                    "reliable": eager.reliable and other.reliable,
                }
                print(name, runtime, f"{eager.latency_s / other.latency_s:.2f}x", flush=True)
    return found


def main() -> None:
    """Run what is asked for, and keep it beside what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("outputs", "harness", "speed"))
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    made = {"outputs": outputs, "harness": lambda: harness(asked.rounds), "speed": speed}
    found = made[asked.what]()
    kept = json.loads(asked.output.read_text()) if asked.output.exists() else {}
    kept["torch"], kept["threads"] = torch.__version__, torch.get_num_threads()
    asked.output.write_text(json.dumps({**kept, asked.what: found}, indent=1) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
