"""`torchvision:NAME`: torchvision's networks by their names there, and what it says of them."""

from __future__ import annotations

import sys
from typing import Any

from cnnbench.errors import SourceError, nearest
from cnnbench.models.inputs import Shape
from cnnbench.models.sources.source import Found, imported
from cnnbench.models.spec import SourceSpec

library = "torchvision"
_DETECTED = {"ssd300": 300, "ssdlite320": 320}  # the side of an image; 800 of the others
_FRAMES = 16  # of a clip


def find(spec: SourceSpec) -> Found:
    """A network of torchvision's; its input is what its published weights were cropped to."""
    models: Any = imported(library, spec).models
    if spec.name not in models.list_models():
        known = nearest(spec.name, models.list_models())
        raise SourceError(f"torchvision has no model {spec.name!r}{known}")
    builder = models.get_model_builder(spec.name)
    options: dict[str, object] = {"weights": None}
    if "weights_backbone" in builder.__annotations__:
        options["weights_backbone"] = None
    if spec.name in ("googlenet", "inception_v3"):
        options["init_weights"] = False  # it warns, and takes half a minute
    if spec.name.startswith("vit_") and "resolution" in spec.arguments:
        options["image_size"] = spec.arguments["resolution"]
    return Found(builder, options, _usual(models, spec.name, builder), only_layers=True)


def claimed_macs(spec: SourceSpec) -> float | None:
    """What torchvision says of its own network ("GFLOPS", which are MACs); None where nothing."""
    if spec.source != library or spec.options:
        return None
    published = _published(imported(library, spec).models, spec.name)
    claim = getattr(published, "meta", {}).get("_ops")
    return None if claim is None else 1e9 * float(claim)


def claimed_accuracies(spec: SourceSpec) -> list[tuple[str, int, str, float]]:
    """What its weights reach on ImageNet: their name, the side of a crop, `acc@1` or 5, percent.

    Nothing where it has not been imported, or does not say.
    """
    if spec.source != library or spec.options or library not in sys.modules:
        return []
    models: Any = imported(library, spec).models
    if spec.name not in models.list_models():
        return []
    found: list[tuple[str, int, str, float]] = []
    for weights in models.get_model_weights(spec.name):
        reached = getattr(weights, "meta", {}).get("_metrics", {}).get("ImageNet-1K", {})
        side = getattr(weights.transforms, "keywords", {}).get("crop_size")
        if isinstance(side, int):
            found += [(weights.name, side, name, percent) for name, percent in reached.items()]
    return found


def _usual(models: Any, name: str, builder: Any) -> Shape | str | tuple[str, ...] | None:
    """What torchvision's published weights were measured on; None where it does not say.

    An image as it was cropped or resized, a clip, two frames; for a detector a list of one image.
    """
    published = _published(models, name)
    given = getattr(getattr(published, "transforms", None), "keywords", {})
    crop, kind = given.get("crop_size"), builder.__module__.partition(".models.")[2]
    if kind.startswith("detection"):
        side = next((side for word, side in _DETECTED.items() if name.startswith(word)), 800)
        return f"[3x{side}x{side}]"
    if kind.startswith("optical_flow"):
        return ("3x520x960", "3x520x960")
    if kind.startswith("segmentation"):
        side = given.get("resize_size", 520)
        return (3, side, side)
    if isinstance(crop, (tuple, list)) and kind.startswith("video"):
        return (3, _FRAMES, *crop)
    return (3, crop, crop) if isinstance(crop, int) else None


def _published(models: Any, name: str) -> Any:
    """What torchvision says of its best weights for a network; None where it has none."""
    return getattr(models.get_model_weights(name), "DEFAULT", None)
