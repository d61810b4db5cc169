"""Networks of libraries that ask for values or take odd inputs: counted, and held to what is known.

    pip install --no-deps torchvision; pip install transformers pillow
    python results/scripts/library_models.py [--output results/library_models.json]

torchvision's detectors are held to the figures that torchvision publishes, transformers' vision
networks, of random weights and small configurations, to torch's own counter (with attention as
matrix products, which that counter knows).
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, whose tests ask the same

import torch
from torch.utils.flop_counter import FlopCounterMode

from cnnbench import count
from cnnbench.errors import CnnbenchError
from cnnbench.models.sources.torchvision import claimed_macs
from cnnbench.models.spec import SourceSpec
from tests.libraries import operators_for_torchvision

RESULTS = Path(__file__).parents[1] / "library_models.json"
_SMALL = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
}
_SMALLER = """
    ViTForImageClassification DeiTForImageClassification BeitForImageClassification
    Dinov2ForImageClassification Dinov2WithRegistersForImageClassification
    ViTMSNForImageClassification Data2VecVisionForImageClassification ViTMAEForPreTraining
    CLIPVisionModel SiglipVisionModel
"""
_AS_USUAL = """
    SwinForImageClassification Swinv2ForImageClassification ConvNextForImageClassification
    ConvNextV2ForImageClassification ResNetForImageClassification RegNetForImageClassification
    MobileNetV1ForImageClassification MobileNetV2ForImageClassification
    MobileViTForImageClassification MobileViTV2ForImageClassification
    PoolFormerForImageClassification SegformerForImageClassification CvtForImageClassification
    BitForImageClassification HieraForImageClassification SwiftFormerForImageClassification
    PvtV2ForImageClassification PvtForImageClassification GLPNForDepthEstimation
    LevitForImageClassification FocalNetForImageClassification EfficientNetForImageClassification
    DetrForObjectDetection ConditionalDetrForObjectDetection DabDetrForObjectDetection
    RTDetrForObjectDetection
"""
# Class, and whether its usual configuration is made smaller.
TRANSFORMERS = {
    **dict.fromkeys(_SMALLER.split(), True),
    **dict.fromkeys(_AS_USUAL.split(), False),
}


def detectors() -> dict[str, Any]:
    """Each detector's MACs beside torchvision's own figure."""
    models: Any = importlib.import_module("torchvision").models
    found = {}
    for name in models.list_models(module=models.detection):
        claim = claimed_macs(SourceSpec("torchvision", name))
        trace = count(f"torchvision:{name}")
        macs = trace.total.macs
        found[name] = {
            "macs": macs,
            "published": claim,
            "equal": claim is not None and abs(macs - claim) <= 0.5e6,
            "counted_on": str(trace.counted_on),
        }
        print(name, found[name], flush=True)
    return found


def transformers() -> dict[str, Any]:
    """Each network's MACs beside those of torch's counter."""
    library: Any = importlib.import_module("transformers")
    library.logging.set_verbosity_error()
    found = {}
    for name, small in TRANSFORMERS.items():
        kind = getattr(library, name)
        config = kind.config_class()
        for key, value in _SMALL.items() if small else ():
            setattr(config, key, value)
        config._attn_implementation = "eager"
        torch.manual_seed(0)
        net = kind(config).eval()
        side = getattr(config, "image_size", 224) or 224
        side = side if isinstance(side, int) else side[0]
        try:
            trace = count(net, [f"pixel_values=3x{side}x{side}"])
        except CnnbenchError as error:
            found[name] = {"refused": str(error)}
        else:
            x = torch.randn(1, 3, side, side)
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                net(pixel_values=x)
            theirs = counter.get_total_flops() // 2
            found[name] = {
                "macs": trace.total.macs,
                "torchs_counter": theirs,
                "equal": trace.total.macs == theirs,
                "counted_on": str(trace.counted_on),
            }
        print(name, found[name], flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    operators_for_torchvision()
    done = {"transformers": transformers(), "detectors": detectors()}
    for name, rows in done.items():
        equal = sum(row.get("equal", False) for row in rows.values())
        print(f"{name}: {equal} of {len(rows)} equal")
    given.output.write_text(json.dumps({"torch": torch.__version__, **done}, indent=1) + "\n")


if __name__ == "__main__":
    main()
