"""The networks that a costly test runs: one of each sort, or where CI has the time all of them."""

from __future__ import annotations

import os

import pytest

from cnnbench.models.registry import MODELS

EVERY = bool(os.environ.get("CNNBENCH_EVERY"))
costly = pytest.mark.costly  # takes long: `skipped` but where CI has the time
skipped = pytest.mark.skip(reason="takes long: CNNBENCH_EVERY=1, as CI has it, runs it")
# Others of a family have more of the same blocks.
_SORTS = (
    "lenet5 lenet5_dense alexnet alexnet_owt vgg11 vgg11_bn googlenet resnet18 resnet50 plain18 "
    "resnet20 plain20 mobilenet_v1 mobilenet_v1_conv mobilenet_v2 efficientnet_b0"
).split()
NAMES = [model.name for model in MODELS if EVERY or model.name in _SORTS]
assert EVERY or len(NAMES) == len(_SORTS)
