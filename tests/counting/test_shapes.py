"""Our shape rules against torch's own kernels, and MACs against a loop of multiplications."""

import itertools

import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cnnbench.counting.count import count
from cnnbench.counting.trace import trace
from cnnbench.errors import InputError

settings.register_profile(
    "cnnbench", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("cnnbench")
small = st.integers(1, 4)


def both_ways(net: nn.Module, shape: tuple[int, ...]) -> None:
    """The rules and torch give one trace, or both refuse."""
    image = torch.empty(shape, device="meta")
    try:
        expected = trace(net, [image], shape_rules=False)
    except InputError as refused:
        try:
            trace(net, [image])
        except InputError as error:
            assert str(error) == str(refused)
        else:
            raise AssertionError(f"torch refuses: {refused}") from refused
    else:
        assert trace(net, [image]) == expected


@given(
    side=st.integers(1, 12),
    kernel=st.tuples(small, small),
    stride=small,
    padding=st.one_of(st.integers(0, 3), st.sampled_from(["same", "valid"])),
    dilation=small,
    groups=st.sampled_from([1, 2, 4]),
    filters=st.sampled_from([4, 6, 8]),
    channels=st.sampled_from([2, 4]),
)
def test_convolutions(side, kernel, stride, padding, dilation, groups, filters, channels):  # type: ignore[no-untyped-def]
    assume(filters % groups == 0 and 4 % groups == 0)
    assume(not (padding == "same" and stride > 1))
    net = nn.Conv2d(4, filters, kernel, stride, padding, dilation, groups)
    both_ways(net, (2, channels, side, side + 1))


@given(
    side=st.integers(1, 12),
    kernel=small,
    stride=small,
    padding=st.integers(0, 2),
    ceil_mode=st.booleans(),
    kind=st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]),
)
def test_pooling(side, kernel, stride, padding, ceil_mode, kind):  # type: ignore[no-untyped-def]
    both_ways(kind(kernel, stride, padding, ceil_mode=ceil_mode), (1, 3, side, 2 * side))


@given(size=st.integers(1, 6), side=st.integers(1, 9), last=st.integers(1, 4))
def test_adaptive_pooling_norms_and_linear(size, side, last):  # type: ignore[no-untyped-def]
    net = nn.Sequential(
        nn.BatchNorm2d(3), nn.SiLU(), nn.AdaptiveAvgPool2d(size), nn.Linear(last, 2), nn.Sigmoid()
    )
    both_ways(net, (2, 3, side, side))


@given(
    channels=st.integers(1, 3),
    per_group=small,
    groups=st.integers(1, 3),
    kernel=small,
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    side=st.integers(4, 7),
)
def test_macs_are_the_multiplications_of_a_plain_loop(  # type: ignore[no-untyped-def]
    channels, per_group, groups, kernel, stride, padding, side
):
    net = nn.Conv2d(channels * groups, per_group * groups, kernel, stride, padding, groups=groups)
    sides = range(-padding, side + padding - kernel + 1, stride)
    multiplications = 0
    for _top, _left, _filter in itertools.product(sides, sides, range(per_group * groups)):
        for _channel, _row, _column in itertools.product(
            range(channels), range(kernel), range(kernel)
        ):
            multiplications += 1
    assert count(net, (channels * groups, side, side)).total.macs == multiplications


layer = st.sampled_from(
    [
        lambda: nn.Conv2d(4, 4, 3, padding=1),
        lambda: nn.Conv2d(4, 4, 1, groups=4),
        lambda: nn.BatchNorm2d(4),
        lambda: nn.ReLU(inplace=True),
        lambda: nn.AvgPool2d(3, 1, 1),
        lambda: nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sigmoid()),
    ]
)


@given(first=st.lists(layer, max_size=4), second=st.lists(layer, max_size=4))
def test_cost_adds_over_sequential(first, second):  # type: ignore[no-untyped-def]
    one = nn.Sequential(*(make() for make in first))
    two = nn.Sequential(*(make() for make in second))
    shape = (4, 6, 6)
    together = count(nn.Sequential(one, two), shape).total
    assert together == count(one, shape).total + count(two, shape).total
