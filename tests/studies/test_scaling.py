"""Families by their rule, and ways to spend MACs: against the counter and brute force."""

import math
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench.counting.count import count
from cnnbench.errors import SpecError
from cnnbench.models.scale import Axis, Compound, Way, moved, multiplied, scalable
from cnnbench.models.spec import Spec, parse
from cnnbench.reports.scale import measured_ends
from cnnbench.studies.scaling.family import Family, Scaled
from cnnbench.studies.scaling.records import scaled, spent
from cnnbench.studies.scaling.spend import Spent, rows, spend
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.samples.statistics import Interval
from cnnbench.timing.setting import Setting

from ..conftest import zoo
from ..zoo import costly

PAPER = Compound()


def spec_of(text: str) -> Spec:
    return scalable(parse(text))


@cache
def family_of(text: str) -> Family:
    return Family(spec_of(text))


def counted(found: list[Scaled], batch: int = 1) -> None:
    for row in found:
        trace = count(row.spec, batch=batch)
        assert row.costs.cost == trace.total, row.spec
        assert row.costs.peak_activation_bytes == trace.peak_activation_bytes, row.spec


def test_the_released_networks_have_the_accepted_costs() -> None:
    released = family_of("efficientnet").released()
    accepted = [row for row in zoo() if row["model"].startswith("efficientnet_b")]
    assert [row.released for row in released] == [row["model"] for row in accepted]
    assert [row.macs for row in released] == [int(row["macs"]) for row in accepted]
    assert [row.costs.cost.params for row in released] == [int(row["params"]) for row in accepted]
    assert family_of("efficientnet@num_classes=10").released() == []
    assert family_of("mobilenet_v1").released() == []


def test_the_formula_costs_what_the_counter_says() -> None:
    family = Family(spec_of("efficientnet@num_classes=10"), batch=2)
    found = family.formula(PAPER, (-2.0, 0.0, 0.5, 2.0))
    counted(found, batch=2)
    assert [row.phi for row in found] == [-2, 0, 0.5, 2]
    assert found[1].macs == family.macs == found[1].ideal_macs
    assert found[3].ideal_macs == pytest.approx(family.macs * PAPER.growth**2)
    # growth is for one unit of phi, whatever the step
    assert found[0].growth is None
    assert found[1].growth == pytest.approx((found[1].macs / found[0].macs) ** (1 / 2))
    assert found[2].growth == pytest.approx((found[2].macs / found[1].macs) ** 2)


def test_blocks_are_those_of_the_stages() -> None:
    """Tan & Le 2019, table 1: B0 has 1, 2, 2, 3, 3, 4, 1; each stage rounds up."""
    stages = (1, 2, 2, 3, 3, 4, 1)
    for row in family_of("efficientnet").formula(PAPER, (0.0, 1.0, 3.0)):
        depth = round(row.shares[Axis.DEPTH], 4)
        assert row.blocks == sum(math.ceil(depth * stage) for stage in stages)
        assert row.ideal_blocks == pytest.approx(sum(stages) * row.shares[Axis.DEPTH])


@pytest.mark.parametrize("text", ["mobilenet_v2", "resnet20", "vgg11@num_classes=10,width_mult=1"])
def test_a_grid_costs_what_the_counter_says(text: str) -> None:
    family = family_of(text)
    found = family.grid()
    assert sum(str(row.spec) == str(family.base) for row in found) == 1
    counted(found[::3])


# What each way can be made of: every step of its option that the targets below may ask for.
STEPS = {
    Way.DEPTH: [step / 100 for step in range(20, 220)],
    Way.WIDTH: [step / 100 for step in range(30, 160)],
    Way.RESOLUTION: range(32, 130),
    Way.COMPOUND: [step / 1000 for step in range(-3000, 1500)],
}


@cache
def lattice(text: str, way: Way) -> list[int]:
    base, family = spec_of(text), family_of(text)

    def made(step: float) -> Spec:
        if way is Way.COMPOUND:
            return multiplied(base, PAPER.shares(step))
        return moved(base, {way.axis: step})

    return sorted({family.cost(made(step)).cost.macs for step in STEPS[way]})


@costly
@settings(max_examples=60)
@given(
    case=st.sampled_from(
        [
            *(("efficientnet@resolution=64", way) for way in Way),
            *(("resnet20@resolution=48", way) for way in (Way.WIDTH, Way.RESOLUTION)),
            ("mobilenet_v2@width_mult=0.6,resolution=64", Way.WIDTH),
            ("vgg11@width_mult=0.1,resolution=80", Way.RESOLUTION),
        ]
    ),
    times=st.floats(0.65, 1.8),
)
def test_no_network_of_the_way_is_nearer(case: tuple[str, Way], times: float) -> None:
    text, way = case
    family = family_of(text)
    target = times * family.macs
    found = spend(family, way, target, PAPER)
    every = lattice(text, way)
    assert every[0] < target < every[-1]
    off = abs(math.log(count_of(family, found) / target))
    assert off == pytest.approx(min(abs(math.log(macs / target)) for macs in every), abs=1e-12)
    assert found.way is way and (found.phi is None) == (way is not Way.COMPOUND)


def count_of(family: Family, found: Spent) -> int:
    return family.cost(found.spec).cost.macs


def test_only_what_the_way_names_is_changed() -> None:
    family = family_of("efficientnet@num_classes=10")
    for way in (Way.DEPTH, Way.WIDTH, Way.RESOLUTION):
        spec = spend(family, way, 2 * family.macs, PAPER).spec
        changed = {key for key, value in spec.options if dict(family.base.options)[key] != value}
        assert changed == {str(way.axis)}
    most = spend(family, Way.COMPOUND, 2 * family.macs, Compound(1.5, 1, 1.3))
    assert most.phi is not None and "width_mult" not in str(most.spec)
    assert most.spec == multiplied(family.base, Compound(1.5, 1, 1.3).shares(most.phi))


@pytest.mark.parametrize(
    ("text", "way", "times"),
    [
        ("efficientnet", Way.DEPTH, 0.01),
        ("efficientnet", Way.DEPTH, 1e4),
        ("mobilenet_v1", Way.WIDTH, 1e-6),
        ("resnet20", Way.WIDTH, 1e6),
        ("efficientnet", Way.COMPOUND, 1e9),
    ],
)
def test_what_a_way_does_not_reach_names_where_it_ends(text: str, way: Way, times: float) -> None:
    family = family_of(text)
    with pytest.raises(SpecError, match=rf"no {way} of \w+ has .* MACs: .*@.* has "):
        spend(family, way, times * family.macs, PAPER)


def test_records_are_ratios_to_what_it_was() -> None:
    family, setting = family_of("resnet20"), Setting(batch=4)
    ways = [spend(family, way, 2 * family.macs, PAPER) for way in (Way.WIDTH, Way.RESOLUTION)]
    width, side = rows(family.base, ways, setting, values=False)
    # a comparison has time of the first / time of this one
    width = replace(width, measured=Interval(0.5, 0.4, 0.8), verdict=Verdict.SLOWER)
    side = replace(side, measured=Interval(0.5, 0.0, math.inf), verdict=Verdict.NOT_CONVERGED)
    base, wider, larger = spent([width, side], ways, setting)
    assert base["way"] is None and base["macs_ratio"] == 1 and base["measured_ratio"] is None
    assert base["macs"] == count("resnet20", batch=4).total.macs
    assert wider["macs_ratio"] == wider["macs"] / base["macs"]
    assert (wider["measured_ratio"], wider["ci_low"], wider["ci_high"]) == (2, 1.25, 2.5)
    assert larger["ci_low"] is None and larger["ci_high"] is None
    assert larger["params_ratio"] == 1 and larger["resolution"] > 32
    assert base["depth_mult"] is None and wider["width_mult"] > 1


def test_a_record_of_a_family_says_what_rounding_did() -> None:
    family = family_of("efficientnet")
    (row,) = family.formula(PAPER, (1.0,))
    (found,) = scaled([row], family.macs, Setting())
    assert found["macs_ratio"] == row.macs / family.macs
    assert found["ideal_macs_ratio"] == pytest.approx(PAPER.growth)
    assert found["difference"] == pytest.approx(found["macs_ratio"] / found["ideal_macs_ratio"] - 1)
    assert found["blocks"] == 23 and found["ideal_blocks"] == pytest.approx(16 * 1.2)
    assert found["model"] == "efficientnet_b0@width_mult=1.1,depth_mult=1.2,resolution=258"


def test_a_search_passes_by_what_is_too_small() -> None:
    """Below 32 pixels VGG has no feature map left."""
    family = family_of("vgg11@width_mult=0.1")
    found = spend(family, Way.RESOLUTION, 0.1 * family.macs, PAPER)
    assert count_of(family, found) == pytest.approx(0.1 * family.macs, rel=0.3)
    with pytest.raises(SpecError, match=r"@width_mult=0.1,resolution=32 has"):
        spend(family, Way.RESOLUTION, 1e-5 * family.macs, PAPER)


@pytest.mark.parametrize(
    ("intervals", "says"),
    [
        ({"depth": (1.8, 1.9), "width": (1.4, 1.5)}, "least by width, most by depth"),
        (
            {"depth": (1.8, 1.9), "width": (1.4, 1.5), "resolution": (1.48, 1.6)},
            "least by width or resolution, most by depth",
        ),
        (
            {"depth": (1.55, 1.9), "width": (1.4, 1.5), "resolution": (1.48, 1.6)},
            "least by width or resolution, most by depth or resolution",
        ),
        ({"depth": (1.4, 1.9), "width": (1.3, 1.5)}, "do not tell the ways apart"),
    ],
)
def test_the_fastest_way_is_told_as_far_as_intervals_go(
    intervals: dict[str, tuple[float, float]], says: str
) -> None:
    ways = [
        {"way": way, "measured_ratio": (low + high) / 2, "ci_low": low, "ci_high": high}
        for way, (low, high) in intervals.items()
    ]
    assert measured_ends(ways).endswith(says)
