"""Blocks: a few layers at one shape, as the papers' comparisons have them.

Built by the papers' own files. `plain` and `conv` are one builder, and so are the two inceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from cnnbench import units
from cnnbench.errors import InputError
from cnnbench.models.inputs import parse_map
from cnnbench.models.zoo import googlenet, mobilenet_v1, mobilenet_v2, resnet
from cnnbench.models.zoo.layers import conv_bn, he_initialise, sequence


def bottleneck(inputs: int, outputs: int, kernel: int, stride: int, mid_channels: int) -> nn.Module:
    """1x1 reduction, BN, ReLU, k x k convolution, BN, ReLU (Szegedy et al. 2014, section 4).

    Without `mid_channels` the reduction has half of what comes out.
    """
    mid = mid_channels or max(1, outputs // 2)
    return sequence(reduce=conv_bn(inputs, mid, 1), conv=conv_bn(mid, outputs, kernel, stride))


def residual(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Two 3x3 and a shortcut (He et al. 2015, figure 5, left)."""
    around = resnet.shortcut_for("projection", inputs, outputs, stride)
    return resnet.Residual(resnet.basic(inputs, outputs, stride), around)


def residual_bottleneck(inputs: int, outputs: int, stride: int, mid_channels: int) -> nn.Module:
    """1x1 reduction, 3x3, 1x1 expansion and a shortcut (He et al. 2015, figure 5, right).

    Without `mid_channels` the 3x3 has a quarter of what comes out, as in table 1.
    """
    mid = mid_channels or max(1, outputs // resnet.EXPANSION)
    around = resnet.shortcut_for("projection", inputs, outputs, stride)
    return resnet.Residual(resnet.bottleneck(inputs, mid, outputs, stride), around)


def inception(inputs: int, module: str, naive: bool = False) -> nn.Module:
    """A module of GoogLeNet's table 1 (Szegedy et al. 2014, figure 2b; 2a where naive)."""
    return googlenet.Inception(inputs, googlenet.MODULES[f"inception{module}"], naive)


def inception_naive(inputs: int, module: str) -> nn.Module:
    """The same row without reductions; the pool passes on all that comes in."""
    return inception(inputs, module, naive=True)


BUILDERS: dict[str, Callable[..., nn.Module]] = {
    "conv": mobilenet_v1.conv,
    "separable": mobilenet_v1.separable,
    "plain": mobilenet_v1.conv,
    "bottleneck": bottleneck,
    "residual": residual,
    "residual_bottleneck": residual_bottleneck,
    "inverted_residual": mobilenet_v2.InvertedResidual,
    "inception_naive": inception_naive,
    "inception": inception,
}


def build(name: str, *, shape: str, chain: int = 1, **options: Any) -> nn.Module:
    """Build a block for maps of `shape`, height x width x channels, or a `chain` of several.

    Without `out_channels` as many come out as go in; of a chain the first alone changes the map.
    InputError for an even kernel, which cannot keep a map's sides.
    """
    inputs = parse_map(shape)[0]
    kernel = options.get("kernel", 1)
    if kernel % 2 == 0:
        window = units.window((kernel, kernel), (1,))
        raise InputError(f"{name}: a {window} kernel cannot keep a map's sides; give an odd one")
    if "out_channels" in options:
        options["outputs"] = options.pop("out_channels") or inputs
    first = BUILDERS[name](inputs, **options)
    if chain == 1:
        return first
    after = {**options, "stride": 1}
    return sequence(
        block1=first,
        **{
            f"block{number}": BUILDERS[name](options["outputs"], **after)
            for number in range(2, chain + 1)
        },
    )


initialise = he_initialise
