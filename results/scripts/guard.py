"""Whether `cnnbench check --against` can be believed: false alarms, and what it overlooks.

    python results/scripts/guard.py [--checks 50] [--load] [--kept FILE]

In a scratch repository, the timing part of a check at its own limit of 1.05 and its own settings:
of a network that has not changed, and in turn with it of one with 10% more work (22 equal
convolutions for 20). Enters its numbers into --output (results/guard.json) under idle, or loaded
with `--load`, when another process loads one core in bursts. `--kept` adds each check to a file,
and goes on after those that are in it: it takes an hour in all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from timing import loaded  # beside this file

from cnnbench.devices.environment import environment
from cnnbench.devices.machine import Machine
from cnnbench.guard import config
from cnnbench.guard.duet import pair as duet
from cnnbench.guard.duet.latencies import latencies
from cnnbench.timing.session import Session, StopRule

duet._layers = lambda *_: ()  # which layer did it is not asked here, and takes a pair more

RESULTS = Path(__file__).parents[2] / "results/guard.json"
NETS = """
from torch import nn


def net():
    return nn.Sequential(*[nn.Conv2d(32, 32, 3, padding=1) for _ in range({})])
"""
CONFIG = """
[tool.cnnbench]
[[tool.cnnbench.model]]
name = "nets:net"
input = "32x48x48"
max_latency_ratio = 1.05
"""


def prepare(folder: Path) -> config.Config:
    (folder / "pyproject.toml").write_text(CONFIG)
    (folder / "nets.py").write_text(NETS.format(20))
    for command in ("init -q", "config user.email a@b.c", "config user.name bench", "add ."):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-qm", "base"], cwd=folder, check=True)
    return config.read(folder / "pyproject.toml")


def check(asked: config.Config, layers: int, session: Session) -> dict[str, Any]:
    (asked.folder / "nets.py").write_text(NETS.format(layers))
    start = perf_counter()
    _, [found] = latencies(asked, asked.model, "HEAD", session)
    if found.ratio is None:
        raise SystemExit(found.reason)
    kept = ("status", "ratio", "ci_low", "ci_high", "pairs")
    seconds = round(perf_counter() - start, 1)
    row = {key: getattr(found, key) for key in kept}
    return row | {"failed": found.violates(strict=False), "seconds": seconds}


def summary(checks: list[dict[str, Any]]) -> dict[str, Any]:
    statuses = [row["status"] for row in checks]
    return {
        "checks": len(checks),
        "failed": sum(row["failed"] for row in checks),
        "statuses": {status: statuses.count(status) for status in sorted(set(statuses))},
        "pairs": sorted(row["pairs"] for row in checks),
        "median_seconds": sorted(row["seconds"] for row in checks)[len(checks) // 2],
        "ratios": sorted(round(row["ratio"], 3) for row in checks),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checks", type=int, default=50)
    parser.add_argument("--load", action="store_true")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--kept", type=Path)
    arguments = parser.parse_args()
    found: dict[int, list[dict[str, Any]]] = {20: [], 22: []}
    known = set()
    if arguments.kept and arguments.kept.exists():
        for line in arguments.kept.read_text().splitlines():
            loaded_then, number, layers, row = json.loads(line)
            if loaded_then is not arguments.load:
                raise SystemExit(f"{arguments.kept} holds checks of another state; name another")
            found[layers].append(row)
            known.add((number, layers))
    with TemporaryDirectory() as name, loaded() if arguments.load else nullcontext():
        asked = prepare(Path(name))
        for number in range(arguments.checks):
            for layers, rows in found.items():
                if (number, layers) in known:
                    continue
                rule = StopRule(max_time=120.0, seed=1000 * number)
                rows.append(check(asked, layers, Session(Machine.find("cpu"), rule)))
                print(number, layers, rows[-1], flush=True)
                if arguments.kept:
                    with arguments.kept.open("a") as file:
                        line = [arguments.load, number, layers, rows[-1]]
                        file.write(json.dumps(line) + "\n")
    about = environment(Machine.find("cpu"))
    document = json.loads(arguments.output.read_text()) if arguments.output.exists() else {}
    document["loaded" if arguments.load else "idle"] = {
        "device": about.device_name,
        "threads": about.threads,
        "torch": about.torch,
        "unchanged": summary(found[20]),
        "ten_percent_more_work": summary(found[22]),
    }
    arguments.output.write_text(json.dumps(document, indent=2) + "\n")
    for layers, rows in found.items():
        failed = sum(row["failed"] for row in rows)
        print(f"{layers} layers against 20: {failed} of {len(rows)} checks failed")


if __name__ == "__main__":
    main()
