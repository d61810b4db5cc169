"""The model that a name means, as people may write it. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cnnbench.errors import SpecError, nearest
from cnnbench.models.model import Model
from cnnbench.models.registry import BLOCKS, MODELS


def _by_name(models: tuple[Model, ...]) -> dict[str, Model]:
    return {name: model for model in models for name in (model.name, *model.aliases)}


BLOCKS_BY_NAME = _by_name(BLOCKS)
# GoogLeNet is called inception, as its module is: a network comes before a block.
MODELS_BY_NAME = BLOCKS_BY_NAME | _by_name(MODELS)


def names() -> list[str]:
    """Every name and alias a user may type, in the registry's order."""
    return list(MODELS_BY_NAME)


def plain(name: str) -> str:
    """A name as people may write it, without what they leave out: `ResNet-50` -> `resnet50`."""
    return re.sub(r"[-_. ]", "", name.lower())


def knows(name: str) -> bool:
    """Whether a model is called or aliased so, to the letter."""
    return name.lower() in MODELS_BY_NAME


def meant(name: str, known: Mapping[str, Model]) -> Model | None:
    """The one model that `name` can mean: `efficientnet-b0`, `MobileNetV2`; None of several."""
    if name.lower() in known:
        return known[name.lower()]
    alike = {model for own, model in known.items() if plain(own) == plain(name)}
    return alike.pop() if len(alike) == 1 else None


def find(name: str, others: Callable[[], list[str]] = list) -> Model:
    """Return the model that `name` means.

    SpecError with the nearest names otherwise, those of `others` among them.
    """
    model = meant(name, MODELS_BY_NAME)
    if model is None:
        known = nearest(name, [*MODELS_BY_NAME, *others()])
        own = "; your own is package.module:NAME or file.py:NAME" if "." in name else ""
        raise SpecError(f"unknown model {name!r}{known}; 'cnnbench list' shows all{own}")
    return model


def block(name: str) -> Model | None:
    """The block called `name` or aliased so; None where there is none."""
    return meant(name, BLOCKS_BY_NAME)


def search(word: str = "") -> list[Model]:
    """Models whose name, alias, paper, year or summary contains `word`, whatever the case."""
    word = word.lower()

    def text(model: Model) -> str:
        words = (model.name, *model.aliases, model.summary, model.paper.citation)
        return " ".join((*words, str(model.paper.year))).lower()

    return [model for model in (*MODELS, *BLOCKS) if word in text(model)]
