"""Random small networks: our MACs against a loop that multiplies, sums, batches, two ways."""

from dataclasses import dataclass
from itertools import product

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnbench.counting.count import count
from cnnbench.counting.tracing.trace import trace

profile = settings(max_examples=40)


@dataclass(frozen=True)
class Layer:
    """A layer as drawn, to be built by torch and multiplied out by hand."""

    kind: str
    outputs: int = 0
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    def build(self, channels: int) -> nn.Module:
        window = (self.kernel, self.stride, self.padding)
        makers = {
            "conv": lambda: nn.Conv2d(
                channels, self.outputs, *window, self.dilation, self.groups, bias=False
            ),
            "transposed": lambda: nn.ConvTranspose2d(
                channels, self.outputs, *window, groups=self.groups, dilation=self.dilation
            ),
            "norm": lambda: nn.BatchNorm2d(channels),
            "relu": lambda: nn.ReLU(inplace=self.stride == 1),
            "pool": lambda: nn.AvgPool2d(self.kernel, self.stride),
        }
        return makers[self.kind]()

    def multiply(self, channels: int, side: int) -> tuple[int, int, int]:
        """Scalar multiplications on a map, one by one, and the map's channels and side after."""
        k, s, p, d, g = self.kernel, self.stride, self.padding, self.dilation, self.groups
        reach = d * (k - 1)
        done = 0
        if self.kind == "conv":
            starts = range(-p, side + p - reach, s)
            for _place, output in product(product(starts, starts), range(self.outputs)):
                group = output // (self.outputs // g)
                for channel in range(channels):
                    if channel // (channels // g) == group:
                        done += len(list(product(range(k), range(k))))
            return done, self.outputs, len(starts)
        if self.kind == "transposed":
            for _place, channel in product(product(range(side), range(side)), range(channels)):
                group = channel // (channels // g)
                for output in range(self.outputs):
                    if output // (self.outputs // g) == group:
                        done += len(list(product(range(k), range(k))))
            return done, self.outputs, (side - 1) * s - 2 * p + reach + 1
        if self.kind == "pool":
            return 0, channels, len(range(0, side - k + 1, s))
        return 0, channels, side


few = st.integers(1, 3)
convolutions = st.builds(
    Layer,
    kind=st.sampled_from(["conv", "transposed"]),
    outputs=st.sampled_from([2, 4, 6]),
    kernel=few,
    stride=st.integers(1, 2),
    padding=st.integers(0, 1),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2]),
)
others = st.builds(
    Layer, kind=st.sampled_from(["norm", "relu", "pool"]), kernel=few, stride=st.integers(1, 2)
)
networks = st.lists(convolutions | others, max_size=5)
CHANNELS, SIDE = 4, 7


def built(layers: list[Layer], channels: int = CHANNELS, side: int = SIDE) -> nn.Sequential:
    """The network; drawn again where a map would vanish or grow out of hand."""
    modules = []
    for layer in layers:
        modules.append(layer.build(channels))
        _, channels, side = layer.multiply(channels, side)
        assume(0 < side <= 12)
    return nn.Sequential(*modules)


def multiplied(layers: list[Layer]) -> int:
    total, channels, side = 0, CHANNELS, SIDE
    for layer in layers:
        done, channels, side = layer.multiply(channels, side)
        total += done
    return total


@profile
@given(networks)
def test_macs_are_the_multiplications_of_a_plain_loop(layers: list[Layer]) -> None:
    net = built(layers)
    assert count(net, (CHANNELS, SIDE, SIDE)).total.macs == multiplied(layers)


@profile
@given(networks, st.integers(2, 4))
def test_batch_scales_work_and_not_params(layers: list[Layer], batch: int) -> None:
    net = built(layers)
    one, many = (count(net, (CHANNELS, SIDE, SIDE), batch=n).total for n in (1, batch))
    assert (many.macs, many.elementwise_flops, many.activations, many.params) == (
        *(batch * one.macs, batch * one.elementwise_flops, batch * one.activations),
        one.params,
    )


@profile
@given(networks, networks)
def test_cost_adds_over_sequential(first: list[Layer], second: list[Layer]) -> None:
    whole = built([*first, *second])
    one, two = whole[: len(first)], whole[len(first) :]
    middle = count(one, (CHANNELS, SIDE, SIDE))
    between = middle.operators[-1].output[1:] if middle.operators else (CHANNELS, SIDE, SIDE)
    together = count(whole, (CHANNELS, SIDE, SIDE)).total
    assert together == middle.total + count(two, between).total


@profile
@given(networks)
def test_two_ways_of_finding_shapes_agree(layers: list[Layer]) -> None:
    net, x = built(layers), torch.empty(2, CHANNELS, SIDE, SIDE, device="meta")
    assert trace(net, [x]) == trace(net, [x], shape_rules=False)


@profile
@given(networks)
def test_a_training_step_multiplies_three_times(layers: list[Layer]) -> None:
    net = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False), *built(layers))
    for layer in net:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # two in a row have no gradient, in a real pass neither
    step = count(net, (CHANNELS, SIDE, SIDE), batch=2, train=True)
    stem = 2 * SIDE * SIDE * CHANNELS * CHANNELS
    forward = stem + 2 * multiplied(layers)
    assert (step.forward.macs, step.backward.macs) == (forward, 2 * forward - stem)


class Folding(nn.Module):
    """Folds its batch into the positions of a sequence, as attention heads and patches do."""

    def __init__(self, channels: int, outputs: int, heads: int) -> None:
        super().__init__()
        self.fc = nn.Linear(channels, outputs * heads, bias=False)
        self.heads = heads

    def forward(self, x: Tensor) -> Tensor:
        flat = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # [N H W, C]
        y = self.fc(flat).view(x.shape[0] * self.heads, -1, self.fc.out_features // self.heads)
        return y @ y.transpose(1, 2)


@profile
@given(st.integers(1, 4), few, few, st.integers(1, 3))
def test_a_folded_batch_loses_nothing(batch: int, outputs: int, heads: int, side: int) -> None:
    net = Folding(3, outputs, heads)
    positions = side * side
    linear = positions * 3 * outputs * heads
    scores = heads * positions * positions * outputs
    assert count(net, (3, side, side), batch=batch).total.macs == batch * (linear + scores)
    x = torch.empty(batch, 3, side, side, device="meta")
    assert trace(net, [x]) == trace(net, [x], shape_rules=False)


@profile
@given(networks, st.booleans())
def test_a_pass_on_values_says_the_same(layers: list[Layer], train: bool) -> None:
    net = nn.Sequential(nn.Conv2d(CHANNELS, CHANNELS, 1), built(layers))
    for layer in net.modules():
        if isinstance(layer, nn.ReLU):  # two in place, one after the other, have no gradient
            layer.inplace = layer.inplace and not train
    x = torch.randn(2, CHANNELS, SIDE, SIDE)
    shapes, values = (trace(net, [x], train=train, values=values) for values in (False, True))
    assert values.operators == shapes.operators and values.buffers == shapes.buffers
