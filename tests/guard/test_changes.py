"""Which layers changed: by name, by what they are, and adding up to the whole difference."""

from hypothesis import given
from hypothesis import strategies as st

from cnnbench.guard.changes import Change, changes, pairs
from cnnbench.guard.costs import Layer


def layer(name: str, macs: int = 1, does: str = "conv2d 3x3") -> Layer:
    return Layer(layer=name, does=does, output="8x8x8", macs=macs)


def found(before: list[Layer], after: list[Layer]) -> list[tuple[str, Change, float]]:
    cost = lambda layer: layer.macs  # noqa: E731
    return [(c.layer, c.change, c.difference) for c in changes(pairs(before, after), cost, cost)]


def test_a_layer_put_in_front_renames_the_rest_and_changes_none_of_it() -> None:
    before = [layer("0", 10), layer("1", 20), layer("2", 30)]
    after = [layer("0", 5), layer("1", 10), layer("2", 20), layer("3", 30)]
    assert found(before, after) == [("0", Change.ADDED, 5)]
    assert found(after, before) == [("0", Change.REMOVED, -5)]


def test_kinds_of_change_largest_first() -> None:
    before = [layer("a", 10), layer("b", 20), layer("c", 30), layer("d", 40), layer("same", 7)]
    after = [layer("a", 11), layer("b", 50, "conv2d 5x5"), layer("d", 39), layer("same", 7)]
    assert found(before, after) == [
        ("b", Change.RESHAPED, 30),
        ("a", Change.COSTLIER, 1),
        ("d", Change.CHEAPER, -1),
        ("c", Change.REMOVED, -30),
    ]


layers = st.lists(
    st.builds(layer, st.sampled_from("abcdef"), st.integers(0, 4), st.sampled_from(["x", "y"])),
    max_size=8,
    unique_by=lambda layer: layer.layer,
)


@given(layers, layers)
def test_every_layer_has_one_place_and_the_differences_add_up(
    before: list[Layer], after: list[Layer]
) -> None:
    paired = pairs(before, after)
    assert sorted(old.layer for old, _ in paired if old) == sorted(old.layer for old in before)
    assert sorted(new.layer for _, new in paired if new) == sorted(new.layer for new in after)
    whole = sum(new.macs for new in after) - sum(old.macs for old in before)
    assert sum(difference for _, _, difference in found(before, after)) == whole


@given(layers)
def test_equal_networks_have_no_change(same: list[Layer]) -> None:
    assert found(same, same) == []
