"""timm's and torchvision's networks by their names there: how each is built, and for what input."""

from __future__ import annotations

import importlib
from functools import partial
from types import ModuleType
from typing import Any

from cnnbench.errors import SourceError, nearest, reason_of
from cnnbench.models.inputs import Shape
from cnnbench.models.sources.source import Found
from cnnbench.models.spec import SourceSpec

_WEIGHTS = ("pretrained", "weights", "weights_backbone", "checkpoint_path", "pretrained_cfg")


def timm(spec: SourceSpec) -> Found:
    """A network of timm's; its input is its `default_cfg`, and vision transformers take a size."""
    library = _imported(spec)
    if not library.is_model(spec.name):
        known = nearest(spec.name, library.list_models())
        raise SourceError(f"timm has no model {spec.name!r}{known}; timm.list_models() shows all")
    config = library.get_pretrained_cfg(spec.name, allow_unregistered=True)
    options: dict[str, object] = {}
    if config is not None and config.fixed_input_size and "resolution" in spec.arguments:
        options["img_size"] = spec.arguments["resolution"]
    return Found(partial(library.create_model, spec.name), options, only_layers=True)


def torchvision(spec: SourceSpec) -> Found:
    """A network of torchvision's; its input is what its published weights were cropped to."""
    models: Any = _imported(spec).models
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
    return Found(builder, options, _crop(models, spec.name), only_layers=True)


def claimed_macs(spec: SourceSpec) -> float | None:
    """What torchvision says of its own network ("GFLOPS", which are MACs); None where nothing."""
    if spec.source != "torchvision" or spec.options:
        return None
    published = _published(_imported(spec).models, spec.name)
    claim = getattr(published, "meta", {}).get("_ops")
    return None if claim is None else 1e9 * float(claim)


def _crop(models: Any, name: str) -> Shape | None:
    """The shape of the images that torchvision's accuracy was measured on; None for video."""
    transforms = getattr(_published(models, name), "transforms", None)
    crop = getattr(transforms, "keywords", {}).get("crop_size")
    return (3, crop, crop) if isinstance(crop, int) else None


def _published(models: Any, name: str) -> Any:
    """What torchvision says of its best weights for a network; None where it has none."""
    return getattr(models.get_model_weights(name), "DEFAULT", None)


def _imported(spec: SourceSpec) -> ModuleType:
    """Import the library; SourceError says what to install, or why it does not load."""
    for option, _ in spec.options:
        if option in _WEIGHTS:
            raise SourceError(f"{spec}: leave out {option}; weights change no cost")
    name = spec.source
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise _unusable(name, error) from error
        install = f"pip install 'cnnbench[{name}]'"
        raise SourceError(f"{name} is not installed; type: {install}") from error
    except Exception as error:  # torchvision's operators need the torch they were built for
        raise _unusable(name, error) from error


def _unusable(name: str, error: Exception) -> SourceError:
    reason = reason_of(error)
    return SourceError(f"{name} is installed but cannot be imported with this torch: {reason}")
