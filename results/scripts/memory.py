"""Memory as counted against what torch's CPU allocator held: passes, and steps of training.

    pip install --no-deps torchvision
    python results/scripts/memory.py [--output results/memory.json]

Of 22 networks of torchvision one pass: activations alone, and with what convolutions copy
(`workspace_bytes`), against the most that was held within any operator. Of networks of ours one
real step with its optimiser, everything included. Two threads; nothing is timed.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, whose tests ask the same

import torch

from cnnbench import count, units
from cnnbench.counting.footprint import footprint
from cnnbench.counting.network import count_model
from cnnbench.counting.optimizers import Optimizer
from cnnbench.counting.workspace import workspace_bytes
from cnnbench.models.build import build
from cnnbench.models.spec import parse
from cnnbench.reports.environment import software
from tests.counting.allocator import most, most_between
from tests.counting.test_footprint import held_by_a_step
from tests.libraries import operators_for_torchvision

RESULTS = Path(__file__).parents[1] / "memory.json"
NETWORKS = """
    alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3
    maxvit_t mnasnet1_0 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small regnet_y_400mf resnet18
    resnet50 resnext50_32x4d shufflenet_v2_x1_0 squeezenet1_0 swin_t vgg11 vit_b_32 wide_resnet50_2
"""
STEPS = [
    ("alexnet", 8, Optimizer.ADAM),
    ("resnet18", 8, Optimizer.ADAM),
    ("vgg11", 4, Optimizer.MOMENTUM),
    ("googlenet", 4, Optimizer.ADAM),
    ("mobilenet_v2", 8, Optimizer.SGD),
    ("efficientnet_b0", 8, Optimizer.ADAMW),
    ("plain20", 64, Optimizer.SGD),
    ("lenet5", 32, Optimizer.ADAM),
]


def one_pass(name: str) -> dict[str, Any]:
    network, trace = count_model(f"torchvision:{name}", None, values=True)
    net, image = network.net.eval(), torch.randn(trace.input_shapes[0])
    with torch.inference_mode():
        net(image)
        between = image.nbytes + most_between(lambda: net(image))
        held = image.nbytes + most(lambda: net(image))
    counted = trace.peak_activation_bytes
    return {
        "model": name,
        "peak_activation_bytes": counted,
        "workspace_bytes": workspace_bytes(trace),
        "held_between_operators_bytes": between,
        "held_bytes": held,
        "activations_alone": counted / held - 1,
        "with_workspace": (counted + workspace_bytes(trace)) / held - 1,
    }


def one_step(model: str, batch: int, optimizer: Optimizer) -> dict[str, Any]:
    trace = count(model, batch=batch, train=True)
    image = torch.randn(batch, *parse(model).input_shape)
    held, _ = held_by_a_step(build(model).train(), image, optimizer)
    found = footprint(trace, optimizer)
    return {
        "model": model,
        "batch": batch,
        **found.record(),
        "workspace_bytes": workspace_bytes(trace),
        "held_bytes": held,
        "total": found.total_bytes / held - 1,
        "with_workspace": (found.total_bytes + workspace_bytes(trace)) / held - 1,
    }


def show(row: dict[str, Any], first: str) -> None:
    shares = " ".join(f"{key} {row[key]:+.2%}" for key in (first, "with_workspace"))
    print(f"{row['model']:20} held {units.size(row['held_bytes']):>9}  {shares}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    operators_for_torchvision()
    torch.set_num_threads(2)
    passes, steps = [], []
    for name in NETWORKS.split():
        passes.append(one_pass(name))
        show(passes[-1], "activations_alone")
    for step in STEPS:
        steps.append(one_step(*step))
        show(steps[-1], "total")
    found = {"environment": software(), "passes": passes, "steps": steps}
    arguments.output.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
