"""Other runtimes beside eager PyTorch: their outputs, what the harness adds, their speed-ups.

    python results/scripts/runtimes.py outputs [--only onnxruntime] [--names resnet18 ...]
    python results/scripts/runtimes.py harness [--rounds 200]
    python results/scripts/runtimes.py speed [--threads 1]
    python results/scripts/runtimes.py reruns [--rounds 8]

`outputs` runs the zoo and its blocks in each runtime in float32 and int8, and gives the largest
difference from eager's over the largest value. `harness` times a pass as cnnbench does beside a
bare loop around the runtime's own call, in turn in one process. `speed` gives latencies of one run,
with where reruns are expected. `reruns` compares a network with itself in each runtime in fresh
runs: how often a difference is told that is none, and how often a run's median lies in another's
interval. LiteRT takes part where `CNNBENCH_LITERT` names a Python that has its converter.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

from cnnbench import compare, measure
from cnnbench.devices.device import find_device
from cnnbench.errors import CnnbenchError
from cnnbench.models import registry
from cnnbench.models.spec import parse
from cnnbench.timing import backends
from cnnbench.timing.preparing.prepared import Prepared, prepare, ready
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.setting import Setting

RESULTS = Path(__file__).parents[1] / "runtimes.json"
RUNTIMES = [name for name in backends.RUNTIMES if backends.is_here(name)]
FAST = ["resnet18", "mobilenet_v1", "mobilenet_v2", "efficientnet_b0"]
CPU = find_device("cpu")
_REPEATS = 20  # passes of a sample


def prepared(name: str, runtime: str, dtype: str | None = None) -> Prepared:
    setting = Setting(1, dtype, backend=runtime)
    return prepare(ready(parse(name), None, setting, CPU), setting, CPU)


def outputs(only: list[str], names: list[str]) -> dict[str, Any]:
    """Each network's output error in each runtime and dtype, or why it has none."""
    found: dict[str, Any] = {}
    for model in (*registry.MODELS, *registry.BLOCKS):
        if names and model.name not in names:
            continue
        found[model.name] = {}
        for runtime in only or RUNTIMES:
            for dtype in ("float32", "int8"):
                try:
                    error: Any = prepared(model.name, runtime, dtype).ran.output_error
                except CnnbenchError as reason:
                    error = str(reason)
                found[model.name][f"{runtime} {dtype}"] = error
        print(model.name, found[model.name], flush=True)
    return found


def bare_call(run: Any) -> Callable[[], object]:
    """The runtime's own call, as its documentation writes it."""
    if hasattr(run, "session"):
        return lambda: run.session.run_with_iobinding(run.binding)
    if hasattr(run, "request"):
        return lambda: run.request.infer(share_outputs=True)
    return run._interpreter.invoke  # type: ignore[no-any-return]


def harness(rounds: int) -> dict[str, Any]:
    """Seconds a pass in our loop and in a bare one, medians of rounds in turn."""
    found: dict[str, Any] = {}
    for name in ("lenet5_dense", "resnet20", "mobilenet_v2"):
        for runtime in RUNTIMES:
            one = prepared(name, runtime)
            call = bare_call(one.run)

            def bare(call: Callable[[], object] = call) -> float:
                start = perf_counter()
                for _ in range(_REPEATS):
                    call()
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


def speed(threads: int | None) -> dict[str, Any]:
    """Latencies at batch 1 in float32 and int8, of networks timed in one run."""
    found: dict[str, Any] = {}
    rows = measure(FAST, backend=["eager", *RUNTIMES], max_time=8, threads=threads)
    rows += measure(FAST, dtype="int8", backend=RUNTIMES, max_time=8, threads=threads)
    eager = {row.model: row.latency_s for row in rows if row.setting.backend == "eager"}
    for row in rows:
        name = f"{row.model} {row.setting.dtype or 'float32'} {row.setting.backend}"
        if row.latency_s is None:
            found[name] = row.error
            continue
        found[name] = {
            "latency_s": [row.latency_s, row.ci_low_s, row.ci_high_s],
            "speedup": (eager[row.model] or 0.0) / row.latency_s,
            "reliable": row.reliable,
        }
        print(name, f"{found[name]['speedup']:.2f}x", flush=True)
    return found


def reruns(rounds: int) -> dict[str, Any]:
    """Of each runtime: false alarms among comparisons with itself, hits among pairs of runs."""
    found: dict[str, Any] = {}
    for runtime in RUNTIMES:
        runs = [
            compare("mobilenet_v2", "mobilenet_v2", backend=runtime, max_time=4)[0]
            for _ in range(rounds)
        ]
        alarms = sum(run.verdict in (Verdict.FASTER, Verdict.SLOWER) for run in runs)
        times = [run.a.latency for run in runs if run.a.latency and run.a.latency.latency_s]
        pairs = [(a, b) for a in times for b in times if a is not b]
        hits = sum(
            (a.ci_low_s or 0.0) <= (b.latency_s or 0.0) <= (a.ci_high_s or math.inf)
            for a, b in pairs
        )
        found[runtime] = {"alarms": alarms, "of": rounds, "hits": hits, "pairs": len(pairs)}
        print(runtime, found[runtime], flush=True)
    return found


def main() -> None:
    """Run what is asked for, and keep it beside what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("outputs", "harness", "speed", "reruns"))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--names", nargs="*", default=[])
    parser.add_argument("--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    made = {
        "outputs": lambda: outputs(asked.only, asked.names),
        "harness": lambda: harness(asked.rounds or 200),
        "speed": lambda: speed(asked.threads),
        "reruns": lambda: reruns(asked.rounds or 8),
    }
    found = made[asked.what]()
    kept = json.loads(asked.output.read_text()) if asked.output.exists() else {}
    kept["torch"], kept["threads"] = torch.__version__, torch.get_num_threads()
    kept["runtimes"] = {name: backends.version(name) for name in RUNTIMES}
    what = f"{asked.what} {asked.threads} thread" if asked.threads else asked.what
    before = kept.get(what, {}) if asked.what == "outputs" else {}
    merged = {name: {**before.get(name, {}), **one} for name, one in found.items()}
    kept[what] = {**before, **merged} if asked.what == "outputs" else found
    asked.output.write_text(json.dumps(kept, indent=1) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
