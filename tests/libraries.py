"""timm's convolutional networks, held to torch's own counter; what torchvision's import needs."""

from __future__ import annotations

import contextlib
import importlib
import subprocess
import sys

import torch
from torch import Tensor
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
    if "_library" in globals():
        return
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define(ROI_ALIGN)
    library.define(DEFORM)
    library.impl("nms", _nms, "CPU")
    library.impl("roi_align", _roi_align, "CompositeExplicitAutograd")
    library.impl("deform_conv2d", _deform, "CompositeExplicitAutograd")
    globals()["_library"] = library  # it is gone with its object
    with contextlib.suppress(ImportError):
        importlib.import_module("torchvision.extension")._has_ops = lambda: True  # type: ignore[attr-defined]


ROI_ALIGN = (
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, "
    "int pooled_width, int sampling_ratio, bool aligned) -> Tensor"
)
DEFORM = (
    "deform_conv2d(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, "
    "int stride_h, int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w, "
    "int groups, int offset_groups, bool use_mask) -> Tensor"
)


def _nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Each box in turn, by its score, unless it overlaps with one that is kept."""
    kept: list[int] = []
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    areas = sides.prod(-1)
    alive = torch.ones(len(boxes), dtype=torch.bool)
    for index in scores.argsort(descending=True).tolist():
        if not alive[index]:
            continue
        kept.append(index)
        low = torch.maximum(boxes[:, :2], boxes[index, :2])
        high = torch.minimum(boxes[:, 2:], boxes[index, 2:])
        shared = (high - low).clamp(min=0).prod(-1)
        alive &= ~(shared / (areas + areas[index] - shared) > threshold)
    return torch.tensor(kept, dtype=torch.int64)


def _roi_align(
    x: Tensor, boxes: Tensor, scale: float, height: int, width: int, ratio: int, aligned: bool
) -> Tensor:
    """Values do not matter here, its shape does."""
    return x.new_zeros(boxes.shape[0], x.shape[1], height, width)


def _deform(x: Tensor, weight: Tensor, offset: Tensor, *_: object) -> Tensor:
    """As there."""
    return x.new_zeros(x.shape[0], weight.shape[0], *offset.shape[2:])


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
