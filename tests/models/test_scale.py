"""Axes, the papers' rules of scaling, and how far an option lets them go."""

import pytest

from cnnbench.errors import SpecError
from cnnbench.models.registry import MODELS
from cnnbench.models.scale import (
    Axis,
    Compound,
    Way,
    at,
    axes,
    grid_of,
    grid_shares,
    macs_share,
    moved,
    multiplied,
    scalable,
    ways,
)
from cnnbench.models.spec import Spec, parse


def spec_of(text: str) -> Spec:
    return scalable(parse(text))


def test_compound_scaling_is_the_papers() -> None:
    """Tan & Le 2019, section 3.3: alpha 1.2, beta 1.1, gamma 1.15, whose product is about 2."""
    paper = Compound()
    assert paper.growth == pytest.approx(1.2 * 1.1**2 * 1.15**2)
    assert round(paper.growth, 2) == 1.92
    assert paper.shares(0) == dict.fromkeys(paper.shares(0), 1)
    assert paper.shares(3) == pytest.approx(
        {Axis.DEPTH: 1.728, Axis.WIDTH: 1.331, Axis.RESOLUTION: 1.520875}
    )
    assert macs_share(paper.shares(3)) == pytest.approx(paper.growth**3)
    assert macs_share(paper.shares(-0.5)) == pytest.approx(paper.growth**-0.5)
    assert macs_share({Axis.WIDTH: 3}) == macs_share({Axis.RESOLUTION: 3}) == 9


def test_every_scale_has_the_ways_of_its_axes() -> None:
    assert ways(spec_of("efficientnet")) == list(Way)
    for model in MODELS:
        if model.option(Axis.WIDTH) is None:
            continue
        spec = spec_of(model.name)
        assert [way.axis for way in ways(spec) if way is not Way.COMPOUND] == [
            axis for axis in (Axis.DEPTH, Axis.WIDTH, Axis.RESOLUTION) if axis in axes(spec)
        ]
        assert (Way.COMPOUND in ways(spec)) == model.name.startswith("efficientnet")


def test_places_are_whole_pixels_and_short_multipliers() -> None:
    spec = moved(spec_of("efficientnet"), {Axis.RESOLUTION: 257.6, Axis.WIDTH: 1.234567})
    assert str(spec) == "efficientnet_b0@width_mult=1.2346,resolution=258"
    half = multiplied(spec_of("mobilenet_v1@width_mult=0.5"), {Axis.WIDTH: 0.5})
    assert at(half, Axis.WIDTH) == 0.25
    assert multiplied(spec_of("resnet18"), {}) == spec_of("resnet18")
    with pytest.raises(SpecError, match="width_mult"):
        multiplied(spec_of("mobilenet_v1"), {Axis.WIDTH: 1000})


def test_grids_are_those_of_the_papers_and_hold_what_is_written() -> None:
    def sides(text: str) -> list[tuple[float, int]]:
        spec = spec_of(text)
        made = [multiplied(spec, shares) for shares in grid_shares(spec)]
        return [(at(one, Axis.WIDTH), one.input_shape[1]) for one in made]

    v1 = [(width, side) for width in (1, 0.75, 0.5, 0.25) for side in (224, 192, 160, 128)]
    v2 = [(width, side) for width in (1, 0.75, 0.5, 0.35) for side in (224, 192, 160, 128, 96)]
    assert sides("mobilenet_v1") == v1 == sides("resnet50")
    assert sides("mobilenet_v2") == [(1.4, 224), *v2]
    assert sides("mobilenet_v1@resolution=160") == [(w, 160) for w in (1, 0.75, 0.5, 0.25)]
    assert sides("mobilenet_v1@width_mult=0.5") == [(0.5, s) for s in (224, 192, 160, 128)]
    assert sides("resnet20")[:4] == [(1, 32), (1, 27), (1, 23), (1, 18)]
    assert sides("mobilenet_v1@resolution=160,width_mult=0.5") == [(0.5, 160)]
    assert grid_of(spec_of("resnet50")) is None
    assert grid_of(spec_of("mobilenet_v1_shallow")) == grid_of(spec_of("mobilenet_v1"))
    assert "tables 6 and 7" in str(grid_of(spec_of("mobilenet_v1")))
