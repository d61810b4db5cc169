"""Operators of detectors, spectra and space: their products and sums by hand."""

import math
import sys
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench import count
from cnnbench.counting.cost import Trace

from ..libraries import operators_for_torchvision
from .networks import Calls


def counted(run: Callable[[Tensor], Tensor], *shape: int, **parts: object) -> Trace:
    return count(Calls(lambda net, x: run(x) if not parts else run(net, x), **parts), shape)  # type: ignore[call-arg]


THETA = torch.eye(2, 3)[None]
# What runs on one image of 4 x 8 x 8, its MACs and its elementwise FLOPs.
CASES = {
    "addbmm": (lambda x: torch.addbmm(x[0, 0], x[0], x[0]), 4 * 8 * 8 * 8, 0),
    "addr": (lambda x: torch.addr(x[0, 0], x[0, 0, 0], x[0, 1, 0]), 64, 0),
    "conv_tbc": (
        lambda x: torch.conv_tbc(x[0], torch.ones(3, 8, 5), torch.zeros(5)),
        2 * 8 * 5 * 8 * 3,
        0,
    ),
    "cdist": (lambda x: torch.cdist(x[0], x[0]), 4 * 8 * 8 * 8, 0),
    "cdist, by differences": (lambda x: torch.cdist(x[0], x[0], p=1.0), 4 * 8 * 8 * 8, 0),
    "pdist": (lambda x: F.pdist(x[0, 0]), 28 * 8, 0),
    "fft": (lambda x: torch.fft.fft(x.to(torch.complex64)), 0, 32 * 5 * 8 * 3),
    "rfft2": (lambda x: torch.fft.rfft2(x), 0, 4 * 5 * 64 * 6),
    "irfft": (lambda x: torch.fft.irfft(torch.fft.rfft(x)), 0, 2 * 32 * 5 * 8 * 3),
    "affine_grid": (lambda x: F.affine_grid(THETA, [1, 4, 8, 8], align_corners=False), 384, 0),
    "grid_sample": (
        lambda x: F.grid_sample(x, x[:, :2].permute(0, 2, 3, 1), align_corners=False),
        *(0, 256 * 4),
    ),
    "grid_sample, nearest": (
        lambda x: F.grid_sample(
            x, x[:, :2].permute(0, 2, 3, 1), mode="nearest", align_corners=False
        ),
        *(0, 256),
    ),
    "antialias, half the size": (
        lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True),
        *(0, 4 * (8 * 4 * 4 + 4 * 4 * 4)),
    ),
    "max_unpool": (
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
        *(0, 64 * 4),
    ),
    "fractional_max_pool": (
        lambda x: F.fractional_max_pool2d(x, 2, output_size=4),
        *(0, 64 * 4),
    ),
    "sort": (lambda x: x.sort().values, 0, 256),
    "topk": (lambda x: x.topk(2).values, 0, 256),
    "cumprod": (lambda x: x.cumprod(1), 0, 256),
    "scatter_add": (
        lambda x: x.scatter_add(1, torch.zeros(1, 2, 8, 8, dtype=torch.int64), x[:, :2]),
        *(0, 128),
    ),
    "nll_loss": (
        lambda x: F.nll_loss(x[0, 0], torch.zeros(8, dtype=torch.int64)),
        *(0, 8),
    ),
    "mse_loss": (lambda x: F.mse_loss(x, x), 0, 256),
}


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    run, macs, elementwise = CASES[name]
    found = counted(run, 4, 8, 8)
    assert (found.total.macs, found.total.elementwise_flops) == (macs, elementwise)
    assert found.uncounted == {}


def test_a_bilinear_layer_takes_its_first_input_first() -> None:
    net = nn.Bilinear(6, 5, 4, bias=False)
    assert count(net, ["6", "5"]).total.macs == 4 * 6 * 5 + 4 * 5
    assert count(net, ["6", "5"], batch=3).total.macs == 3 * 140
    assert count(net, ["6", "5"]).total.params == 120


def test_torchvisions_operators() -> None:
    operators_for_torchvision()
    ops = pytest.importorskip("torchvision.ops")
    net = nn.Sequential(nn.Identity())
    net.forward = lambda x: net.deform(x, net.offsets(x))  # type: ignore[method-assign]
    net.offsets = nn.Conv2d(16, 18, 3, padding=1, bias=False)
    net.deform = ops.DeformConv2d(16, 16, 3, padding=1, bias=False)
    found = count(net, (16, 16, 16))
    assert found.total.macs == 256 * 18 * 144 + 256 * 16 * 144
    assert found.total.params == 4896 and found.uncounted == {}
    boxes = torch.tensor([[0.0, 0, 8, 8], [4, 4, 8, 8], [0, 0, 2, 2]])
    pooled = counted(lambda x: ops.roi_align(x, [boxes], 7, sampling_ratio=2), 4, 8, 8)
    assert pooled.total.elementwise_flops == 3 * 4 * 49 * 16 and pooled.uncounted == {}
    kept = counted(lambda x: ops.nms(boxes + x[0, 0, :1, :4].abs(), x[0, 0, 0, :3], 0.5), 4, 8, 8)
    assert kept.uncounted == {} and kept.counted_on == "values"


def test_a_formula_registered_with_torch_is_used_and_said_to_be() -> None:
    from torch.utils.flop_counter import flop_registry, register_flop_formula

    with torch.library._scoped_library("cnnbench_test", "FRAGMENT") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: 2 * x, "CompositeExplicitAutograd")
        operator = torch.ops.cnnbench_test.twice
        register_flop_formula(operator)(lambda x, *, out_shape, **_: 2 * math.prod(out_shape))
        try:
            found = counted(lambda x: operator(x), 4, 8, 8)
        finally:
            del flop_registry[operator]
    assert found.total.macs == 256
    assert found.by_formula == {"cnnbench_test::twice": 1} and found.uncounted == {}
    assert "torch.utils.flop_counter" in sys.modules
