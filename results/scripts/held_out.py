"""timm's networks as a source of models, for networks that nothing here was tuned on.

cnnbench time "results/scripts/held_out.py:net@name=densenet121" --input 3x224x224
"""

from __future__ import annotations

import sys
from pathlib import Path

from torch import nn

sys.path.insert(0, str(Path(__file__).parents[2]))  # the checkout, whose tests ask the same

from tests.libraries import operators_for_torchvision


def net(name: str = "densenet121") -> nn.Module:
    """The network of that name, with random weights."""
    operators_for_torchvision()
    import timm

    made: nn.Module = timm.create_model(name)
    return made
