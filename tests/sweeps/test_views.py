"""What is read back from stores, and what a report makes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench.errors import StoreError
from cnnbench.sweeps import views
from cnnbench.sweeps.compare import changes, pairs, record
from cnnbench.sweeps.reading import read
from cnnbench.sweeps.results import Result

from . import made


def edited(part: str, **values: object) -> str:
    """A record with other numbers in one part."""
    record = made.record("lenet5")
    return json.dumps({**record, part: {**record[part], **values}})


def results(*records: made.Record) -> list[Result]:
    return [Result.model_validate_json(json.dumps(one)) for one in records]


def test_each_configuration_stands_once_a_place_as_measured_last(tmp_path: Path) -> None:
    late, early = "2026-11-22T00:00:00+00:00", "2026-11-21T00:00:00+00:00"
    a = made.store(
        tmp_path / "a",
        [
            made.record("lenet5", seconds=0.01, measured=late),
            made.record("lenet5", seconds=0.02, device="Another"),
            {**made.record("lenet5", batch=2), "environment": None, "latency": None},
        ],
    )
    b = made.store(
        tmp_path / "b",
        [made.record("lenet5", seconds=0.03, measured=early), made.record("lenet5", batch=2)],
    )
    found = read([a, b])
    assert [(one.batch, one.place[0], one.latency_s) for one in found] == [
        (1, "Made-up processor", pytest.approx(0.01)),
        (1, "Another", pytest.approx(0.02)),
        (2, "Made-up processor", pytest.approx(0.01)),  # what was counted alone is left out
    ]


def test_a_row_is_of_the_dtype_that_ran_and_keeps_what_a_runtime_said() -> None:
    record = made.record("lenet5")
    latency = {**record["latency"], "dtype": "int8", "output_error": 0.01, "nodes": 7}
    (found,) = results({**record, "latency": latency})
    assert views.dtype(found) == "int8" and found.timed is not None
    assert (found.timed.ran.output_error, found.timed.ran.nodes) == (0.01, 7)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"key": "x"}', "measured: field required"),
        ('{"key": "x", "measured": "yesterday", "model": "lenet5", "batch": 1}', "measured"),
        ("[]", "it: input should be an object"),
        (edited("latency", latency_s=-1), "latency.latency_s"),
        (edited("latency", ci_high_s=1e300), "latency.ci_high_s"),
        (edited("latency", samples_s=[0.0]), "latency.samples_s.0"),
        (edited("cost", macs=-5), "cost.macs"),
        (edited("roof", flops_per_s=-1), "roof.flops_per_s"),
        (json.dumps(made.record("lenet5") | {"batch": 0}), "batch"),
        (json.dumps(made.record("lenet5") | {"batch": float("nan")}), "batch"),
        ("nonsense", "invalid JSON"),
    ],
)
def test_a_line_that_is_no_record_is_named(line: str, says: str, tmp_path: Path) -> None:
    store = made.store(tmp_path, [made.record("lenet5")])
    (path,) = store.files()
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(StoreError, match=r"line 2 of .*records.jsonl is no record") as error:
        read([store])
    assert says in str(error.value) and "\n" not in str(error.value)


costs = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=25)


@given(costs)
def test_the_front_is_what_none_is_better_than(drawn: list[tuple[int, int]]) -> None:
    """By brute force: no other does as many MACs in less time, or more in as much."""
    made_of = [
        made.record(f"lenet5@num_classes={index + 1}", macs, [seconds] * 8)
        for index, (macs, seconds) in enumerate(drawn)
    ]
    points = views.points(results(*made_of))
    assert len(points) == len(drawn)
    kept = {(one.result.macs, one.result.latency_s) for one in points if one.front}
    whole = {(macs, float(seconds)) for macs, seconds in drawn}
    best = {a for a in whole if not any((b[0] >= a[0] and b[1] <= a[1] and b != a) for b in whole)}
    assert kept == best


def test_a_way_says_what_differs_and_no_more() -> None:
    plain = results(made.record("lenet5"), made.record("lenet5", batch=8))
    assert views.series(plain) == ["batch 1", "batch 8"]
    mixed = results(
        made.record("lenet5", batch=8, channels_last=True),
        made.record("lenet5", dtype="bfloat16"),
    )
    assert views.series(mixed) == [
        "batch 1, bfloat16, contiguous",
        "batch 8, float32, channels last",
    ]


def test_results_stand_in_the_registrys_order_and_failures_last() -> None:
    found = results(
        made.failed("alexnet", "no"),
        made.record("nets:mine"),
        made.record("conv@kernel=5"),
        made.record("vgg16", batch=8),
        made.record("lenet5"),
        made.record("vgg16"),
    )
    assert [(one.model, one.batch) for one in views.ordered(found)] == [
        *(("lenet5", 1), ("vgg16", 1), ("vgg16", 8), ("conv@kernel=5", 1), ("nets:mine", 1)),
        ("alexnet", 1),
    ]


def test_blocks_meet_their_reference_at_the_same_map() -> None:
    drift = np.random.default_rng(0).uniform(1, 3, 34)
    a, b = [float(x) for x in 0.004 * drift], [float(x) for x in 0.001 * drift]
    found = pairs(
        results(
            made.record("conv@out_channels=128", 800, a, rounds="r"),
            made.record("separable@out_channels=128", 100, b, rounds="r"),
            made.record("separable@out_channels=64", 100, b, rounds="r"),
            made.record("conv@out_channels=128", 6400, a, batch=8, rounds="r"),
            made.record("separable@out_channels=128", 800, b, batch=8, rounds="other"),
            made.record("resnet18"),
        ),
        ("conv", "separable"),
    )
    assert [(pair.label, pair.a.batch, pair.macs_ratio) for pair in found] == [
        ("56x56x128 → 128, 3x3", 1, 8.0),
        ("56x56x128 → 128, 3x3", 8, 8.0),
    ]
    together, apart = (pair.measured for pair in found)
    assert together is not None and apart is not None
    assert together.median == pytest.approx(4) and 3.8 < together.low < together.high < 4.2
    assert apart.low < 3.5 < 4.5 < apart.high  # in other rounds drift is in the ratio


def test_two_runs_are_matched_and_told_apart() -> None:
    before = results(
        made.record("lenet5", seconds=0.02),
        made.record("vgg16", seconds=0.01),
        made.record("resnet18", 10**9),
        made.record("alexnet"),
    )
    after = results(
        made.record("lenet5", seconds=0.01),
        made.record("vgg16", seconds=0.02),
        made.record("resnet18", 2 * 10**9),
        made.record("resnet50"),
    )
    found = changes(before, after)
    assert (found.only_a, found.only_b) == (1, 1)
    rows = [record(change) for change in found.rows]
    assert [row["verdict"] for row in rows] == ["faster", "slower", "indistinguishable"]
    assert [row["recounted"] for row in rows] == [False, False, True]
    assert rows[0]["measured_speedup"] == pytest.approx(2)
    assert rows[0]["ci_low"] < 2 < rows[0]["ci_high"]
    (across,) = changes(
        results(made.record("lenet5", seconds=0.02)),
        results(made.record("lenet5", seconds=0.01, device="Another")),
    ).rows
    assert across.measured is not None and across.measured.median == pytest.approx(2)


def test_runs_that_share_nothing_say_so() -> None:
    one, other = results(made.record("lenet5")), results(made.record("vgg16"))
    with pytest.raises(StoreError, match="no configuration in common"):
        changes(one, other)
    several = results(made.record("lenet5", device="A"), made.record("lenet5", device="B"))
    with pytest.raises(StoreError, match="measured on A, B"):
        changes(several, one)


def test_a_row_is_what_json_holds() -> None:
    (one,) = results(made.record("resnet18", batch=8))
    row = views.row(one)
    assert row["batch"] == 8 and row["input"] == [[8, 3, 224, 224]] and row["bound"] == "memory"
    assert json.loads(json.dumps(row)) == row


def test_two_devices_are_compared_whatever_failed_on_both() -> None:
    failed = made.failed("vgg16@resolution=16", "no feature map is left")
    a = results(
        made.record("lenet5", seconds=0.02, device="A"), failed, made.failed("alexnet", "x")
    )
    b = results(made.record("lenet5", seconds=0.01, device="B"), failed, made.record("alexnet"))
    b[2:] = results(made.record("alexnet", device="B"))
    found = changes(a, b)
    assert [(row.a.model, row.b.model) for row in found.rows] == [
        *(("lenet5", "lenet5"), ("vgg16@resolution=16", "vgg16@resolution=16")),
        ("alexnet", "alexnet"),
    ]
    assert (found.only_a, found.only_b) == (0, 0)
    assert [bool(record(row)["failure_a"]) for row in found.rows] == [False, True, True]


def unusable(record: made.Record) -> made.Record:
    """The record, as if the machine had been busy."""
    return {**record, "latency": {**record["latency"], "reliable": False}}


def test_what_is_not_usable_is_on_no_front_and_is_compared_with_nothing() -> None:
    fast, slow = made.record("resnet18", seconds=0.01), made.record("vgg16", 10**10, seconds=0.1)
    assert [point.front for point in views.points(results(fast, slow))] == [True, True]
    found = views.points(results(unusable(fast), slow))
    assert [(point.result.model, point.front) for point in found] == [
        ("resnet18", False),
        ("vgg16", True),
    ]
    (change,) = changes(results(fast), results(unusable(fast))).rows
    assert change.measured is None


def test_an_older_record_shows_where_a_rerun_is_expected() -> None:
    (old,) = results(made.record("resnet18", seconds=0.01))
    latency = old.latency
    assert latency is not None and old.timed is not None and old.timed.run_low_s is None
    assert (latency.run_low_s, latency.run_high_s) == (old.timed.ci_low_s, old.timed.ci_high_s)
    ends = (latency.ci_low_s, latency.run_low_s, latency.run_high_s, latency.ci_high_s)
    assert list(ends) == sorted(ends) and len(set(ends)) == 4  # type: ignore[type-var]
