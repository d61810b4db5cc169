"""Whether verdicts can be believed: networks against themselves, and 10% more work.

    python results/scripts/verdicts.py false-alarms [--comparisons 200]
    python results/scripts/verdicts.py power [--comparisons 100]

A comparison is what `cnnbench compare A B` makes with its default settings: fresh workers each
time, samples until the ratio is within 2% or 10 s are over. Each part enters its numbers under its
name into --output (results/verdicts.json); reruns are learnt on the way, from nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from timing import Slowed  # beside this file
from torch import nn

from cnnbench import build, measure
from cnnbench.studies.comparison.compare import compare

HERE = Path(__file__).parent
RESULTS = HERE.parent / "verdicts.json"
ALONE = ("mobilenet_v2", "conv@shape=28x28x256,out_channels=256")
MORE = 0.1


def slowed(times: int = 0) -> nn.Module:
    """MobileNetV2, and after it a product of matrices so many times."""
    return Slowed(build("mobilenet_v2"), times)


def products(times: int = 100) -> nn.Module:
    """The products alone."""
    return Slowed(nn.Identity(), times)


def compared(a: str, b: str, seed: int) -> Any:
    shape = None if "@shape" in a else (3, 224, 224)
    (row,) = compare(a, b, input_shape=shape, seed=seed)
    return row


def false_alarms(comparisons: int) -> dict[str, Any]:
    """How often a network is told from itself, in another run too, or in this run alone."""
    found = {}
    for name in ALONE:
        verdicts: Counter[str] = Counter()
        for number in range(comparisons // len(ALONE)):
            row = compared(name, name, number)
            verdicts[str(row.verdict)] += 1
            print(f"{name} {number}: {row.measured} {row.run} {row.verdict}", flush=True)
        found[name] = dict(verdicts)
    return found


def power(comparisons: int) -> dict[str, Any]:
    """How often 10% more work is found to be slower."""
    alone, more = measure(["verdicts:slowed", "verdicts:products"], (3, 224, 224), precision=0.01)
    assert alone.latency_s, alone.error
    assert more.latency_s, more.error
    times = round(100 * MORE * alone.latency_s / more.latency_s)
    verdicts: Counter[str] = Counter()
    ratios = []
    for number in range(comparisons):
        row = compared("verdicts:slowed", f"verdicts:slowed@times={times}", number)
        verdicts[str(row.verdict)] += 1
        ratios.append(1 / row.measured.median)
        print(f"{number}: {ratios[-1]:.3f} {row.verdict}", flush=True)
    return {"verdicts": dict(verdicts), "median_ratio": sorted(ratios)[len(ratios) // 2]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("part", choices=("false-alarms", "power"))
    parser.add_argument("--comparisons", type=int)
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    output = given.output.resolve()
    os.chdir(HERE)  # where workers find this file's networks
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        if given.part == "power":
            found = power(given.comparisons or 100)
        else:
            found = false_alarms(given.comparisons or 200)
    kept = json.loads(output.read_text()) if output.exists() else {}
    kept[given.part] = found
    output.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
