"""Variants among published ones: which are near, between which they lie, what is estimated."""

import csv
import io
import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench.counting.chains import ChainCost
from cnnbench.counting.cost import Cost
from cnnbench.counting.count import count
from cnnbench.models.scale import Axis, Compound, at, axes, multiplied, scalable
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.choosing.neighbours import CONFIDENCE, NEAR, Neighbours, Place, rising
from cnnbench.studies.scaling.budget import Rule
from cnnbench.studies.scaling.rules import networks
from cnnbench.studies.scaling.variants import Variant, distinct, variants

from ..commands import command
from ..zoo import costly

KNOWN = Neighbours()


def spec_of(text: str) -> Spec:
    return scalable(parse(text))


def place_of(text: str, *, estimated: bool = False) -> Place:
    (variant,) = variants([spec_of(text)])
    return KNOWN.place(variant, estimated=estimated)


@pytest.mark.parametrize(
    ("text", "distance", "below", "above"),
    [
        ("efficientnet_b0@width_mult=2,depth_mult=0.25", 4.0, "efficientnet_b0", "efficientnet_b1"),
        ("efficientnet_b0@width_mult=1.05,depth_mult=1.15,resolution=250", 1.0, "b1", "b2"),
        ("mobilenet_v1@width_mult=0.35", 1.0, None, None),
        ("mobilenet_v1@width_mult=2", 2.0, "mobilenet_v1", None),
        ("resnet50@width_mult=0.5", 2.0, None, "resnet50"),
    ],
)
def test_where_a_variant_lies(
    text: str, distance: float, below: str | None, above: str | None
) -> None:
    place = place_of(text)
    assert place.itself is None and place.distance is not None
    assert place.distance == pytest.approx(distance, rel=0.06)
    assert place.is_near is (distance < NEAR)
    macs = count(spec_of(text)).total.macs
    for end, name in ((place.below, below), (place.above, above)):
        if name is not None:
            assert end is not None and str(end.spec).endswith(name)
        if end is not None:
            assert (end.costs.cost.macs <= macs) is (end is place.below)
    if place.below and place.above:
        assert place.below.accuracy.percent < place.above.accuracy.percent


def test_a_published_variant_is_itself() -> None:
    for text in ("efficientnet_b3", "mobilenet_v1@width_mult=0.5,resolution=160", "mobilenet_v2"):
        place = place_of(text, estimated=True)
        assert place.itself is not None and str(place.itself.spec) == text
        assert place.distance == pytest.approx(1.0) and place.estimate is None
    made = "efficientnet_b0@width_mult=1.2,depth_mult=1.4,resolution=300"
    itself = place_of(made).itself
    assert itself is not None and str(itself.spec) == "efficientnet_b3"
    assert (
        place_of("mobilenet_v1@num_classes=10").distance is None
    )  # of 1,000 classes are published


@pytest.mark.parametrize("text", ["efficientnet", "mobilenet_v1", "mobilenet_v2"])
def test_what_the_default_tries_is_near(text: str) -> None:
    spec = spec_of(text)
    tried = distinct(networks(spec, Rule.NEAR, 200, KNOWN.specs(spec), KNOWN.near(spec)))
    assert 150 <= len(tried) <= 500
    places = [KNOWN.place(Variant(one, ChainCost(Cost(macs=10**9), 0, None))) for one in tried]
    assert all(place.is_near for place in places)
    assert {str(one) for one in KNOWN.specs(spec)} <= {str(one) for one in tried}
    anything = distinct(networks(spec, Rule.ANY, 200, (), None))
    near = KNOWN.near(spec)
    places_ = np.array([[at(one, axis) for axis in axes(one)] for one in anything])
    assert near is not None and not near(places_).all()


def test_the_papers_rules() -> None:
    spec = spec_of("efficientnet")
    found = networks(spec, Rule.COMPOUND, 1000, KNOWN.specs(spec))
    made = {str(multiplied(spec, Compound().shares(phi))) for phi in (-2, 0, 1.5, 7)}
    assert made <= {str(one) for one in found} and "efficientnet_b4" in map(str, found)
    larger = networks(spec_of("efficientnet_b7"), Rule.COMPOUND, 1000)
    assert {one.input_shape for one in larger} == {
        one.input_shape for one in networks(spec, Rule.COMPOUND, 1000)
    }
    held = networks(spec_of("efficientnet@resolution=224"), Rule.COMPOUND, 1000, KNOWN.specs(spec))
    assert {at(one, Axis.RESOLUTION) for one in held} == {224}
    mobile = spec_of("mobilenet_v1")
    grid = distinct(networks(mobile, Rule.COMPOUND, 1000, KNOWN.specs(mobile)))
    assert {str(one) for one in grid} == {str(one) for one in KNOWN.specs(mobile)}


def test_an_estimate_lies_between_and_says_how_far_off_it_may_be() -> None:
    place = place_of(
        "efficientnet_b0@width_mult=1.15,depth_mult=1.3,resolution=280", estimated=True
    )
    assert place.estimate is not None and place.below is not None and place.above is not None
    found = place.estimate
    assert place.below.accuracy.percent <= found.percent <= place.above.accuracy.percent
    assert found.low < found.percent < found.high <= 100 and found.variants >= 8
    assert 0 <= found.typical <= found.worst and found.confidence <= CONFIDENCE
    for text in (
        "efficientnet_b0@width_mult=2,depth_mult=0.25",  # like none
        "efficientnet_b0@width_mult=0.9,depth_mult=0.9,resolution=200",  # below all
        "resnet50@width_mult=0.9",  # one variant alone
    ):
        assert place_of(text, estimated=True).estimate is None
    assert place_of("efficientnet_b0@resolution=230").estimate is None  # nobody asked


@pytest.mark.parametrize(
    "text",
    [
        "efficientnet_b0@width_mult=1.05,depth_mult=1.05,resolution=232",
        "mobilenet_v1@width_mult=0.6",
        "mobilenet_v2@width_mult=0.6",
    ],
)
def test_left_out_variants_lie_in_the_interval_as_often_as_it_says(text: str) -> None:
    """Each published variant but the ends, estimated from the others by hand."""
    family = KNOWN.of(spec_of(text))
    macs = np.log([one.costs.cost.macs for one in family])
    percent = np.array([one.accuracy.percent for one in family])
    assert list(macs) == sorted(macs)
    errors = []
    for index in range(1, len(family) - 1):
        others = np.delete(np.arange(len(family)), index)
        found = np.interp(macs[index], macs[others], rising(percent[others]))
        errors.append(abs(float(found) - percent[index]))
    estimate = place_of(text, estimated=True).estimate
    assert estimate is not None
    where = math.log(count(spec_of(text)).total.macs)
    assert estimate.percent == pytest.approx(np.interp(where, macs, rising(percent)))
    half = estimate.high - estimate.percent
    assert np.mean([error <= half + 1e-9 for error in errors]) >= estimate.confidence
    assert estimate.worst == pytest.approx(max(errors))


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_the_nearest_that_never_falls(values: list[float]) -> None:
    """Isotonic regression: it never falls, keeps the mean, and leaves what rises as it is."""
    found = rising(np.array(values))
    assert all(a <= b + 1e-9 for a, b in pairwise(found))
    assert found.sum() == pytest.approx(sum(values), abs=1e-6)
    assert rising(np.sort(values)) == pytest.approx(np.sort(values))
    assert rising(found) == pytest.approx(found)


@costly
def test_a_fit_says_where_its_choice_lies() -> None:
    line = "fit", "mobilenet_v2", "--budget", "macs=250M", "--static", "--candidates", "30"
    done = command(*line, "--estimate", "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    best = found["results"][0]
    assert found["environment"]["rule"] == "near"
    assert best["published_distance"] <= NEAR and best["estimate"] is not None
    below, above = best["published_below"], best["published_above"]
    said = " ".join(command(*line, "--estimate", COLUMNS="80").stdout.split())
    assert f"between {below} (top-1 " in said and f" and {above} (top-1 " in said
    assert "was not tested" in said and f"~{best['estimate']['percent']:.1f}%" in said
    done = command(*line, "--dtype", "int8", "--estimate")
    assert done.returncode == 2 and "published of float32" in done.stderr
    rows = list(csv.DictReader(io.StringIO(command(*line, "--format", "csv").stdout)))
    assert {"accuracy_percent", "estimate_low"} <= rows[0].keys()


def test_what_is_far_is_said_to_be() -> None:
    far = "fit", "efficientnet@width_mult=2,depth_mult=0.25,resolution=224", "--budget"
    said = " ".join(command(*far, "macs=2G", "--static", "--estimate").stdout.split())
    assert "so their accuracies say nothing of it" in said and "no accuracy is estimated" in said
    compound = "fit", "mobilenet_v1", "--rule", "compound", "--budget", "macs=5M", "--static"
    done = command(*compound)
    assert done.returncode == 2 and "; --rule any tries other networks" in done.stderr
    done = command("fit", "resnet20", "--budget", "macs=1k", "--static", "--candidates", "20")
    assert done.returncode == 2 and "--rule" not in done.stderr  # everything was tried
