"""`cnnbench sweep` and `cnnbench merge`, as a person types them."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cnnbench.devices import cores

from ..commands import ROOT, SECONDS, command, family, running, wait_for
from ..sweeps import made
from ..zoo import costly
from .conftest import Refused

needs_workers = pytest.mark.skipif(
    cores.affinity() < 2, reason="a single core counts in the sweep's own process"
)


@needs_workers
@costly
def test_a_killed_sweep_goes_on_where_it_ended(tmp_path: Path) -> None:
    """kill -9 in the middle; nothing finished is lost or done twice."""
    line = (
        *("sweep", "--models", "lenet5,mobilenet,resnet20,mobilenet_v2@width_mult=0.5"),
        *("--batch", ",".join(map(str, range(1, 13))), "--static", "--output", str(tmp_path)),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnbench", *line], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    file = tmp_path / "records.jsonl"
    wait_for(process, lambda: file.exists() and file.stat().st_size > 5000)
    workers = family(process.pid)[1:]
    assert workers
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = file.read_text().splitlines()[:-1]
    assert 0 < len(before) < 48
    done = command(*line)
    assert done.returncode == 0, done.stderr
    assert "48 of 48 configurations" in done.stdout and "0 failed" in done.stdout
    after = file.read_text().splitlines()
    assert after[: len(before)] == before
    assert len({json.loads(text)["key"] for text in after}) == len(after) == 48
    assert not running(workers)
    again = command(*line)
    assert "0 of them new" in again.stdout and file.read_text().splitlines() == after


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text('models = ["lenet5", "resnet20"]\nbatch = [1, 8]\nchannels_last = true\n')
    folder = tmp_path / "run"
    done = command("sweep", str(plan), "--dry-run", "--max-time", "30", "--output", str(folder))
    assert done.returncode == 0 and not folder.exists()
    lines = done.stdout.splitlines()
    assert lines[0] == "lenet5, batch 1, channels last" and len(lines) == 5
    assert lines[-1] == (
        "4 of 4 configurations to do on cpu: about 2 min of timing, after 8 s of counting and "
        "predicting; longer if a pass takes over a second"
    )


def test_times_are_measured_and_merged(tmp_path: Path) -> None:
    for name, model in (("a", "lenet5"), ("b", "resnet20")):
        done = command(
            *("sweep", "--models", model, "--channels-last", "both", "--max-time", "0.2"),
            *("--threads", "1", "--output", str(tmp_path / name)),
        )
        assert done.returncode == 0, done.stderr
        assert "2 of 2 configurations, 2 of them new, 0 failed" in done.stdout
    both = tmp_path / "both"
    done = command("merge", str(tmp_path / "a"), str(tmp_path / "b"), "--output", str(both))
    assert done.stdout.strip() == f"{both}: 4 records, 0 of them otherwise in another store"
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
        (
            ["sweep", "--models", "lenet5", "--dtype", "float8", "-o", "x"],
            "dtype cannot be 'float8'",
        ),
        (["sweep", "--models", "lenet5", "--compile", "maybe", "-o", "x"], "give no, yes, both"),
        (["sweep", "none.toml", "-o", "x"], "cannot read none.toml"),
        (["sweep", "none.toml", "--models", "lenet5", "-o", "x"], "leave --models out"),
        (["sweep", "none.toml", "--no-batch", "-o", "x"], "leave --no-batch out"),
        (["sweep", "--models", "lenet5", "--set", "x", "-o", "x"], "malformed flag 'x'"),
        (["sweep", "--models", "lenet5", "--static", "-o", "/dev/null"], "it is no folder"),
        (["sweep", "--models", "lenet5", "--static", "-o", "/proc/x"], "cannot write /proc/x"),
        (["sweep", "--models", "lenet5", "--device", "cuda:9", "-o", "x"], "cpu"),
        (["sweep", "--models", "lenet5", "--wait", "-o", "x"], "--wait is for a Slurm job"),
        (["sweep", "--models", "lenet5", "--slurm", "gpu", "-o", "x"], "malformed --slurm 'gpu'"),
        (
            ["sweep", "--models", "lenet5", "--slurm", "exclusive=false", "-o", "x"],
            "shares a node with others",
        ),
        (
            ["sweep", "--models", "lenet5", "--static", "--threads", "2", "-o", "x"],
            "leave --device",
        ),
        (["sweep", "--models", "le\0net.py:x", "--static", "-o", "x"], "cannot be printed"),
        (["merge"], "A B"),
        (["merge", "a", "-o", "c"], "a alone cannot be merged"),
        (["merge", "a", "b", "-o", "c"], "a holds no records"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


@costly
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
        "2 of 2 configurations to do on Slurm (partition=gpu,gpus=1): about 20 s of timing, after "
        "4 s of counting and predicting; longer if a pass takes over a second"
    )
    assert not list(tmp_path.iterdir())


@needs_workers
@costly
def test_a_counting_process_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    line = ("sweep", "--models", "mobilenet_v2", "--batch", ",".join(map(str, range(1, 50))))
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnbench", *line, "--static", "--output", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    file = tmp_path / "records.jsonl"
    wait_for(process, lambda: file.exists() and file.stat().st_size > 3000)
    os.kill(family(process.pid)[-1], signal.SIGKILL)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert "49 of 49 configurations, 49 of them new, 0 failed" in output


RUDE = """
import os, sys
from torch import nn

class Rude(nn.Conv2d):
    input_shape = (3, 8, 8)
    def __init__(self): super().__init__(3, 8, 3)

class Prints(Rude):
    def forward(self, x):
        print("FORWARD")
        return super().forward(x)

class Exits(Rude):
    def forward(self, x):
        if x.device.type != "meta": sys.exit(9)
        return super().forward(x)

def dies(): os._exit(7)
"""


@costly
def test_networks_that_end_their_process_are_records(tmp_path: Path) -> None:
    nets = tmp_path / "nets.py"
    nets.write_text(RUDE)
    run = tmp_path / "run"
    line = ("sweep", "--output", str(run), "--models")
    done = command(*line, f"{nets}:dies,{nets}:Prints,lenet5", "--batch", "1,2", "--static")
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1] == (
        "cnnbench: 2 of 6 configurations failed; 'cnnbench report' says why, --retry tries again"
    )
    assert "6 of 6 configurations, 6 of them new, 2 failed" in done.stdout
    assert "its process ended before it had answered" in done.stdout
    assert "FORWARD" not in done.stdout
    one = ("sweep", "--output", str(tmp_path / "one"), "--static", "--models", f"{nets}:dies")
    assert "1 of 1 configurations, 1 of them new, 1 failed" in command(*one).stdout
    more = (f"{nets}:Exits,{nets}:Prints", "--max-time", "0.2", "--threads", "1")
    done = command(*line, *more)
    assert done.returncode == 1, done.stderr
    assert "2 of 2 configurations, 2 of them new, 1 failed" in done.stdout
    assert "SystemExit: 9" in done.stdout and "FORWARD" not in done.stdout


def test_what_is_merged_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    made.store(tmp_path / "a", [made.record(f"lenet5@num_classes={n}") for n in range(1, 40)])
    made.store(tmp_path / "b", [made.record("vgg16")])
    full = f"ulimit -f 20; exec {sys.executable} -m cnnbench merge a b --output c"
    done = subprocess.run(["bash", "-c", full], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert not list((tmp_path / "c").glob("*.jsonl"))
    assert command("merge", "a", "b", "--output", "c", cwd=tmp_path).returncode == 0
    (tmp_path / "d").mkdir()
    for text in ('{"key": [1]}', '{"key": "x", "n": NaN}', "[" * 100_000):
        (tmp_path / "d" / "records.jsonl").write_text(text + "\n")
        done = command("merge", "d", "b", "--output", "e", cwd=tmp_path)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
        assert not (tmp_path / "e").exists()


def test_what_is_built_here_is_float32_whether_or_not_it_is_said(tmp_path: Path) -> None:
    line = ("sweep", "--models", "lenet5", "--static", "--output", str(tmp_path))
    command(*line)
    assert "1 of 1 configurations, 0 of them new" in command(*line, "--dtype", "float32").stdout
