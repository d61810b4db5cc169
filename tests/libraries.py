"""timm's convolutional networks, held to torch's own counter; what torchvision's import needs."""

from __future__ import annotations

import subprocess
import sys

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
