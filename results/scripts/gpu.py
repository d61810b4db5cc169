"""On a CUDA GPU: do its events agree with the wall clock, and what do graphs and layouts change?

    python results/scripts/gpu.py [--output FILE.json]

resnet50 and mobilenet_v2 at batch 1 and 64, in float32, float16 and float16 channels last, eager
and as a CUDA graph, interleaved in rounds. Each is timed by events and, in the same rounds, by the
host's clock with synchronisation; the ratio of the two is paired.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from cnnbench.devices import cores
from cnnbench.devices.clocks import WaitingClock
from cnnbench.devices.device import Device, find_device
from cnnbench.devices.environment import environment
from cnnbench.devices.machine import Machine
from cnnbench.roofline import calibrate as profiling
from cnnbench.timing.preparing.prepared import Prepared, prepare, ready
from cnnbench.timing.samples import pairing, statistics
from cnnbench.timing.samples.sampling import take
from cnnbench.timing.session import StopRule
from cnnbench.timing.setting import Setting

RESULTS = Path(__file__).parents[2] / "results"
WAYS = (Setting(), Setting(dtype="float16"), Setting(dtype="float16", channels_last=True))


class ByHost:
    """The same passes by the host's clock."""

    def __init__(self, subject: Prepared) -> None:
        self.subject = subject
        self.clock = WaitingClock(torch.cuda.synchronize)

    def seconds(self, repeats: int, counts: bool = True) -> float:
        with self.subject.running():
            return self.clock.seconds(self.subject.run, repeats)


def rows(device: Device, seconds: float) -> Iterator[dict[str, Any]]:
    threads = cores.threads()
    peaks = profiling.calibrate(device, threads.number, ("float32", "float16"), memory=True)
    for model in ("resnet50", "mobilenet_v2"):
        for way in WAYS:
            network = ready(model, None, way, device)
            for batch in (1, 64):
                settings = [replace(way, batch=batch, backend=name) for name in ("eager", "graph")]
                subjects = [prepare(network, setting, device) for setting in settings]
                entries = [*subjects, *map(ByHost, subjects)]
                taken = take([entries], StopRule(0.01, seconds)).rows
                for column, (setting, subject) in enumerate(zip(settings, subjects, strict=True)):
                    found = statistics.interval(taken[:, column])
                    agreement = pairing.ratio(taken[:, column], taken[:, column + 2])
                    rate = subject.trace.total.flops / found.median
                    yield {
                        "model": model,
                        **asdict(setting),
                        "dtype": subject.trace.dtype,
                        "latency_s": found.median,
                        "ci_low_s": found.low,
                        "ci_high_s": found.high,
                        "samples": len(taken),
                        "fraction_of_peak": rate / peaks.flops_per_s[subject.trace.dtype],
                        "events_over_wall": agreement.median,
                        "events_over_wall_ci": [agreement.low, agreement.high],
                    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=4.0, help="at most, of each entry")
    parser.add_argument("--output", type=Path, help="default: results/gpu_NAME.json")
    arguments = parser.parse_args()
    device = find_device(arguments.device)
    found = []
    for row in rows(device, arguments.seconds):
        found.append(row)
        print(
            f"{row['model']:14}{row['batch']:4} {row['dtype']:9}"
            f"{'channels last' if row['channels_last'] else '':14}"
            f"{row['backend']:7}{1e3 * row['latency_s']:9.3f} ms"
            f"  events / wall {row['events_over_wall']:.3f}",
            flush=True,
        )
    about = asdict(environment(Machine(device, cores.threads())))
    name = "_".join(device.name.lower().replace("-", " ").split())
    output = arguments.output or RESULTS / f"gpu_{name}.json"
    output.write_text(json.dumps({"environment": about, "results": found}, indent=2) + "\n")


if __name__ == "__main__":
    main()
