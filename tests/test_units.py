"""Numbers as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench import units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0, "0"), (999, "999"), (1000, "1.00 k"), (325_680, "326 k"), (4_231_976, "4.23 M")),
        *((999_499, "999 k"), (999_500, "1.00 M"), (9_996, "10.0 k"), (15_470_264_320, "15.5 G")),
    ],
)
def test_counts(value: int, text: str) -> None:
    assert units.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (10_235_904, "9.76 MiB")],
)
def test_sizes(value: int, text: str) -> None:
    assert units.size(value) == text


@given(st.integers(1, 10**17))
def test_three_digits_are_within_half_a_percent(value: int) -> None:
    number, _, prefix = units.count(value).partition(" ")
    scale = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}[prefix]
    assert float(number) * scale == pytest.approx(value, rel=0.005)
    assert len(number) <= 4 or prefix == "P"


def test_shapes_windows_and_shares() -> None:
    assert units.feature_map((1, 64, 56, 28)) == "56x28x64"
    assert units.feature_map((1, 1000)) == "1000"
    assert units.window((7, 7), (2, 2)) == "7x7 /2"
    assert units.window((3, 3), (1, 1)) == "3x3"
    assert units.window((3, 5), (2, 1)) == "3x5 /2x1"
    assert units.window((), ()) == ""
    assert units.share(0.948632) == "94.86%"
    assert [units.significant(v) for v in (0.1130, 19.29, 8.31, 0.00001)] == [
        *("0.113", "19.3", "8.31", "1.00e-05")
    ]


def test_ratios_and_differences() -> None:
    assert [units.ratio(value) for value in (8.4167, 0.632, 12.84)] == ["8.42x", "0.632x", "12.8x"]
    assert units.ratios(1.281, 1.376) == "1.28 … 1.38"
    assert [units.difference(value) for value in (0.071, -0.25, 0.0)] == ["+7.1%", "-25%", "0.0%"]
    assert units.percent(-0.0) == units.percent(-0.0004) == "0.0%"
