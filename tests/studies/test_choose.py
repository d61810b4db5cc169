"""`cnnbench choose`: the most accurate within a budget, and what more of it buys."""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench.counting.chains import ChainCost
from cnnbench.counting.cost import Cost
from cnnbench.counting.metrics import Metric
from cnnbench.errors import BudgetError
from cnnbench.models.spec import Spec, parse
from cnnbench.studies.choosing.choose import choose, front_of
from cnnbench.studies.choosing.published import Published, known, published
from cnnbench.studies.papers.accuracy import SINGLE_CROP, Accuracy
from cnnbench.studies.scaling.budget import Goal, parse_budget

from ..commands import ROOT, command
from ..zoo import costly

PHONE = str(ROOT / "tests/golden/files/phone.toml")


def one(percent: float, macs: int, seconds: float | None = None) -> Published:
    spec = parse("mobilenet_v1")
    assert isinstance(spec, Spec)
    spec = spec.varied(resolution=macs)
    figure = Accuracy(str(spec), 224, "imagenet", "top1", str(percent), SINGLE_CROP, "a paper")
    return Published(spec, ChainCost(Cost(macs=macs, params=macs), macs, seconds), figure)


networks = st.lists(
    st.builds(one, st.integers(60, 66).map(float), st.integers(1, 5000), st.floats(1e-3, 1.0)),
    min_size=1,
    max_size=30,
    unique_by=lambda found: found.costs.cost.macs,
)


@settings(max_examples=100)
@given(networks, st.sampled_from([Metric.MACS, Metric.LATENCY]))
def test_none_of_a_front_is_beaten(of: list[Published], metric: Metric) -> None:
    def spent(found: Published) -> float:
        return (found.predicted_s or 0.0) if metric is Metric.LATENCY else found.costs.cost.macs

    front = front_of(of, metric)
    for cheap, dear in pairwise(front):
        assert spent(cheap) <= spent(dear) and cheap.accuracy.percent < dear.accuracy.percent
    for other in of:
        assert any(
            spent(on) <= spent(other) and on.accuracy.percent >= other.accuracy.percent
            for on in front
        )


@settings(max_examples=100)
@given(networks, st.integers(1, 5000))
def test_the_choice_is_the_most_accurate_that_fits(of: list[Published], limit: int) -> None:
    fitting = [found for found in of if found.costs.cost.macs <= limit]
    budget = parse_budget(f"macs={limit}")
    if not fitting:
        with pytest.raises(BudgetError):
            choose(of, budget)
        return
    done = choose(of, budget)
    best = done.best.variant
    assert best.capacity(Goal.MACS) == max(one.capacity() for one in fitting)
    if done.better:
        assert done.better.variant.capacity(Goal.MACS)[0] > best.capacity(Goal.MACS)[0]
    more = [found for found in of if found.accuracy.percent > best.capacity(Goal.MACS)[0]]
    assert (done.better is None) is not bool(more)
    if done.better:
        assert done.better.variant.value(Metric.MACS) == min(one.costs.cost.macs for one in more)


def test_figures_of_one_test_alone_are_ranked() -> None:
    for protocol in (SINGLE_CROP, "not stated"):
        found = known([], "imagenet", "top1", protocol)
        assert len(found) == len({str(spec) for spec, _ in found}) > 5
        assert {figure.test for _, figure in found} == {("imagenet", "top1", protocol)}


def test_the_papers_networks() -> None:
    of = published(known([], "imagenet", "top1", SINGLE_CROP))
    done = choose(of, parse_budget("macs=400M,params=6M"))
    assert str(done.best.variant.spec) == "efficientnet_b0" and done.main is Metric.MACS
    assert done.better is not None and str(done.better.variant.spec) == "efficientnet_b1"
    fronts = {cost: {name for name, _ in keys} for cost, keys in done.fronts.items()}
    assert "efficientnet_b7" in fronts[Metric.PARAMS] and Metric.LATENCY not in fronts
    assert "vgg19" not in fronts[Metric.MACS]


def test_a_latency_is_predicted_where_the_device_is_not_here() -> None:
    line = "choose", "mobilenet_v2", "--budget", "latency=10ms", "--on", PHONE
    done = command(*line, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (best,) = [row for row in found["results"] if row["chosen"]]
    assert best["predicted_s"] <= 0.01 and best["latency_s"] is None and best["meets"] is None
    assert best["accuracy"]["source"] and best["percent"] == best["accuracy"]["percent"]
    assert "latency_s" in best["fronts"]
    better = [row for row in found["results"] if row["percent"] > best["percent"]]
    assert better and all(row["predicted_s"] > 0.01 for row in better)
    table = command(*line, COLUMNS="80").stdout
    assert max(map(len, table.splitlines())) <= 80
    assert "Its latency is predicted" in table and "The next better" in table
    rows = list(csv.DictReader(io.StringIO(command(*line, "--format", "csv").stdout)))
    assert len(rows) == len(found["results"]) and rows[0]["source"]


def test_a_front_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("altair")
    picture = tmp_path / "front.svg"
    line = "choose", "mobilenet_v1", "resnet18", "--budget", "macs=100M", "--static"
    done = command(*line, "--output", str(picture))
    assert done.returncode == 0 and "printed by" in done.stdout
    drawn = picture.read_text()
    for words in ("peak memory, MiB", "mobilenet_v1", "resnet", "accuracy, %"):
        assert words in drawn
    assert "latency" not in drawn  # nothing was predicted


@costly
def test_back_ends_stand_beside_each_other(tmp_path: Path) -> None:
    device = str(ROOT / "tests/golden/files/device.toml")
    narrow = "mobilenet_v2@width_mult=0.35"
    line = "choose", narrow, "--budget", "latency=1.3ms", "--on", device
    more = "--backend", "eager,onnxruntime"
    found = json.loads(command(*line, *more, "--format", "json").stdout)["results"]
    assert {row["backend"] for row in found} == {"eager", "onnxruntime"} and len(found) == 10
    (best,) = [row for row in found if row["chosen"]]
    assert best["backend"] == "onnxruntime" and best["predicted_s"] <= 1.3e-3
    alike = [row for row in found if row["model"] == best["model"]]
    assert len({("params" in row["fronts"]) for row in alike}) == 1
    assert any("latency_s" in row["fronts"] for row in found if row["backend"] == "eager")
    pytest.importorskip("altair")
    done = command(*line, *more, "--output", str(tmp_path / "front.html"))
    assert done.returncode == 0 and "in onnxruntime is the most accurate" in " ".join(
        done.stdout.split()
    )
    page = (tmp_path / "front.html").read_text()
    assert "Accuracy against latency" in page and "back end" in page
    every = json.loads(command(*line, "--backend", "all", "--format", "json").stdout)["results"]
    assert {row["backend"] for row in every} == {"eager", "onnxruntime"}
    done = command("choose", "--budget", "latency=1s", "--backend", "eager,litert")
    assert done.returncode == 2 and "passes of litert are not predicted" in done.stderr


def test_a_latency_is_measured_here(quick_device: None, tmp_path: object) -> None:
    line = "choose", "resnet20", "resnet32", "--budget", "latency=10s", "--dataset", "cifar10"
    more = "--protocol", "test set", "--device", "cpu", "--threads", "1", "--max-time", "0.1"
    done = command(*line, *more, "--format", "json", XDG_CACHE_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (best,) = [row for row in found["results"] if row["chosen"] or row["latency_s"]][-1:]
    assert best["latency_s"] > 0 and best["model"] in ("resnet20", "resnet32")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--budget", "params=1k", "--static"], "nothing fits params=1.00 k: the smallest tried"),
        (["--budget", "latency=1ms", "--static"], "--static knows no times"),
        (["--budget", "speed=1"], "unknown limit 'speed'"),
        (["conv", "--budget", "macs=1G"], "is published of conv; leave it out"),
        (["nets.py:net", "--budget", "macs=1G"], "is published of nets.py:net; leave it out"),
        (["resnet18", "resnet18@num_classes=10", "--budget", "macs=1G"], "of resnet18@num_classes"),
        (["--budget", "macs=1G", "--backend", "eager"], "nothing runs; leave --backend out"),
        (["--budget", "latency=1s", "--on", PHONE, "--backend", "litert"], "not predicted; those"),
        (["--budget", "macs=1G", "--protocol", "10 crops"], "took more than one pass an image"),
        (["plain20", "--budget", "macs=1G"], "no top1 on imagenet, single crop, is published of"),
        (["plain34", "resnet50", "--budget", "macs=1G"], "is published of plain34; leave it out"),
        (["resnet20", "--budget", "macs=1G"], "--dataset cifar10 --protocol 'test set'"),
        (["", "--budget", "macs=1G"], "malformed spec ''"),
        (["--budget", "macs=1G", "--dataset", "cifar"], "did you mean cifar10?"),
        (["--budget", "macs=1G", "--metric", "top-1"], "unknown --metric 'top-1'"),
        (["--budget", "macs=1G", "--protocol", "x"], "use single crop, "),
        (["--budget", "macs=1G", "--batch", "0"], "0"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str) -> None:
    done = command("choose", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr and done.stderr.count("\n") == 1


def test_options_that_are_written_are_kept_and_a_short_name_is_its_papers() -> None:
    def names(*models: str) -> set[str]:
        return {str(spec) for spec, _ in known(models, "imagenet", "top1", SINGLE_CROP)}

    assert len(names("mobilenet_v1")) == 16 and len(names("mobilenet_v1@width_mult=0.5")) == 4
    assert names("mobilenet_v1@width_mult=0.5,resolution=160", "resnet34") == {
        *("mobilenet_v1@width_mult=0.5,resolution=160", "resnet34"),
    }
    assert {"efficientnet_b0", "efficientnet_b7"} < names("efficientnet")


def test_a_runtime_is_predicted_of_the_whole_pass() -> None:
    device = str(ROOT / "tests/golden/files/device.toml")
    more = "--on", device, "--backend", "onnxruntime", "--format", "json"
    done = command("choose", "mobilenet_v2", "--budget", "latency=1s", *more)
    found = {row["model"]: row for row in json.loads(done.stdout)["results"]}
    (alone,) = json.loads(command("predict", "mobilenet_v2", *more).stdout)["results"]
    assert found["mobilenet_v2"]["predicted_s"] == pytest.approx(alone["predicted_s"])
