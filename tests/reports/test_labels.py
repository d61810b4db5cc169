"""Names on a chart: each stands beside its point, and on nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from cnnbench.reports import labels
from cnnbench.reports.labels import Spot, sides

places = st.floats(1, 1e6)
spots = st.lists(
    st.builds(Spot, places, places, st.text("abcdef_0123", min_size=1, max_size=20), st.booleans()),
    max_size=30,
)


@given(spots)
def test_no_name_covers_a_point_or_a_name(drawn: list[Spot]) -> None:
    found = sides(drawn, 640, 380)
    assert len(found) == len(drawn)
    assert all(not side for side, spot in zip(found, drawn, strict=True) if not spot.wanted)
    if not drawn:
        return
    across = labels._scaled([spot.x for spot in drawn], 640)
    down = [380 - y for y in labels._scaled([spot.y for spot in drawn], 380)]
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
    assert sides([Spot(1, 1, "lenet5", True), Spot(100, 100, "vgg16", True)], 640, 380) == [
        *("right", "right")
    ]
    assert sides([Spot(1, 1, "x" * 200, True)], 640, 380) == [""]
