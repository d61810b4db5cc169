"""What a sweep costs beside what it counts: from 10 to 10,000 configurations, from 100,000 records.

Static costs into a new store, each number in a process of its own: what each configuration adds to
a sweep of a tenth as many, and its ratio to the last one's; then a page of a store of 100,000 timed
records, repeated from a small one.

python results/scripts/sweeps.py [--most 10000] [--records 100000] [--output FILE.json]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from cnnbench.sweeps.store import Store

MODELS = "lenet5_dense,resnet20,mobilenet_v1,resnet18,mobilenet_v2"
TARGET_S = 30


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        numbers = [number for number in (10, 100, 1000, 10_000) if number <= given.most]
        rows = added([{"configurations": number, **swept(number, folder)} for number in numbers])
        for row in rows:
            print(
                f"{row['configurations']:7,} configurations {row['seconds']:7.1f} s, with nothing "
                f"left to do {row['again_s']:.1f} s; {1e3 * row['each_s']:6.2f} ms for each more, "
                f"{row['ratio']:.2f} of the last"
            )
        report = reported(given.records, folder)
        print(
            f"{given.records:7,} records: {report['bytes'] / 2**20:.0f} MiB, page in "
            f"{report['seconds']:.1f} s (target {TARGET_S} s), {report['page_bytes'] / 2**20:.0f} "
            f"MiB, {report['peak_bytes'] / 2**20:.0f} MiB of memory"
        )
    if given.output:
        document = {"static": rows, "report": {"records": given.records, **report}}
        given.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def swept(number: int, folder: Path) -> dict[str, float]:
    """Seconds of a static sweep of so many, and of the same once more."""
    run = folder / f"run{number}"
    batches = ",".join(map(str, range(1, number // 5 + 1)))
    line = ["sweep", "--models", MODELS, "--batch", batches, "--static", "--output", str(run)]
    seconds = timed(line)
    assert sum(1 for _ in Store(run)) == number
    again = timed(line)  # nothing is left: imports, and reading the store
    return {"seconds": seconds, "again_s": again}


def added(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """What each configuration more takes; of the fewest, with the start of processes."""
    for before, row in pairwise([{"configurations": 0, "seconds": 0.0}, *rows]):
        more = row["configurations"] - before["configurations"]
        row["each_s"] = (row["seconds"] - before["seconds"]) / more
    for row in rows:
        row["ratio"] = row["each_s"] / rows[-1]["each_s"]
    return rows


def reported(number: int, folder: Path) -> dict[str, float]:
    """Seconds that the page of so many timed records takes."""
    small, large = Store(folder / "small"), folder / "large"
    timed(
        *(["sweep", "--models", MODELS, "--batch", "1,2", "--max-time", "0.5"],),
        *(["--output", str(small.folder)],),
    )
    records = [record for record in small if not record["failure"]]
    large.mkdir()
    with open(large / "records.jsonl", "w", encoding="utf-8") as file:
        for index in range(number):
            record = dict(records[index % len(records)])
            record |= {"key": str(index), "model": f"mobilenet_v1@num_classes={index + 1}"}
            file.write(json.dumps(record) + "\n")
    size = (large / "records.jsonl").stat().st_size
    page = folder / "page.html"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    seconds = timed(["report", str(large), "--output", str(page)])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak > before, "another process took more memory"
    return {
        "seconds": seconds,
        "bytes": size,
        "page_bytes": page.stat().st_size,
        "peak_bytes": 1024 * peak,
    }


def timed(*parts: list[str]) -> float:
    """Seconds of one command."""
    start = perf_counter()
    arguments = [argument for part in parts for argument in part]
    subprocess.run(
        [sys.executable, "-m", "cnnbench", *arguments], check=True, stdout=subprocess.DEVNULL
    )
    return perf_counter() - start


if __name__ == "__main__":
    main()
