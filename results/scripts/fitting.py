"""Costing a family's variants: how long a thousand take, exactly, and in how much memory.

    python results/scripts/fitting.py [--output results/fitting.json]

Every line is a process of its own, which costs the variants of one family and then counts a random
sample of 50 of them one by one, as `cnnbench flops` would: both must agree, and the ratio of their
times per network is what sharing pieces gains. Memory is what the peak resident set grew by while
the variants were costed. At last the whole command, without predictions: `fit --static`; and
what a finer grid finds where several limits hold at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CNNBENCH = str(Path(sys.executable).with_name("cnnbench"))
FAMILIES = ("efficientnet", "mobilenet_v1", "mobilenet_v2", "resnet50", "plain20", "vgg16_bn")
NUMBERS = (100, 1000, 3000, 10000)  # of efficientnet, for the memory; the others at 1,000
SAMPLE = 50
LIMITS = "macs=400M,params=6M,peak_activation_bytes=8MiB"


def costed(name: str, number: int) -> dict[str, Any]:
    """Cost about `number` variants here, and count some of them again."""
    from cnnbench.counting.count import count
    from cnnbench.models.scale import scalable
    from cnnbench.models.spec import parse
    from cnnbench.studies.scaling.variants import candidates, variants

    count("lenet5")  # what the first count of a process loads
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    of = variants(candidates(scalable(parse(name)), number))
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    drawn = random.Random(0).sample(of, min(SAMPLE, len(of)))
    start = time.perf_counter()
    counted = [count(one.spec) for one in drawn]
    alone = (time.perf_counter() - start) / len(drawn)
    differing = [
        str(one.spec)
        for one, trace in zip(drawn, counted, strict=True)
        if (one.costs.cost, one.costs.peak_activation_bytes)
        != (trace.total, trace.peak_activation_bytes)
    ]
    return {
        "model": name,
        "networks": len(of),
        "seconds": round(seconds, 2),
        "ratio": round(alone / (seconds / len(of)), 1),
        "grown_mib": round((after - before) / 1024, 1),
        "sampled": len(drawn),
        "differing": differing,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, number = arguments.one
        print(json.dumps(costed(name, int(number))))
        return
    asked = [(name, 1000) for name in FAMILIES]
    asked += [(FAMILIES[0], number) for number in NUMBERS if number != 1000]
    rows = []
    for name, number in asked:
        command = [sys.executable, __file__, "--one", name, str(number)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
        row = rows[-1]
        print(
            f"{name:14} {row['networks']:6} networks {row['seconds']:6.2f} s, one by one "
            f"{row['ratio']:5.1f} times as long, {row['grown_mib']:+6.1f} MiB, "
            f"{len(row['differing'])} of {row['sampled']} differ"
        )
    whole = []
    for name in FAMILIES[:3]:
        start = time.perf_counter()
        command = [CNNBENCH, "fit", name, "--budget", "macs=300M", "--static", "--rule", "any"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        whole.append({"model": name, "seconds": round(time.perf_counter() - start, 2)})
        print(f"fit {name} --static: {whole[-1]['seconds']} s")
    finer = []
    for number in (1000, 20000):
        command = [CNNBENCH, "fit", "efficientnet", "--budget", LIMITS, "--static", "--rule", "any"]
        command += ["--candidates", str(number), "--format", "json"]
        best = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        finer.append({"candidates": number, "macs": best["results"][0]["macs"]})
        print(f"fit efficientnet --budget {LIMITS}, of {number}: {finer[-1]['macs']:,} MACs")
    if arguments.output:
        machine = {"processor": platform.machine(), "cores": os.cpu_count()}
        text = json.dumps({**machine, "results": rows, "commands": whole, "finer": finer}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
