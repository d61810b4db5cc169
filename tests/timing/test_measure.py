"""`cnnbench.measure`: several models at several batches, what each row says, and failures."""

import math
from dataclasses import replace

import numpy as np
import pytest
from torch import nn

import cnnbench
from cnnbench.devices.device import find_device
from cnnbench.errors import CnnbenchError, DeviceError, SpecError
from cnnbench.timing.latency import Latency, latency
from cnnbench.timing.preparing.prepared import prepare, ready
from cnnbench.timing.samples.reruns import Between
from cnnbench.timing.samples.sampling import Rounds
from cnnbench.timing.samples.statistics import Interval, interval, outliers
from cnnbench.timing.session import StopRule
from cnnbench.timing.setting import Setting
from tests.roofline.test_profile import ROOFS

CPU = find_device("cpu")
QUICK = {"precision": 0.5, "max_time": 3.0, "device": "cpu", "threads": 1}


def test_models_and_batches_in_the_order_asked_for() -> None:
    rows = cnnbench.measure(["lenet5", "resnet20"], batch=[1, 4], **QUICK)  # type: ignore[arg-type]
    assert [(row.model, row.setting.batch) for row in rows] == [
        *(("lenet5", 1), ("lenet5", 4), ("resnet20", 1), ("resnet20", 4))
    ]
    for row in rows:
        assert row.error is None and row.samples_s and row.latency_s is not None
        found = interval(row.samples_s)
        assert row.latency_s == found.median and row.samples == len(row.samples_s)
        assert row.outliers == outliers(row.samples_s)
        assert row.throughput_images_per_s == row.setting.batch / row.latency_s
        assert (
            row.flops
            == 2 * (row.macs or 0)
            == 2 * cnnbench.count(row.model, batch=row.setting.batch).total.macs
        )
        assert row.flops_per_s == pytest.approx(row.flops / row.latency_s)
        assert row.fraction_of_peak is not None and row.fraction_of_peak > 0
        assert (row.device, row.threads, row.dtype) == ("cpu", 1, "float32")


def test_one_module_of_your_own() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout(), nn.BatchNorm2d(4)).train()
    (row,) = cnnbench.measure(net, (3, 16, 16), **QUICK)  # type: ignore[arg-type]
    assert row.model == "Sequential" and row.input == ((1, 3, 16, 16),)
    assert net.training and float(net[2].running_mean.abs().sum()) == 0


def test_a_row_that_cannot_run_says_so_and_the_others_go_on() -> None:
    rows = cnnbench.measure(["lenet5", "alexnet"], (1, 32, 32), **QUICK)  # type: ignore[arg-type]
    assert rows[0].error is None and rows[0].latency_s is not None
    assert rows[1].latency_s is None and "alexnet cannot take 1x32x32" in str(rows[1].error)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"models": "lenet6"}, SpecError, "unknown model 'lenet6'"),
        ({"models": "lenet5", "device": "abacus"}, DeviceError, "unknown device"),
        ({"models": "lenet5", "threads": 0}, DeviceError, "--threads 0"),
        ({"models": "lenet5", "batch": 0}, CnnbenchError, "batch 0"),
        ({"models": "lenet5", "dtype": "float8"}, CnnbenchError, "unknown dtype"),
        ({"models": []}, CnnbenchError, "at least one"),
        ({"models": "lenet5", "precision": 0}, CnnbenchError, "precision"),
        ({"models": "lenet5", "max_time": -1}, CnnbenchError, "max-time"),
        ({"models": "lenet5", "processes": -1}, CnnbenchError, "processes=-1"),
        ({"models": "lenet5", "processes": "2"}, CnnbenchError, "processes='2'"),
    ],
)
def test_a_request_that_makes_no_sense_is_an_error(
    arguments: dict[str, object], kind: type[CnnbenchError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        cnnbench.measure(**{"device": "cpu", **arguments})  # type: ignore[arg-type]


def derived(column: list[float], precision: float = 0.02, repeats: int = 1) -> Latency:
    setting = Setting(batch=2)
    subject = prepare(ready("lenet5", None, setting, CPU), setting, CPU)
    sampled = Rounds(np.array(column).reshape(-1, 1), (repeats,), converged=True, seconds=10.0)
    return latency(subject, sampled, 0, StopRule(precision), ROOFS, Between(0.05, 8))


def test_what_a_sample_is_too_small_for_is_none() -> None:
    few = derived([1.0, 1.1, 1.2])
    assert few.latency_s == 1.1 and few.ci_low_s is None and few.ci_high_s is None
    assert few.run_low_s is None and few.rerun.high == math.inf
    assert not few.converged and few.p90_s is None and few.p99_s is None
    assert [warning.name for warning in few.warnings] == ["not_converged"]
    assert "too few samples in 10.0 s" in few.warnings[0].text
    some = derived([1.0] * 64)
    assert (some.p90_s, some.p99_s, some.converged, some.warnings) == (1.0, None, True, ())
    assert derived([1.0] * 662).p99_s == 1.0
    means = derived([1.0] * 662, repeats=3)
    assert (means.repeats, means.p90_s, means.p99_s) == (3, None, None), "a mean has no tail"


def test_what_the_sample_does_not_support_is_said() -> None:
    wide = derived(list(np.linspace(1, 3, 40)))
    names = [warning.name for warning in wide.warnings]
    assert names == ["not_converged", "drift"] and "±" in wide.warnings[0].text
    assert derived([1.0, 3.0] * 20, precision=0.9).warnings == ()


def test_another_run_is_expected_further_away_than_this_runs_own_median() -> None:
    row = derived(list(np.linspace(1, 1.1, 40)))
    ends = (row.ci_low_s, row.run_low_s, row.latency_s, row.run_high_s, row.ci_high_s)
    assert list(ends) == sorted(ends) and len(set(ends)) == 5  # type: ignore[type-var]
    assert row.between_runs == 0.05 and row.reliable


def test_an_older_record_is_taken_as_this_runs_own() -> None:
    row = derived([1.0, 1.1] * 20)
    old = replace(row, ci_low_s=row.run_low_s, ci_high_s=row.run_high_s, run_low_s=None)
    assert old.rerun.low < (row.run_low_s or 0) and (row.run_high_s or 0) < old.rerun.high
    ends = (row.latency_s, row.ci_low_s, row.ci_high_s)
    assert row.rerun == Interval(*ends)  # type: ignore[arg-type]


def test_a_roof_that_is_exceeded_is_said_and_no_share_of_it_is() -> None:
    row = derived([1e-9] * 8)
    assert row.fraction_of_peak is None
    (warning,) = row.warnings
    assert warning.name == "roof_exceeded" and "'cnnbench device --refresh'" in warning.text


def test_latency_is_of_one_pass_and_the_share_of_the_roof_its_own() -> None:
    row = derived([0.5] * 8)
    assert row.throughput_images_per_s == 4.0
    assert row.flops is not None and row.flops_per_s == row.flops / 0.5
    assert row.fraction_of_peak == row.flops_per_s / ROOFS.flops_per_s["float32"]
    assert (row.params, row.macs) == (60000, 2 * 325680)
