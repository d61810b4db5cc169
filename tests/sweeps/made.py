"""Made-up records of sweeps, as `cnnbench sweep` writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.store import Store
from cnnbench.timing.setting import Setting

Record = dict[str, Any]


def record(
    model: str,
    macs: int = 10**9,
    seconds: float | Sequence[float] = 0.01,
    *,
    batch: int = 1,
    device: str = "Made-up processor",
    measured: str = "2026-11-20T10:00:00+00:00",
    rounds: str = "",
    **ways: Any,
) -> Record:
    """A timed configuration; of one number of seconds, 34 samples around it."""
    one = Configuration(model, Setting(batch, **ways))
    samples = list(seconds) if isinstance(seconds, Sequence) else _around(seconds)
    median = float(np.median(samples))
    cost = {
        "input": [[batch, 3, 224, 224]],
        "dtype": one.setting.dtype or "float32",
        "params": macs // 100,
        "macs": macs,
        "flops": 2 * macs,
        "elementwise_flops": macs // 50,
        "activations": macs // 200,
        "bytes_moved": macs // 10,
        "intensity": 20.2,
        "peak_activation_bytes": 10**6,
        "arena_bytes": 10**6,
        "uncounted": {},
    }
    kinds = {
        "1x1 convolution": (macs * 3 // 4, 0, macs // 20, median / 2),
        "depthwise convolution": (macs - macs * 3 // 4, 0, macs // 40, median / 4),
        "activation": (0, macs // 50, macs // 40, median / 4),
    }
    keys = ("macs", "elementwise_flops", "bytes_moved", "predicted_s")
    return {
        "key": json.dumps([one.record(), device]),
        "measured": measured,
        **one.record(),
        "cost": cost,
        "kinds": {kind: dict(zip(keys, values, strict=True)) for kind, values in kinds.items()},
        "prediction": {"predicted_s": 1.1 * median, "bound": "memory"},
        "failure": "",
        "latency": {
            "model": model,
            "input": cost["input"],
            "dtype": cost["dtype"],
            "threads": 2,
            "device": "cpu",
            "latency_s": median,
            "ci_low_s": 0.98 * median,
            "ci_high_s": 1.03 * median,
            "p90_s": None,
            "p99_s": None,
            "throughput_images_per_s": batch / median,
            "samples": len(samples),
            "outliers": 0,
            "converged": True,
            "flops_per_s": 2 * macs / median,
            "fraction_of_peak": 0.2,
            "warnings": [],
            "samples_s": samples,
        },
        "environment": {
            "device": "cpu",
            "device_name": device,
            "driver": None,
            "python": "3.11.7",
            "platform": "Linux",
            "torch": "2.13.0",
            "cuda": None,
            "cudnn": None,
            "threads": 2,
            "threads_from": "all cores",
            "warnings": [],
        },
        "roof": {"flops_per_s": 2.5e11, "bytes_per_s": 2e10, "cache_per_s": 1e11},
        "rounds": rounds,
    }


def _around(seconds: float) -> list[float]:
    return [float(seconds * (1 + 0.01 * step)) for step in np.linspace(-1, 1, 34)]


def failed(model: str, why: str) -> Record:
    """A configuration that could not run."""
    one = Configuration(model)
    return {
        "key": json.dumps(one.record()),
        "measured": "2026-11-20T10:00:00+00:00",
        **one.record(),
        "cost": {},
        "kinds": {},
        "prediction": None,
        "failure": why,
    }


def store(folder: Path, records: Sequence[Record]) -> Store:
    """A store that holds them."""
    made = Store(folder)
    with made.writing() as writer:
        for one in records:
            writer.append(one)
    return made


def records(store: Store) -> list[Record]:
    """What stands in its lines."""
    return [json.loads(line) for _, _, line in store.lines()]


def zoo() -> list[Record]:
    """Some networks and blocks at two batches, one of them with a hostile name, and a failure."""
    hostile = "nets.py:<img src=x onerror=document.title='owned'></script>"
    costs = {
        "lenet5": (325_680, 1e-4),
        "mobilenet_v1": (568_740_352, 0.016),
        "resnet18": (1_814_073_344, 0.03),
        "resnet50": (4_089_184_256, 0.073),
        hostile: (2 * 10**9, 0.05),
        "conv@out_channels=128": (462_422_016, 0.0044),
        "separable@out_channels=128": (55_000_000, 0.0016),
    }
    records = [
        record(model, batch * macs, batch * 0.9 ** (batch > 1) * seconds, batch=batch)
        for model, (macs, seconds) in costs.items()
        for batch in (1, 8)
    ]
    return [*records, failed("vgg16@resolution=16", "no feature map is left")]
