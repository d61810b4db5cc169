"""Our networks' forward passes against torchvision's and timm's of the same architecture, paired.

    pip install --no-deps torchvision timm
    python results/scripts/against_libraries.py [--batch 1] [--output FILE.json]

Each ratio is our time over theirs, of networks in the same rounds of one run, with its 95%
interval; below 1 ours is faster.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import torch
from timm_models import operators_for_torchvision  # beside this file

from cnnbench.devices import cores
from cnnbench.devices.device import find_device
from cnnbench.devices.environment import environment
from cnnbench.devices.machine import Machine
from cnnbench.timing.preparing.prepared import prepare, ready
from cnnbench.timing.samples import pairing
from cnnbench.timing.samples.sampling import take
from cnnbench.timing.session import StopRule
from cnnbench.timing.setting import Setting

operators_for_torchvision()

RESULTS = Path(__file__).parents[2] / "results/against_libraries.json"
NETWORKS = {  # ours: torchvision's, timm's
    "resnet50": ("resnet50", "resnet50"),
    "mobilenet_v2": ("mobilenet_v2", "mobilenetv2_100"),
    "efficientnet_b0": ("efficientnet_b0", "efficientnet_b0"),
    "vgg16": ("vgg16", "vgg16"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    device, threads = find_device(arguments.device), cores.threads()
    found = []
    with cores.limited(threads.number):
        for ours, (torchvision, timm) in NETWORKS.items():
            for channels_last in (False, True):
                setting = Setting(batch=arguments.batch, channels_last=channels_last)
                names = ours, f"torchvision:{torchvision}", f"timm:{timm}"
                entries = [
                    prepare(ready(name, (3, 224, 224), setting, device), setting, device)
                    for name in names
                ]
                rows = take([entries], StopRule(0.01, 12.0), width=pairing.widest).rows
                for column, name in enumerate(names[1:], 1):
                    ratio = pairing.ratio(rows[:, 0], rows[:, column])
                    row = {
                        "ours": ours,
                        "theirs": name,
                        "channels_last": channels_last,
                        "ratio": ratio.median,
                        "ci_low": ratio.low,
                        "ci_high": ratio.high,
                        "rounds": len(rows),
                    }
                    found.append(row)
                    layout = "channels last" if channels_last else "eager"
                    print(
                        f"{ours:16} / {name:28} {layout:14}"
                        f"{ratio.median:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]",
                        flush=True,
                    )
    about = asdict(environment(Machine(device, threads)))
    kept = {key: about[key] for key in ("device", "device_name", "torch", "threads")}
    result = {"environment": kept, "batch": arguments.batch, "ratios": found}
    arguments.output.write_text(json.dumps(result, indent=2) + "\n")
    print(f"torch {torch.__version__}: worst {max(row['ratio'] for row in found):.3f}")


if __name__ == "__main__":
    main()
