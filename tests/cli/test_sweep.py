"""`cnnbench sweep` and `cnnbench merge`, as a person types them."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ..conftest import ROOT, calibrated, command
from .conftest import Refused


def test_a_killed_sweep_goes_on_where_it_ended(tmp_path: Path) -> None:
    """kill -9 in the middle; nothing finished is lost or done twice."""
    line = (
        *("sweep", "--models", "lenet5,mobilenet,resnet20,mobilenet_v2@width_mult=0.5"),
        *("--batch", ",".join(map(str, range(1, 26))), "--static", "--output", str(tmp_path)),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnbench", *line], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    file = tmp_path / "records.jsonl"
    until = time.monotonic() + 60
    while time.monotonic() < until and not (file.exists() and file.stat().st_size > 5000):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = file.read_text().splitlines()[:-1]
    assert 0 < len(before) < 100
    done = command(*line)
    assert done.returncode == 0, done.stderr
    assert "100 of 100 configurations" in done.stdout and "0 failed" in done.stdout
    after = file.read_text().splitlines()
    assert after[: len(before)] == before
    assert len({json.loads(text)["key"] for text in after}) == len(after) == 100
    again = command(*line)
    assert "0 of them new" in again.stdout and file.read_text().splitlines() == after


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('models = ["lenet5", "resnet20"]\nbatch = [1, 8]\nchannels_last = true\n')
    folder = tmp_path / "run"
    done = command("sweep", str(plan), "--dry-run", "--max-time", "30", "--output", str(folder))
    assert done.returncode == 0 and not folder.exists()
    lines = done.stdout.splitlines()
    assert lines[0] == "lenet5, batch 1, channels_last" and len(lines) == 5
    assert lines[-1] == "4 of 4 configurations to do on cpu, 2 min of timing at most"


def test_times_are_measured_and_merged(tmp_path: Path) -> None:
    ready = calibrated(tmp_path / "cache")
    for name, model in (("a", "lenet5"), ("b", "resnet20")):
        done = command(
            *("sweep", "--models", model, "--channels-last", "both", "--max-time", "0.2"),
            *("--threads", "1", "--output", str(tmp_path / name)),
            **ready,
        )
        assert done.returncode == 0, done.stderr
        assert "2 of 2 configurations, 2 of them new, 0 failed" in done.stdout
    both = tmp_path / "both"
    done = command("merge", str(tmp_path / "a"), str(tmp_path / "b"), "--output", str(both))
    assert done.stdout.strip() == f"{both}: 4 records, 0 of them in several stores"
    records = [json.loads(line) for line in (both / "records.jsonl").read_text().splitlines()]
    assert [record["channels_last"] for record in records] == [False, True, False, True]
    assert all(record["latency"]["latency_s"] > 0 for record in records)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["sweep"], "name a plan, or models"),
        (["sweep", "--models", "lenet5"], "name the folder of its records"),
        (["sweep", "--models", "lenet", "-o", "x"], "did you mean lenet5"),
        (["sweep", "--models", "", "-o", "x"], "malformed spec ''"),
        (["sweep", "--models", "lenet5", "--batch", "0", "-o", "x"], "malformed batch '0'"),
        (["sweep", "--models", "lenet5", "--dtype", "float8", "-o", "x"], "dtype.0"),
        (["sweep", "--models", "lenet5", "--compile", "maybe", "-o", "x"], "give no, yes, both"),
        (["sweep", "none.toml", "-o", "x"], "cannot read none.toml"),
        (["sweep", "none.toml", "--models", "lenet5", "-o", "x"], "leave --models out"),
        (["sweep", "--models", "lenet5", "--static", "-o", "/dev/null"], "it is no folder"),
        (["sweep", "--models", "lenet5", "--static", "-o", "/proc/x"], "cannot write /proc/x"),
        (["sweep", "--models", "lenet5", "--device", "cuda:9", "-o", "x"], "cpu"),
        (["sweep", "--models", "lenet5", "--wait", "-o", "x"], "--wait is for a Slurm job"),
        (["sweep", "--models", "lenet5", "--slurm", "gpu", "-o", "x"], "malformed --slurm 'gpu'"),
        (
            ["sweep", "--models", "lenet5", "--slurm", "exclusive=false", "-o", "x"],
            "shares a node with others",
        ),
        (["merge"], "A B"),
        (["merge", "a", "-o", "c"], "a alone cannot be merged"),
        (["merge", "a", "b", "-o", "c"], "a holds no records"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


def test_what_failed_is_tried_again_where_that_is_asked(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    line = ("sweep", "--models", f"{nets}:net", "--static", "--output", str(tmp_path / "run"))
    first = command(*line)
    assert "1 of 1 configurations, 1 of them new, 1 failed" in first.stdout
    assert "no file" in first.stdout
    nets.write_text("from torch import nn\nnet = nn.Conv2d(3, 8, 3)\nnet.input_shape = (3, 9, 9)\n")
    assert "0 of them new, 1 failed" in command(*line).stdout
    assert "1 of them new, 0 failed" in command(*line, "--retry").stdout
    assert "0 of them new, 0 failed" in command(*line, "--retry").stdout


def test_a_dry_run_on_slurm_submits_nothing(tmp_path: Path) -> None:
    line = ("sweep", "--models", "lenet5", "--batch", "1,8", "--dry-run", "--output", str(tmp_path))
    done = command(*line, "--slurm", "partition=gpu,gpus=1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        "2 of 2 configurations to do on Slurm (partition=gpu,gpus=1), 20 s of timing at most"
    )
    assert not list(tmp_path.iterdir())
