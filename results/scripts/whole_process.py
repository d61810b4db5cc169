"""What a user feels first: whole processes against `python -c "import torch"`, in pairs.

    python results/scripts/whole_process.py [--rounds 5] [--output FILE.json]

Each round runs the floor and every command once, in random order; a ratio is the median over the
rounds of command / floor within a round. Memory is the peak resident set of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

from cnnbench.models.registry import MODELS

CNNBENCH = str(Path(sys.executable).with_name("cnnbench"))
FLOOR = "import torch"
COMMANDS = {
    FLOOR: [sys.executable, "-c", "import torch"],
    "--help": [CNNBENCH, "--help"],
    "list": [CNNBENCH, "list"],
    "completion": [CNNBENCH],
    **{f"flops {model.name}": [CNNBENCH, "flops", model.name] for model in MODELS},
}
COMPLETION = {
    "_CNNBENCH_COMPLETE": "complete_bash",
    "COMP_WORDS": "cnnbench\nflops\nmobilenet",
    "COMP_CWORD": "2",
}


def once(name: str) -> tuple[float, float]:
    """Seconds and peak MiB of one run."""
    environment = {**os.environ, **(COMPLETION if name == "completion" else {})}
    start = time.perf_counter()
    process = subprocess.Popen(
        COMMANDS[name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, name
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    for name in COMMANDS:  # the files' pages are in memory from here on
        once(name)
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for done in range(arguments.rounds):
        print(f"round {done + 1} of {arguments.rounds}", file=sys.stderr)
        for name in random.sample(list(COMMANDS), len(COMMANDS)):
            samples[name].append(once(name))
    floor = samples[FLOOR]
    rows = []
    for name, runs in samples.items():
        ratios = [seconds / base for (seconds, _), (base, _) in zip(runs, floor, strict=True)]
        extra = statistics.median(m for _, m in runs) - statistics.median(m for _, m in floor)
        seconds = statistics.median(s for s, _ in runs)
        rows.append(
            {
                "command": name,
                "seconds": round(seconds, 3),
                "ratio": round(statistics.median(ratios), 3),
                "extra_mib": round(extra, 1),
            }
        )
        print(f"{name:28} {seconds:6.2f} s  x {rows[-1]['ratio']:.2f}  {extra:+6.1f} MiB")
    counts = [row for row in rows if str(row["command"]).startswith("flops")]
    worst = max(counts, key=lambda row: row["ratio"])
    print(f"slowest count: {worst['command']}: {worst['ratio']:.2f} times {FLOOR}")
    print(f"most memory: {max(row['extra_mib'] for row in counts):+.1f} MiB against {FLOOR}")
    if arguments.output:
        machine = {"processor": platform.machine(), "cores": os.cpu_count()}
        text = json.dumps({"rounds": arguments.rounds, **machine, "results": rows}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
