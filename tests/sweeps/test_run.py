"""A sweep does what is missing, once, whatever ended the one before."""

import json
import re
from functools import partial
from pathlib import Path

import pytest

from cnnbench.counting import network as counting
from cnnbench.counting.count import count
from cnnbench.devices.machine import Machine
from cnnbench.errors import StoreError
from cnnbench.models.registry import MODELS
from cnnbench.progress import Progress
from cnnbench.sweeps import run as sweeping
from cnnbench.sweeps.groups import groups
from cnnbench.sweeps.merge import merge
from cnnbench.sweeps.plan import Configuration, planned
from cnnbench.sweeps.reading import read
from cnnbench.sweeps.run import Ran, key, missing, run
from cnnbench.sweeps.slurm.array import unfinished
from cnnbench.sweeps.store import Store
from cnnbench.sweeps.views import named
from cnnbench.timing.session import StopRule
from cnnbench.timing.setting import Setting

from ..zoo import costly
from . import made

FEW = planned({"models": ["lenet5", "resnet20"], "batch": [1, 2]}, "x").configurations()
QUICK = StopRule(0.5, 0.2, 0)


def bare(key: str, measured: str, **more: object) -> dict[str, object]:
    """As little as a record can say."""
    return {"key": key, "measured": measured, "model": "lenet5", "batch": 1, **more}


def test_a_static_sweep_counts_and_goes_on(tmp_path: Path) -> None:
    store = Store(tmp_path)
    told: list[tuple[float, float]] = []
    assert run(FEW[:1], store, None, QUICK) == Ran(1)
    assert missing(FEW, store, None) == FEW[1:]
    heard = Progress(part=lambda text, number, total: told.append((number, total)))
    run(FEW, store, None, QUICK, progress=heard)
    assert told == [(1, 3), (2, 3), (3, 3)]
    records = made.records(store)
    assert [record["key"] for record in records] == [key(one, None) for one in FEW]
    for one, record in zip(FEW, records, strict=True):
        total = count(one.spec, batch=one.setting.batch).total
        assert (record["cost"]["macs"], record["cost"]["params"]) == (total.macs, total.params)
        assert sum(kind["macs"] for kind in record["kinds"].values()) == total.macs
        assert record["prediction"] is None
    run(FEW, store, None, QUICK)
    assert len(made.records(store)) == 4 and not missing(FEW, store, None)


def test_what_models_are_given_is_counted_timed_and_part_of_the_key(tmp_path: Path) -> None:
    made_of = {"models": "resnet20", "input": "3x48x40", "batch": [1, 2]}
    (one, two), (plain,) = (
        planned(values, "x").configurations() for values in (made_of, {"models": "resnet20"})
    )
    store, machine = Store(tmp_path), Machine.find("cpu", 1)
    run([one, two, plain], store, None, QUICK)
    run([one], store, machine, QUICK)
    assert missing([one, two, plain], store, None) == []
    assert missing([one, two], store, machine) == [two]
    assert str(one) == "resnet20, 3x48x40, batch 1"
    shapes = [record["cost"]["input"] for record in made.records(store)]
    assert shapes == [[[1, 3, 48, 40]], [[2, 3, 48, 40]], [[1, 3, 32, 32]], [[1, 3, 48, 40]]]
    found = read([store])
    assert {result.configuration for result in found} == {one, two, plain}
    assert {named(found)(result) for result in found} == {
        "batch 1, 3x48x40",
        "batch 2, 3x48x40",
        "batch 1",
    }


@costly
def test_many_are_counted_in_processes_in_their_order(tmp_path: Path) -> None:
    of = planned({"models": "lenet5", "batch": list(range(1, 15))}, "x").configurations()
    run(of, Store(tmp_path), None, QUICK)
    assert [record["batch"] for record in made.records(Store(tmp_path))] == list(range(1, 15))
    assert [record["cost"]["macs"] for record in made.records(Store(tmp_path))] == [
        325_680 * batch for batch in range(1, 15)
    ]


def test_what_fails_is_a_record_with_its_reason(tmp_path: Path) -> None:
    of = [Configuration("vgg16@resolution=16"), Configuration("lenet5")]
    run(of, Store(tmp_path), None, QUICK)
    first, second = made.records(Store(tmp_path))
    assert "too small" in first["failure"] and first["cost"] == {}
    assert second["failure"] == "" and not missing(of, Store(tmp_path), None)


@pytest.fixture
def here() -> Machine:
    return Machine.find("cpu", 1)


def test_a_timed_sweep_keeps_raw_samples_and_where_they_are_from(
    tmp_path: Path, here: Machine
) -> None:
    store = Store(tmp_path / "run")
    of = [*FEW[:2], Configuration("vgg16@resolution=16")]
    assert run(of, store, here, QUICK) == Ran(3)
    failing, *timed = made.records(store)
    for record in timed:
        assert record["latency"]["latency_s"] > 0 and record["latency"]["samples_s"]
        assert record["environment"]["threads"] == 1 and record["cost"]["macs"] > 0
        assert record["prediction"]["predicted_s"] == pytest.approx(
            sum(kind["predicted_s"] for kind in record["kinds"].values())
        )
        assert record["roof"]["flops_per_s"] == 1e11
    assert timed[0]["rounds"] == timed[1]["rounds"]
    assert "too small" in failing["failure"] and "latency" not in failing
    assert not missing(of, store, here) and missing(of, store, None) == of


def test_ctrl_c_keeps_the_groups_that_are_finished(
    tmp_path: Path, here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "groups", partial(groups, size=2))
    seen: list[int] = []

    def interrupting(asked: list[object], *rest: object, **options: object) -> object:
        from dataclasses import replace

        seen.append(len(asked))
        timing = timed(asked, *rest, **options)  # type: ignore[arg-type]
        return replace(timing, interrupted=len(seen) == 2)

    timed = sweeping.timed
    monkeypatch.setattr(sweeping, "timed", interrupting)
    store = Store(tmp_path / "run")
    assert run(FEW, store, here, QUICK) == Ran(2, interrupted=True)
    assert missing(FEW, store, here) == FEW[2:]
    assert run(FEW, store, here, QUICK) == Ran(2)
    assert [record["key"] for record in made.records(store)] == [key(one, here) for one in FEW]
    assert seen == [2, 2, 2]  # and the first group was not timed again


def test_stores_are_joined_by_key_and_conflicts_named(tmp_path: Path) -> None:
    a, b, both = (Store(tmp_path / name) for name in ("a", "b", "both"))
    same = bare("1", "2026-01-01", batch=1)
    with a.writing() as writer:
        writer.append(same)
        writer.append(bare("2", "2026-01-03", batch=2))
    with b.writing() as writer:
        writer.append(same)
        writer.append(bare("2", "2026-01-02", batch=3))
        writer.append(bare("3", "2026-01-02", batch=4, note="kept"))
    done = merge([a, b], both)
    found = [(record["key"], record["batch"]) for record in made.records(both)]
    assert found == [("1", 1), ("2", 2), ("3", 4)] and made.records(both)[2]["note"] == "kept"
    assert done.records == 3 and [result.batch for result in done.conflicts] == [3]
    with pytest.raises(StoreError, match="holds records already"):
        merge([a, b], both)
    with pytest.raises(StoreError, match="holds no records"):
        merge([a, Store(tmp_path / "none")], Store(tmp_path / "c"))


def test_like_costs_share_rounds_and_blocks_stay_beside_their_reference() -> None:
    of = planned(
        {"models": ["efficientnet_b7", "conv", "separable", "lenet5", "resnet50"]}, "x"
    ).configurations()
    rows = [(one, {"cost": {"macs": count(one.spec).total.macs}}) for one in of]
    grouped = groups(rows, size=3)
    assert sorted(str(one) for group in grouped for one, _ in group) == sorted(map(str, of))
    names = [[one.model.split("@")[0] for one, _ in group] for group in grouped]
    assert names[0][0] == "lenet5" and names[-1][-1] == "efficientnet_b7"
    for group in names:
        assert group.count("conv") == group.count("separable") and len(group) <= 3


def test_all_is_every_network_and_a_block_stands_at_its_stages() -> None:
    of = planned({"models": ["all", "separable", "conv@kernel=5"]}, "x").configurations()
    names = [one.model for one in of]
    assert names[: len(MODELS)] == [model.name for model in MODELS]
    assert names[len(MODELS) :] == [
        "separable@shape=112x112x32,out_channels=64",
        "separable@out_channels=128",
        "separable@shape=28x28x256,out_channels=256",
        "separable@shape=14x14x512,out_channels=512",
        "separable@shape=7x7x1024,out_channels=1024",
        "conv@kernel=5",
    ]


def test_a_success_stands_whatever_file_it_is_in(tmp_path: Path) -> None:
    """`slurm-10_0` sorts before `slurm-9_0`."""
    store, early, late = Store(tmp_path / "a"), "2026-11-01", "2026-11-02"
    (of,) = planned({"models": "lenet5"}, "x").configurations()
    name = key(of, None)
    with store.writing("slurm-9_0.jsonl") as writer:
        writer.append(bare(name, early, failure="no"))
    assert missing([of], store, None) == [] and missing([of], store, None, retry=True) == [of]
    with store.writing("slurm-10_0.jsonl") as writer:
        writer.append(bare(name, late))
    assert missing([of], store, None, retry=True) == []
    other = Store(tmp_path / "b")
    with other.writing() as writer:
        writer.append(bare("another", late))
    done = merge([store, other], Store(tmp_path / "c"))
    assert done.records == 2 and done.conflicts == []


def test_a_name_that_a_network_shares_is_a_blocks_beside_a_block() -> None:
    names = [
        one.model
        for one in planned({"models": ["inception_naive", "inception"]}, "x").configurations()
    ]
    assert len(names) == 18 and sum(name.startswith("inception@") for name in names) == 9
    alone = planned({"models": ["inception"]}, "x").configurations()
    assert [one.model for one in alone] == ["googlenet"]


def test_what_was_counted_is_not_counted_again_to_be_timed(
    tmp_path: Path, here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced: list[object] = []
    real = counting.trace

    def trace(net: object, *arguments: object, **options: object) -> object:
        traced.append(net)
        return real(net, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(counting, "trace", trace)
    run(FEW, Store(tmp_path / "run"), here, QUICK)
    assert len(traced) == len(FEW)


def test_a_record_of_before_back_ends_had_names_reads_as_it_was_meant(tmp_path: Path) -> None:
    def plain(key: dict[str, object]) -> dict[str, object]:
        return {name: key[name] for name in ("model", "batch", "dtype", "channels_last", "train")}

    one = Configuration("lenet5", Setting(2, backend="compile"))
    former = {**plain(one.record()), "compile": True}
    assert Configuration.of(former) == one
    assert Configuration.of({**former, "compile": False}).setting == Setting(2)
    assert json.loads(key(one, None)).keys() - {"cnnbench", "torch"} == former.keys()
    other = Configuration("lenet5", Setting(2, backend="graph"))
    assert json.loads(key(other, None))["backend"] == "graph"


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ('{"key": "a"}', "is no record of a sweep: measured: field required; remove it"),
        ("nonsense", "is no record of a sweep"),
        ("[" * 100_000, "is no record of a sweep"),
        ('"batch": 64', "batch 64 is not that of its key, 1"),
        ('"macs": 7', "macs 7 is not that of its kinds, 1000000000; remove it"),
        ('"activations": null', "cost.activations"),
        ('"samples": 3', "samples 3 is not how many there are"),
        ('"latency_s": 99.0', "latency_s 99.0 is not within its interval"),
        ('"batch": "x"', "batch: input should be a valid integer"),
        ('"format": 2', "was written by a newer cnnbench (format 2; this reads 1); upgrade"),
    ],
)
def test_a_damaged_line_is_named_by_whoever_reads(
    tmp_path: Path, damage: str, complaint: str
) -> None:
    store = made.store(tmp_path / "a", [made.record("lenet5")] * 3)
    (path,) = store.files()
    first, second, third = path.read_text().splitlines()
    if damage.startswith('"'):
        name = damage.partition(":")[0]
        key = json.dumps({"model": "lenet5", "batch": 1})
        whole = json.dumps({"format": 1, **json.loads(second), "key": key})
        second = re.sub(rf"{name}: [\d.]+", damage, whole, count=1)
        damage = second
    path.write_text(f"{first}\n{damage}\n{third}\n")
    for reads in (
        lambda: missing(FEW, store, None),
        lambda: read([store]),
        lambda: unfinished(FEW, store, static=True),
        lambda: merge([store, store], Store(tmp_path / "b")),
        lambda: run(FEW, store, None, QUICK),
    ):
        with pytest.raises(StoreError) as raised:
            reads()
        assert f"line 2 of {path} " in str(raised.value) and complaint in str(raised.value)
    assert path.read_text() == f"{first}\n{damage}\n{third}\n"


def test_records_tell_their_format(tmp_path: Path) -> None:
    run(FEW[:1], Store(tmp_path), None, QUICK)
    (record,) = made.records(Store(tmp_path))
    assert record["format"] == 1
