"""Signals through chains whose gain is known, through the papers' blocks, and after training."""

import math
from collections import OrderedDict
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cnnbench.errors import InputError
from cnnbench.studies.depth import gradients as study
from cnnbench.studies.depth.batch_norm import BatchNorm
from cnnbench.studies.depth.blocks import blocks_of, looking, remove_batch_norm, share
from cnnbench.studies.depth.gradients import signals, variant
from cnnbench.studies.depth.records import block_records, record
from cnnbench.studies.depth.signal import SignalVerdict, judged, verdict
from cnnbench.studies.depth.trainings import blocks_after, trainings, weight_norms
from cnnbench.timing.samples.statistics import Interval

SMALL = "resolution=8,width_mult=0.5"


def chain(gain: float, layers: int = 6) -> nn.Sequential:
    """Each layer moves every number to another place, times the gain."""
    net = nn.Sequential(*(nn.Linear(8, 8, bias=False) for _ in range(layers)))
    for layer in net:
        layer.weight.data = gain * torch.eye(8)[torch.randperm(8)]  # type: ignore[union-attr]
    return net


@pytest.mark.parametrize(
    ("gain", "says"),
    [(0.25, SignalVerdict.VANISHING), (1.0, SignalVerdict.HEALTHY), (4.0, SignalVerdict.EXPLODING)],
)
def test_a_chain_of_known_gain(gain: float, says: SignalVerdict) -> None:
    (row,) = signals([chain(gain)], (8,), batch=4).rows
    assert [block.depth for block in row.blocks] == [1, 2, 3, 4, 5, 6]
    last, first = row.blocks[-1], row.blocks[0]
    for block in row.blocks:
        after = 6 - block.depth
        assert block.gradient.median == pytest.approx(gain**after * last.gradient.median)
        assert block.variance.median == pytest.approx(
            gain ** (2 * (block.depth - 1)) * first_of(row)
        )
    assert row.gradient_ratio.median == pytest.approx(gain**5)
    assert row.gradient_ratio.low == pytest.approx(row.gradient_ratio.high)
    assert row.variance_ratio.median == pytest.approx(gain**10)
    assert row.verdict is says and first.name == "0"


def first_of(row: Any) -> float:
    return float(row.blocks[0].variance.median)


@pytest.mark.parametrize(
    ("ratio", "says"),
    [
        (Interval(1, 0.01, 100), SignalVerdict.HEALTHY),
        (Interval(0.0099, 0.005, 0.00999), SignalVerdict.VANISHING),
        (Interval(101, 100.1, 150), SignalVerdict.EXPLODING),
        (Interval(1, 0.0099, 2), SignalVerdict.UNDECIDED),
        (Interval(101, 99, 150), SignalVerdict.UNDECIDED),
        (Interval(99, -math.inf, math.inf), SignalVerdict.HEALTHY),  # too few seeds for an interval
        (Interval(0.009, -math.inf, math.inf), SignalVerdict.VANISHING),
        (Interval(101, -math.inf, math.inf), SignalVerdict.EXPLODING),
        (Interval(math.inf, math.inf, math.inf), SignalVerdict.EXPLODING),
        (Interval(0.0, 0.0, 0.0), SignalVerdict.VANISHING),
    ],
)
def test_a_way_is_judged_by_its_interval(ratio: Interval, says: SignalVerdict) -> None:
    assert judged(ratio) is says
    squared = Interval(*(x if x < 0 else x * x for x in (ratio.median, ratio.low, ratio.high)))
    assert judged(squared, power=2) is says


GOOD, TINY, LARGE = (Interval(x, x, x) for x in (1.0, 1e-5, 1e5))
OPEN = Interval(100, 10, 1e5)


@pytest.mark.parametrize(
    ("gradient", "variance", "says"),
    [
        (GOOD, GOOD, SignalVerdict.HEALTHY),
        (GOOD, TINY, SignalVerdict.VANISHING),
        (GOOD, LARGE, SignalVerdict.EXPLODING),
        (TINY, GOOD, SignalVerdict.VANISHING),
        (LARGE, TINY, SignalVerdict.EXPLODING),  # the gradient is what learns
        (OPEN, LARGE, SignalVerdict.EXPLODING),
        (OPEN, GOOD, SignalVerdict.UNDECIDED),
        (GOOD, OPEN, SignalVerdict.UNDECIDED),
        (GOOD, Interval(1, 2e-4, 9e3), SignalVerdict.HEALTHY),
    ],
)
def test_a_verdict_is_of_both_ways(
    gradient: Interval, variance: Interval, says: SignalVerdict
) -> None:
    assert verdict(gradient, variance) is says


def test_ratios_of_what_is_no_number() -> None:
    assert (share(1, 2), share(0, 0), share(1, 0)) == (0.5, 0, math.inf)
    assert share(math.nan, 1) == share(1, math.nan) == share(math.inf, 1) == math.inf


def test_batch_norm_alone_makes_plain_networks_explode() -> None:
    """Yang et al. 2019: by sqrt(pi / (pi - 1)) a layer, wide and without a shortcut."""
    rows = signals(["plain56", "resnet56"], batch=8, batch_norm=BatchNorm.WITH).rows
    plain, residual = rows
    assert (plain.verdict, residual.verdict) == (SignalVerdict.EXPLODING, SignalVerdict.HEALTHY)
    assert [len(row.blocks) for row in rows] == [27, 27]
    assert plain.blocks[9].name == "stage2.block1"
    a_layer = plain.gradient_ratio.median ** (1 / 52)
    assert a_layer == pytest.approx(math.sqrt(math.pi / (math.pi - 1)), rel=0.05)


def test_without_batch_norm_weights_are_the_same() -> None:
    normed, bare = (variant(f"resnet20@{SMALL}", None, norm, 3, 2).net for norm in (True, False))
    there = dict(normed.named_parameters())
    left = dict(bare.named_parameters())
    assert all(torch.equal(there[name], value) for name, value in left.items())
    assert {name for name in there if ".norm." not in name} == set(left)


def test_a_networks_own_blocks_and_layers() -> None:
    assert list(blocks_of(variant("vgg11@resolution=32", None, False, 0, 2).net))[-1] == "head.fc8"
    nested = nn.ModuleDict({"block1": nn.ModuleDict({"block2": nn.Linear(1, 1)})})
    nested["block3"] = nn.Linear(1, 1)
    assert list(blocks_of(nested)) == ["block1", "block3"]
    with pytest.raises(InputError, match="no two blocks or layers"):
        blocks_of(nn.Linear(1, 1))


def test_activations_in_place_do_not_change_what_is_seen() -> None:
    class Hasty(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu_() + 1

    net = nn.Sequential(OrderedDict(block1=Hasty(), block2=nn.Sequential(Hasty(), nn.ReLU(True))))
    seen: dict[str, tuple[Tensor | None, Tensor]] = {}
    with looking(net, lambda name, x, out: seen.update({name: (x, out.clone())})):
        net(torch.tensor([-2.0, 3.0]))
    assert seen["block1"][0] is not None and seen["block1"][0].tolist() == [-2, 3]
    assert seen["block1"][1].tolist() == [1, 4]
    assert not any(module._forward_hooks for module in net.modules())


def test_the_users_network_and_random_state_stay() -> None:
    net = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.LazyLinear(10))
    net(torch.zeros(2, 1, 8, 8))
    state, numbers = deepcopy(net.state_dict()), torch.get_rng_state()
    with_norm, without = signals([net], (1, 8, 8), batch=4, seeds=2).rows
    assert (with_norm.batch_norm, without.batch_norm) == (True, False)
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert torch.equal(torch.get_rng_state(), numbers) and isinstance(net[1], nn.BatchNorm2d)


def test_a_norm_that_does_more_is_not_removed() -> None:
    class NormAndRelu(nn.BatchNorm2d):
        pass

    with pytest.raises(InputError, match="NormAndRelu does more than normalise"):
        remove_batch_norm(nn.Sequential(NormAndRelu(3)))
    with pytest.raises(InputError, match="lenet5 has no batch norm; leave --batch-norm out"):
        signals(["lenet5"], batch_norm=BatchNorm.WITH)


def test_ctrl_c_keeps_the_seeds_that_were_done(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = signals([chain(1.0), chain(2.0)], (8,), batch=4, seeds=3)
    passes, passed = [], study._pass

    def stops(*given: Any) -> Any:
        passes.append(1)
        if len(passes) == 5:
            raise KeyboardInterrupt
        return passed(*given)

    monkeypatch.setattr(study, "_pass", stops)
    cut = signals([chain(1.0), chain(2.0)], (8,), batch=4, seeds=3)
    assert cut.interrupted and not whole.interrupted
    assert [row.seeds for row in cut.rows] == [(0, 1, 2), (0,)]
    passes[:] = [1] * 4
    with pytest.raises(KeyboardInterrupt):
        signals([chain(1.0)], (8,), batch=4)


class Scaled(nn.Module):
    """x times a number: |gain - 1| from the identity."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.linear.weight.data = gain * torch.eye(8)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x)  # type: ignore[no-any-return]


def test_how_far_a_block_is_from_the_identity() -> None:
    blocks = {"block1": Scaled(1.0), "block2": Scaled(0.25), "block3": nn.Linear(8, 4)}
    net = nn.Sequential(OrderedDict(blocks))
    before = weight_norms(net)
    assert before["block2"] == pytest.approx(0.25 * math.sqrt(8))
    before["block2"] *= 2
    images = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    same, quarter, other = blocks_after(net, images, before)
    assert same.identity_distance == 0 and same.weight_ratio == 1
    assert quarter.identity_distance == pytest.approx(0.75)
    assert quarter.weight_ratio == pytest.approx(0.5)
    assert quarter.variance == pytest.approx(same.variance / 16)
    assert other.identity_distance is None and other.depth == 3


def test_decay_leaves_a_residual_block_the_identity_and_a_plain_one_nothing() -> None:
    pytest.importorskip("sklearn")
    models = [f"{name}20@{SMALL}" for name in ("plain", "resnet")]
    options: dict[str, Any] = {"steps": 60, "batch": 8, "batch_norm": BatchNorm.WITHOUT}
    found = trainings(models, weight_decays=(0.0, 3.0), **options)
    _, decayed, _, residual = found.rows
    assert not found.interrupted and [row.weight_decay for row in found.rows] == [0, 3, 0, 3]
    for row in (decayed, residual):
        assert all(b.weight_ratio is not None and b.weight_ratio < 0.2 for b in row.blocks)
    for block, kept in zip(decayed.blocks, residual.blocks, strict=True):
        if block.identity_distance is None:  # where the stage changes
            assert block.name.endswith("block1") and kept.identity_distance is None
            continue
        assert block.identity_distance == pytest.approx(1, abs=0.15)
        assert kept.identity_distance is not None and kept.identity_distance < 0.15
    lost, kept_back = (row.blocks[-1].variance / row.blocks[0].variance for row in found.rows[1::2])
    assert lost < 1e-9 and kept_back > 0.01


def test_ctrl_c_keeps_the_steps_that_were_done() -> None:
    pytest.importorskip("sklearn")

    def stop(text: str, done: int, of: int) -> None:
        assert of == 5 and text.startswith("plain20@width_mult=0.5,resolution=8, loss 2.")
        if done == 2:
            raise KeyboardInterrupt

    found = trainings([f"plain20@{SMALL}", "lenet5"], steps=5, batch=4, say=stop)
    (row,) = found.rows
    assert found.interrupted and row.training.interrupted and len(row.training.losses) == 2
    assert len(row.blocks) == 9


def test_records_have_no_infinities() -> None:
    (row,) = signals([chain(1e30)], (8,), batch=4, seeds=1).rows
    found = record(row, [])
    assert found["verdict"] == "exploding" and found["gradient_ratio"] is None
    assert found["ci_low"] is None and found["trainings"] == []
    flat = block_records(row, [])
    assert [one["depth"] for one in flat] == [1, 2, 3, 4, 5, 6] and flat[-1]["variance"] is None
    assert flat[0]["identity_distance"] is None and flat[0]["model"] == "Sequential"
