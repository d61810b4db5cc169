"""Published accuracies are of a form, of networks that can be counted, and never ranked unlike."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from cnnbench.counting.count import count
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.choosing.published import known, published
from cnnbench.studies.papers import given
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

from ..commands import command
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


TABLE = """model,top1,top1_err,top5,top5_err,param_count,img_size,crop_pct,interpolation
resnet18.a1_in1k,71.498,28.502,90.082,9.918,11.69,224,0.950,bicubic
resnet18.tv_in1k,69.76,30.24,89.07,10.93,11.69,224,0.875,bilinear
resnet18.a1_in1k,73.166,26.834,91.028,8.972,11.69,288,1.000,bicubic
"""


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Path]:
    """Timm's own columns; what was taken is forgotten afterwards."""
    path = tmp_path / "results.csv"
    path.write_text(TABLE)
    yield path
    given._taken.clear()


def test_timms_table_says_what_its_networks_reach(table: Path) -> None:
    assert of_network(parse("timm:resnet18"), 224) == ()
    assert given.take(table, [parse("timm:resnet18")]) == 1
    known = of_network(parse("timm:resnet18"), 224)
    assert [one.printed for one in known] == ["71.498", "90.082", "69.76", "89.07"]
    first = headline(known)
    assert first is not None and first.source == "results.csv, resnet18.a1_in1k"
    (named, _) = of_network(parse("timm:resnet18.tv_in1k"), 224)
    assert named.printed == "69.76" and named.test == ("imagenet", "top1", SINGLE_CROP)
    larger = of_network(parse("timm:resnet18"), 288)
    assert [one.printed for one in larger] == ["73.166", "91.028"]
    for other in ("timm:resnet34", "timm:resnet18@num_classes=10", "torchvision:resnet18"):
        assert of_network(parse(other), 224) == ()
    other = table.with_name("results-imagenet-real.csv")
    other.write_text(TABLE)
    given.take(other, [parse("timm:resnet18")])
    assert {one.dataset for one in of_network(parse("timm:resnet18"), 224)} == {"imagenet-real"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no column 'model'"),
        ("model,top1,top5\n", "has no column 'img_size'"),
        ("model,img_size,top1,top5\na,224,much,90\n", "line 2: no figures of 'a'"),
        ("model,img_size,top1,top5\na,224,80\n", "line 2: no figures of 'a'"),
        ("model,img_size,top1,top5\na,224,101,90\n", "line 2: no figures of 'a'"),
        ("model,img_size,top1,top5\na,0,80,90\n", "line 2: no figures of 'a'"),
        ("model,img_size,top1,top5\na,224,nan,90\n", "line 2: no figures of 'a'"),
        (None, "cannot read"),
        ("model,img_size,top1,top5\n", "has no row"),
    ],
)
def test_a_table_that_is_none_is_one_line_and_exit_2(
    text: str | None, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    if text is not None:
        path.write_text(text)
    named = "timm:resnet18"
    for line in (["flops", named], ["compare", named, "alexnet", "--static"]):
        done = command(*line, "--accuracy", str(path))
        assert (done.returncode, done.stdout) == (2, "")
        assert complaint in done.stderr and done.stderr.count("\n") == 1


def test_a_table_without_a_network_of_timms_is_not_ignored(table: Path) -> None:
    done = command("flops", "lenet5", "--accuracy", str(table))
    assert done.returncode == 2 and "of timm: networks, of which none is named" in done.stderr


def test_every_way_of_testing_stands_beside_counted_costs() -> None:
    done = command("published", "mobilenet_v1@width_mult=0.5", "--accuracies", "--format", "json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["results"]
    assert len(rows) >= 4 and {row["resolution"] for row in rows} == {128, 160, 192, 224}
    for row in rows:
        trace = count(f"{row['model']},resolution={row['resolution']}")
        assert (row["params"], row["macs"]) == (trace.total.params, trace.total.macs)
        assert row["source"] and row["protocol"] in (SINGLE_CROP, "not stated")
    table = command("published", "plain34", "lenet5", "--accuracies", COLUMNS="80").stdout
    assert "10 crops" in table and "mnist, test set" in table and "99.2%" in table
    assert max(map(len, table.splitlines())) <= 80
    rows = json.loads(command("published", "vgg16", "--accuracies", "-f", "json").stdout)["results"]
    (half,) = [row for row in rows if row["protocol"] == "dense"]
    assert half["top1"] == 74.4 and half["confirmed"] == ""  # of which top-5 alone was read twice
    done = command("published", "googlenett", "--accuracies")
    assert done.returncode == 2 and "did you mean googlenet" in done.stderr
    done = command("published", "conv", "--accuracies")
    assert done.returncode == 2 and "no accuracy of conv is known" in done.stderr


def test_lists_and_families_show_them() -> None:
    rows = json.loads(command("list", "-f", "json").stdout)["results"]
    found = {row["model"]: row for row in rows}
    assert found["mobilenet_v1"]["accuracy"]["percent"] == 70.6
    assert found["conv"]["accuracy"] is None
    shown = command("list", "mobilenet_v1", COLUMNS="100").stdout
    assert "70.6%" in shown and "do not rank" in command("list", "--explain").stdout
    rows = json.loads(command("scale", "mobilenet_v1", "-f", "json").stdout)["results"]
    assert all(row["accuracy"]["percent"] > 40 for row in rows) and len(rows) == 16
    rows = json.loads(command("scale", "efficientnet", "-f", "json").stdout)["results"]
    told = [(row["released"], row["accuracy"] is not None) for row in rows if row["phi"]]
    assert all(released == known for released, known in told)
