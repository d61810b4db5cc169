"""Building and counting in one process, against fvcore, thop, ptflops and torchinfo.

    pip install thop ptflops torchinfo && pip install --no-deps torchvision
    python results/scripts/against_counters.py [--rounds 3] [--output FILE.json]

Each counter gets the network as its users build it: torchvision's where it has one, else ours
with its initialisation. The ratio of a model is the fastest counter's median over ours, all of
one run, in random order; the closing line is the geometric mean over the zoo.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from timm_models import operators_for_torchvision  # beside this file
from torch import nn

import cnnbench
from cnnbench.models.model import Model
from cnnbench.models.registry import MODELS

operators_for_torchvision()
import torchvision

SAME = {"alexnet_owt": "alexnet"}  # ours: theirs, where the names differ
OURS_ALONE = ("alexnet",)  # the 2012 network, which torchvision has not


def as_users_build_it(model: Model) -> nn.Module:
    name = SAME.get(model.name, model.name)
    if model.name in OURS_ALONE or name not in torchvision.models.list_models(torchvision.models):
        return cnnbench.build(model.name)
    options = {"init_weights": True, "aux_logits": False} if name == "googlenet" else {}
    net: nn.Module = torchvision.models.get_model(name, **options)
    return net


def fvcore(model: Model) -> None:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(as_users_build_it(model).eval(), torch.randn(1, *model.input))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.total()


def thop(model: Model) -> None:
    from thop import profile

    image = torch.randn(1, *model.input)
    profile(as_users_build_it(model).eval(), inputs=(image,), verbose=False)


def ptflops(model: Model) -> None:
    from ptflops import get_model_complexity_info

    net = as_users_build_it(model).eval()
    get_model_complexity_info(
        net, model.input, as_strings=False, print_per_layer_stat=False, verbose=False
    )


def torchinfo(model: Model) -> None:
    from torchinfo import summary

    summary(as_users_build_it(model), input_size=(1, *model.input), verbose=0)


def ours(model: Model) -> None:
    cnnbench.count(model.name)


COUNTERS: tuple[Callable[[Model], None], ...] = (ours, fvcore, thop, ptflops, torchinfo)


def seconds(counter: Callable[[Model], None], model: Model) -> float:
    start = time.perf_counter()
    counter(model)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for counter in COUNTERS:  # lazy imports
        counter(MODELS[1])
    rows = []
    for model in MODELS:
        samples: dict[str, list[float]] = {counter.__name__: [] for counter in COUNTERS}
        for _ in range(arguments.rounds):
            for counter in random.sample(COUNTERS, len(COUNTERS)):
                samples[counter.__name__].append(seconds(counter, model))
        medians = {name: statistics.median(times) for name, times in samples.items()}
        best = min((name for name in medians if name != "ours"), key=medians.__getitem__)
        ratio = medians[best] / medians["ours"]
        rows.append({"model": model.name, "fastest": best, "ratio": round(ratio, 2)})
        print(f"{model.name:22} {1e3 * medians['ours']:7.1f} ms  {best:9} x {ratio:6.2f}")
        sys.stdout.flush()
    mean = math.exp(statistics.fmean(math.log(row["ratio"]) for row in rows))
    print(f"geometric mean over {len(rows)} models: {mean:.1f} times as fast as the fastest other")
    if arguments.output:
        document = {"rounds": arguments.rounds, "torch": torch.__version__, "geometric_mean": mean}
        text = json.dumps({**document, "results": rows}, indent=2)
        arguments.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
