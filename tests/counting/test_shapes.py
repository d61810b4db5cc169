"""Our shape rules against torch's own kernels: two ways of running a trace, one result."""

import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from cnnbench.counting.tracing.trace import trace
from cnnbench.errors import InputError

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
