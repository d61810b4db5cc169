"""Weights that are zero are named; they cost what others cost."""

import torch
from torch import nn
from torch.nn.utils import prune

from cnnbench.counting.count import count
from cnnbench.counting.zeros import zero_params

from .networks import conv


def pruned() -> nn.Sequential:
    net = nn.Sequential(conv(3, 16, 3), nn.ReLU(), conv(16, 16, 3))
    prune.l1_unstructured(net[2], "weight", 0.5)  # type: ignore[no-untyped-call]
    return net


def test_masked_and_removed_weights_cost_as_before() -> None:
    dense = count(nn.Sequential(conv(3, 16, 3), nn.ReLU(), conv(16, 16, 3)), (3, 8, 8))
    masked, removed = pruned(), pruned()
    prune.remove(removed[2], "weight")  # type: ignore[no-untyped-call]
    for net in (masked, removed):
        found = count(net, (3, 8, 8))
        assert found.zero_params == 16 * 16 * 9 // 2
        assert (found.total.params, found.total.macs) == (dense.total.params, dense.total.macs)
    assert dense.zero_params == 0


def test_biases_and_norms_that_begin_as_zero_are_none() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    nn.init.zeros_(net[0].bias)
    assert zero_params(net) == 0


def test_large_weights_are_seen_by_a_sample_whatever_the_pattern() -> None:
    net = nn.Sequential(nn.Linear(512, 512), nn.Linear(512, 512))
    with torch.no_grad():
        net[0].weight.view(-1, 4)[:, 2:] = 0  # two of four
        net[1].weight[::5] = 0  # rows
    assert zero_params(net) == 512 * 512 // 2 + 103 * 512


def test_weights_without_values_and_others_than_plain_ones_are_passed_by() -> None:
    assert zero_params(nn.Linear(8, 8, device="meta")) == 0
    net = nn.Module()
    net.weight = nn.Parameter(torch.eye(4).to_sparse(), requires_grad=False)
    assert zero_params(net) == 0
