"""Names on a chart: each stands beside its point, and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from cnnbench.reports.charts import labels
from cnnbench.reports.charts.labels import Spot, sides
from cnnbench.reports.charts.style import ticks

AXIS = (0.5, 2e6)
places = st.floats(1, 1e6)
spots = st.lists(
    st.builds(Spot, places, places, st.text("abcdef_0123", min_size=1, max_size=20), st.booleans()),
    max_size=30,
)


@given(spots)
def test_no_name_covers_a_point_or_a_name(drawn: list[Spot]) -> None:
    found = sides(drawn, 640, 380, AXIS, AXIS)
    assert len(found) == len(drawn)
    assert all(not side for side, spot in zip(found, drawn, strict=True) if not spot.wanted)
    across = [labels._at(spot.x, AXIS, 640) for spot in drawn]
    down = [380 - labels._at(spot.y, AXIS, 380) for spot in drawn]
    boxes = []
    for side, spot, x, y in zip(found, drawn, across, down, strict=True):
        length = labels._LETTER * len(spot.name)
        if side:
            left = x + labels._GAP if side == "right" else x - labels._GAP - length
            boxes.append((left, y - 6.5, left + length, y + 6.5))
            assert left >= 0 and left + length <= 640
    for index, a in enumerate(boxes):
        assert not any(labels._meet(a, b) for b in boxes[index + 1 :])
        assert not any(
            a[0] < x < a[2] and a[1] < y < a[3] for x, y in zip(across, down, strict=True)
        )


def test_a_name_alone_stands_to_the_right() -> None:
    two = [Spot(1, 1, "lenet5", True), Spot(100, 100, "vgg16", True)]
    assert sides(two, 640, 380, AXIS, AXIS) == ["right", "right"]
    assert sides([Spot(1, 1, "x" * 200, True)], 640, 380, AXIS, AXIS) == [""]
    assert sides([Spot(9e5, 1, "at the edge", True)], 640, 380, AXIS, AXIS) == ["left"]
    assert sides([], 640, 380, AXIS, AXIS) == []


@given(st.floats(1e-6, 1e9), st.floats(1.01, 1e9))
def test_an_axis_has_two_lines_or_more(low: float, ratio: float) -> None:
    found = ticks(low, low * ratio)
    assert 2 <= len(found) <= 12 and found == sorted(found)
    assert all(low * (1 - 1e-9) <= tick <= low * ratio * (1 + 1e-9) for tick in found)
