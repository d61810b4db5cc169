"""`timm:NAME`: timm's networks by their names there."""

from __future__ import annotations

from functools import partial

from cnnbench.errors import SourceError, nearest
from cnnbench.models.sources.source import Found, imported
from cnnbench.models.spec import SourceSpec

library = "timm"


def find(spec: SourceSpec) -> Found:
    """A network of timm's; its input is its `default_cfg`, and vision transformers take a size."""
    timm = imported(library, spec)
    if not timm.is_model(spec.name):
        known = nearest(spec.name, timm.list_models())
        raise SourceError(f"timm has no model {spec.name!r}{known}; timm.list_models() shows all")
    config = timm.get_pretrained_cfg(spec.name, allow_unregistered=True)
    options: dict[str, object] = {}
    if config is not None and config.fixed_input_size and "resolution" in spec.arguments:
        options["img_size"] = spec.arguments["resolution"]
    return Found(partial(timm.create_model, spec.name), options, only_layers=True)
