"""Published accuracies are of a form, of networks that can be counted, and never ranked unlike."""

from collections import Counter
from itertools import groupby

import pytest

from cnnbench.counting.count import count
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.choosing.published import known, published
from cnnbench.studies.papers.accuracy import (
    METRICS,
    SINGLE_CROP,
    Accuracy,
    datasets,
    figures,
    headline,
    of_network,
    of_pass,
    protocols,
    together,
)

from ..zoo import costly

SIDES = {"imagenet": range(96, 601), "cifar10": range(32, 33), "mnist": range(32, 33)}


def test_every_figure_has_its_form() -> None:
    for one in figures():
        assert one.metric in METRICS and one.resolution in SIDES[one.dataset], one
        assert 30 < one.percent < 100 and one.protocol.strip() and one.source.strip(), one
        assert 1 <= len(one.printed.partition(".")[2]) <= 3, one
        spec = parse(one.model)
        assert isinstance(spec, Spec) and str(spec) == one.model and not spec.model.is_block, one
    names = [(one.model, one.resolution, *one.test, one.source) for one in figures()]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert datasets()[0] == "imagenet" and protocols()[0] == SINGLE_CROP


def test_the_first_five_hold_the_first() -> None:
    def of(one: Accuracy) -> tuple[object, ...]:
        return (one.model, one.resolution, one.dataset, one.protocol, one.source, one.note)

    for _, group in groupby(sorted(figures(), key=of), key=of):
        both = {one.metric: one.percent for one in group}
        assert len(both) < 2 or both["top1"] < both["top5"]


def test_most_figures_were_read_twice() -> None:
    confirmed = [one for one in figures() if one.confirmed]
    assert len(confirmed) > 0.6 * len(figures())
    assert all(one.confirmed != one.source for one in confirmed)


@pytest.mark.parametrize(
    ("model", "source", "number"),
    [("mobilenet_v1", "TF-Slim", 16), ("mobilenet_v2", "TF-Slim", 22), ("efficientnet", "v5", 8)],
)
def test_every_released_variant_is_there(model: str, source: str, number: int) -> None:
    found = {
        (one.model, one.resolution)
        for one in figures()
        if one.model.startswith(model) and source in one.source and one.metric == "top1"
    }
    assert len(found) == number


@costly
def test_every_network_counts() -> None:
    for dataset in datasets():
        for protocol in protocols():
            metrics = {one.metric for one in figures() if one.test[::2] == (dataset, protocol)}
            for metric in metrics:
                of = published(known([], dataset, metric, protocol))
                assert of and all(one.costs.cost.macs > 10**5 for one in of)


@pytest.mark.parametrize("model", ["mobilenet_v1@width_mult=0.5,resolution=160", "alexnet"])
def test_what_is_chosen_from_is_counted_as_ever(model: str) -> None:
    (one,) = [
        one
        for one in published(known([model], "imagenet", "top1", SINGLE_CROP))
        if str(one.spec) == model
    ]
    trace = count(model)
    assert one.costs.cost == trace.total
    assert one.costs.peak_activation_bytes == trace.peak_activation_bytes


def test_a_network_is_known_by_its_options_and_the_side_of_its_images() -> None:
    assert of_network(parse("mobilenet_v1"))[0].printed == "70.6"
    small = of_network(parse("mobilenet_v1@resolution=160"))
    assert small == of_network(parse("mobilenet_v1"), 160) and small[0].printed == "67.2"
    assert of_pass("mobilenet_v1", [(8, 3, 160, 160)]) == small
    for other in ("mobilenet_v1@num_classes=10", "mobilenet_v1@width_mult=0.9", "nets.py:net"):
        assert of_network(parse(other)) == ()
    assert of_pass("mobilenet_v1", [(8, 3, 160, 320)]) == ()
    assert of_pass("mobilenet_v1", [(8, 3)]) == of_pass("no such", [(1, 3, 8, 8)]) == ()


def test_side_by_side_they_are_of_one_test_where_there_is_one() -> None:
    plain, residual = (of_network(parse(name)) for name in ("plain34", "resnet34"))
    assert [one and one.protocol for one in together([plain, residual])] == ["10 crops"] * 2
    alone = headline(residual)
    assert alone is not None and alone.protocol == SINGLE_CROP
    assert together([(), residual]) == [None, alone]
    three = [of_network(parse(f"{name}")) for name in ("mobilenet_v1", "mobilenet_v2", "resnet50")]
    assert {one and one.test for one in together(three)} == {("imagenet", "top1", SINGLE_CROP)}
    unlike = together([plain, of_network(parse("lenet5"))])
    assert [one and one.dataset for one in unlike] == ["imagenet", "mnist"]
