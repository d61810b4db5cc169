"""Throughput over a longer time, from raw samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench.cli.reading import read_seconds
from cnnbench.errors import CnnbenchError
from cnnbench.timing.latency import Latency
from cnnbench.timing.setting import Setting
from cnnbench.timing.sustained import sustained

from ..commands import command
from ..zoo import costly


def row(samples: list[float], batch: int = 1, repeats: int = 1) -> Latency:
    return Latency(
        "net", (), None, "cpu", 1, Setting(batch), repeats=repeats, samples_s=tuple(samples)
    )


def test_a_device_that_slows_down_is_told() -> None:
    found = sustained(row([0.01] * 6000 + [0.02] * 6000, batch=4))  # 60 s, then 120 s
    assert found is not None and found.stretch_s == 60
    assert found.first_images_per_s == pytest.approx(400)
    assert found.last_images_per_s == pytest.approx(200) and found.kept == pytest.approx(0.5)
    assert [part.throughput_images_per_s for part in found.parts[:6]] == pytest.approx([400] * 6)
    assert found.parts[-1].end_s == pytest.approx(180)


@given(
    st.lists(st.floats(1e-6, 10.0), min_size=20, max_size=200),
    st.integers(1, 64),
    st.integers(1, 9),
)
def test_its_parts_hold_all_images(samples: list[float], batch: int, repeats: int) -> None:
    found = sustained(row(samples, batch, repeats))
    assert found is not None
    whole = sum(samples) * repeats
    assert found.parts[-1].end_s == pytest.approx(whole)
    rates = [part.throughput_images_per_s for part in found.parts]
    assert found.kept > 0
    assert min(rates) >= batch / max(samples) * (1 - 1e-9)
    assert max(rates) <= batch / min(samples) * (1 + 1e-9)


def test_few_samples_say_nothing() -> None:
    assert sustained(row([0.01] * 19)) is None


@pytest.mark.parametrize(("text", "seconds"), [("60s", 60), ("5m", 300), ("2", 2), ("0.5H", 1800)])
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    assert read_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "s", "-5s", "60 s", "nan", "inf", "6d", "1e3", "2h"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(CnnbenchError, match="makes no sense"):
        read_seconds(text)


@costly
def test_a_run_over_time(tmp_path: Path) -> None:
    line = ["time", "lenet5_dense", "--sustain", "2s", "--no-wait", "--device", "cpu"]
    done = command(*line, "-f", "json", cwd=tmp_path)
    (found,) = json.loads(done.stdout)["results"]
    assert found["sustained"]["kept"] > 0 and len(found["sustained"]["parts"]) > 10
    assert found["converged"] and "not_converged" not in {w["name"] for w in found["warnings"]}
    text = command(*line, cwd=tmp_path).stdout
    assert "throughput over time" in text and "█" in text and " of it" in text
    assert np.isfinite(found["sustained"]["first_images_per_s"])
    many = command("time", "lenet5", "resnet20", "--sustain", "2s", cwd=tmp_path)
    assert many.returncode == 2 and "--sustain runs one row" in many.stderr
