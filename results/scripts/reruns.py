"""Whether a rerun's value lies where the interval says: five commands, many times each.

    python results/scripts/reruns.py idle [--times 10] [--minutes 20]
    python results/scripts/reruns.py bursts

Each command is run in a fresh process, in turn, so that its runs spread over at least so many
minutes. The device is known at first (its ceilings are), its reruns are not: what is learnt is
learnt on the way. `bursts` loads one core meanwhile, for 0.05 to 0.5 s and as long not. Of all
ordered pairs of runs of one command, the share is told in which the second's value lies in the
first's interval, beside that of the run's own interval. Each series enters its numbers under its
name into --output (results/reruns.json).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from timing import loaded

RESULTS = Path(__file__).parents[2] / "results/reruns.json"
COMMANDS = (
    "time mobilenet_v2",
    "time resnet18",
    "compare conv separable --shape 28x28x256",
    "compare conv separable --shape 112x112x32",
    "compare mobilenet_v1 mobilenet_v2",
)


def run(command: str, cache: str) -> dict[str, Any]:
    """One run: its value, both intervals, whether it is reliable."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "cnnbench", *command.split(), "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XDG_CACHE_HOME": cache},
    )
    report = json.loads(done.stdout)
    (row,) = report["results"]
    unit, key = ("_s", "latency_s") if command.startswith("time") else ("", "measured_speedup")
    ends = [f"{which}_{end}" for which in ("ci", "run") for end in ("low", "high")]
    return {
        "value": row[key],
        **{end: row[f"{end}{unit}"] for end in ends},
        "reliable": report["environment"]["reliable"],
        "verdict": row.get("verdict"),
        "seconds": round(time.monotonic() - start, 2),
    }


def holds(runs: list[dict[str, Any]], which: str) -> list[bool]:
    """Of every ordered pair, whether the second's value lies in the first's interval."""
    return [
        one[f"{which}_low"] <= other["value"] <= one[f"{which}_high"]
        for one, other in permutations(runs, 2)
    ]


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares of pairs, and half-widths as shares of the value."""
    halves = {
        which: [(one[f"{which}_high"] - one[f"{which}_low"]) / 2 / one["value"] for one in runs]
        for which in ("ci", "run")
    }
    return {
        "runs": len(runs),
        "held_by_rerun_interval": float(np.mean(holds(runs, "ci"))),
        "held_by_run_interval": float(np.mean(holds(runs, "run"))),
        "median_half_width": float(np.median(halves["ci"])),
        "median_run_half_width": float(np.median(halves["run"])),
        "spread": float(np.std(np.log([one["value"] for one in runs]))),
        "reliable": sum(one["reliable"] for one in runs),
        "median_seconds": float(np.median([one["seconds"] for one in runs])),
    }


def series(times: int, minutes: float, cache: str) -> dict[str, list[dict[str, Any]]]:
    """The runs of each command."""
    found: dict[str, list[dict[str, Any]]] = {command: [] for command in COMMANDS}
    start = time.monotonic()
    for number in range(times):
        for command in COMMANDS:
            found[command].append(run(command, cache))
            print(number, command, found[command][-1], flush=True)
        left = start + 60 * minutes * (number + 1) / times - time.monotonic()
        time.sleep(max(0.0, left))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("load", choices=("idle", "bursts"))
    parser.add_argument("--name", help="what the series is called; default: the load")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        run(COMMANDS[2], cache)  # measures the ceilings
        for file in Path(cache).rglob("*.runs"):
            file.unlink()
        with loaded() if given.load == "bursts" else nullcontext():
            found = series(given.times, given.minutes, cache)
    pairs = {which: [] for which in ("ci", "run")}
    for which, held in pairs.items():
        for runs in found.values():
            held += holds(runs, which)
    done = {
        "minutes": given.minutes,
        "held_by_rerun_interval": float(np.mean(pairs["ci"])),
        "held_by_run_interval": float(np.mean(pairs["run"])),
        "commands": {command: summary(runs) for command, runs in found.items()},
        "runs": found,
    }
    kept = json.loads(given.output.read_text()) if given.output.exists() else {}
    kept[given.name or given.load] = done
    given.output.write_text(json.dumps(kept, indent=1) + "\n")
    print(json.dumps({key: value for key, value in done.items() if key != "runs"}, indent=1))


if __name__ == "__main__":
    main()
