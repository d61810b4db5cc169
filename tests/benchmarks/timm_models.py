"""Every convolutional classification network of timm: counted, and held to torch's own counter.

    pip install --no-deps timm torchvision
    python tests/benchmarks/timm_models.py [--all] [--output FILE.json]

Prints each network that fails or differs, then how many by cause. `--all` takes every network that
timm lists, transformers and multilayer perceptrons too, where torch's counter can follow.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from cnnbench.counting.count import count
from cnnbench.errors import CnnbenchError
from cnnbench.models.build import construct

# timm's files whose networks are convolutional: no attention over positions, no mixing by linear
# layers. (byobnet has a few with self-attention among its blocks; byoanet is those.)
FAMILIES = (
    "byobnet convmixer convnext cspnet cspnext densenet dla dpn efficientnet fasternet ghostnet "
    "hardcorenas hgnet hrnet inception_next inception_resnet_v2 inception_v3 inception_v4 lcnetv2 "
    "mobilenetv3 nasnet nfnet pnasnet rdnet regnet repghost repvit res2net resnest resnet resnetv2 "
    "rexnet selecsls senet sknet starnet tresnet vgg vovnet xception xception_aligned"
).split()


def operators_for_torchvision() -> None:
    """Define what torchvision's import needs, where its build has not got it for a CPU torch."""
    alone = subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True)
    if alone.returncode == 0:  # defining them twice would end the process
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    globals()["_library"] = library  # it is gone with its object


def cause(name: str) -> str:
    """Why a network does not count as torch's counter does, or nothing."""
    try:
        trace = count(f"timm:{name}")
    except CnnbenchError as error:
        return f"not counted: {str(error).partition(': ')[2] or error}"
    net, shape = construct(f"timm:{name}", shapes_only=True)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(torch.empty(1, *(shape or ()), device="meta"))
    theirs = counter.get_total_flops()
    if trace.total.flops != theirs:
        return f"differs: {trace.total.flops} FLOPs, torch's counter {theirs}"
    return f"not in the convention: {', '.join(trace.uncounted)}" if trace.uncounted else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if find_spec("torchvision"):
        operators_for_torchvision()
    import timm

    warnings.simplefilter("ignore")
    families = timm.list_modules() if arguments.all else FAMILIES
    names = [name for family in families for name in timm.list_models(module=family)]
    causes: dict[str, str] = {}
    start = time.perf_counter()
    for index, name in enumerate(names):
        if index % 25 == 0:
            print(f"{index} of {len(names)}", file=sys.stderr)
        try:
            reason = cause(name)
        except Exception as error:  # torch's counter, or timm
            reason = f"cannot be compared: {type(error).__name__}: {str(error).splitlines()[:1]}"
        if reason:
            causes[name] = reason
            print(f"{name}: {reason}")
            sys.stdout.flush()
    seconds = time.perf_counter() - start
    by_cause = Counter(reason.partition(":")[0] for reason in causes.values())
    print(f"{len(names)} networks, {len(names) - len(causes)} equal to torch's counter; {by_cause}")
    if arguments.output:
        document = {
            "timm": timm.__version__,
            "torch": torch.__version__,
            "networks": len(names),
            "equal": len(names) - len(causes),
            "seconds": round(seconds),
            "others": causes,
        }
        arguments.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
