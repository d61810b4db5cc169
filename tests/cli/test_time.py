"""`cnnbench time` and `cnnbench device` by running them as a person does."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from ..commands import ROOT, SECONDS, command
from ..zoo import costly
from .conftest import Refused

QUICK = ("--device", "cpu", "--max-time", "3", "--precision", "50%")
NETS = """
import torch
from torch import nn

class Broken(nn.Module):
    input_shape = (3, 8, 8)
    def forward(self, x):
        if not x.is_meta:
            raise ValueError("only shapes")
        return x

def silent(big=0):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    net.input_shape = (3, 8, 8)
    print("said by their code")
    if big:
        with torch.no_grad():
            net[0].weight.fill_(float("nan"))
    return net
"""


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    (tmp_path / "nets.py").write_text(NETS)
    return tmp_path


def document(*arguments: str, **options: Any) -> dict[str, Any]:
    done = command("time", *arguments, *QUICK, "--format", "json", **options)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_json_has_the_vocabularys_keys_and_its_circumstances() -> None:
    found = document("lenet5", "mobilenet@resolution=64", "--batch", "1,2", "--threads", "1")
    rows = found["results"]
    assert [(row["model"], row["batch"]) for row in rows] == [
        *(("lenet5", 1), ("lenet5", 2)),
        *(("mobilenet_v1@resolution=64", 1), ("mobilenet_v1@resolution=64", 2)),
    ]
    for row in rows:
        for key in (
            *("model", "input", "dtype", "device", "batch", "threads", "latency_s", "ci_low_s"),
            *("ci_high_s", "p90_s", "p99_s", "samples", "outliers", "converged", "flops_per_s"),
            *("fraction_of_peak", "warnings", "throughput_images_per_s", "params", "macs", "error"),
            *("channels_last", "compile", "fuse", "graph", "train", "repeats"),
        ):
            assert key in row
        assert row["ci_low_s"] <= row["latency_s"] <= row["ci_high_s"]
        assert (row["device"], row["dtype"], row["threads"]) == ("cpu", "float32", 1)
        assert row["input"][0][0] == row["batch"] and "samples_s" not in row
    about = found["environment"]
    for key in ("device_name", "driver", "torch", "onednn", "threads_from", "quota", "load"):
        assert key in about
    assert about["threads_from"] == "as asked" and "float32" in about["ceilings"]["flops_per_s"]


def test_raw_gives_every_sample() -> None:
    (row,) = document("lenet5_dense", "--raw", "--channels-last", "--dtype", "bfloat16")["results"]
    assert len(row["samples_s"]) == row["samples"] and row["channels_last"]
    assert sorted(row["samples_s"])[0] <= row["latency_s"] and row["dtype"] == "bfloat16"


@pytest.mark.parametrize("width", ["80", "200"])
def test_the_table_fits_and_names_where_it_was_measured(width: str) -> None:
    arguments = ("time", "lenet5", "resnet20", "--train", "--batch", "2", *QUICK, "--explain")
    done = command(*arguments, COLUMNS=width)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert max(map(len, done.stdout.splitlines())) <= int(width)
    text = " ".join(done.stdout.split())
    assert (
        "1 thread (OMP_NUM_THREADS)" in text
        and "cpu: " in text
        and "roof: a matrix product's" in text
    )
    assert "2 train" in text and "\x1b" not in done.stdout


def test_layers_are_the_counts_with_their_times() -> None:
    (row,) = document("lenet5_dense", "--layers")["results"]
    counted = json.loads(command("flops", "lenet5_dense", "--layers", "--format", "json").stdout)[
        "results"
    ][0]["layers"]
    keys = ("layer", "operator", "macs", "output", "bytes_moved")
    assert [[op[key] for key in keys] for op in row["layers"]] == [
        [op[key] for key in keys] for op in counted
    ]
    for op in row["layers"]:
        assert op["time_s"] > 0 and op["bound"] in ("compute", "memory", "overhead")
        assert op["flops_per_s"] == pytest.approx(op["flops"] / op["time_s"])
        assert op["fraction_of_bound"] > 0 and op["share"] > 0
    table = command("time", "lenet5_dense", "--layers", *QUICK, COLUMNS="80").stdout
    assert "whole pass" in table and "between operators" in table and "bound" in table
    assert max(map(len, table.splitlines())) <= 80


def test_csv_and_markdown() -> None:
    done = command("time", "lenet5", *QUICK, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row["model"] == "lenet5" and float(row["latency_s"]) > 0 and row["fuse"] == "false"
    done = command("time", "lenet5_dense", *QUICK, "--layers", "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) > 8
    done = command("time", "lenet5", *QUICK, "--format", "markdown")
    assert done.stdout.startswith("| model") and "rerun, 95%" in done.stdout


def test_one_that_cannot_run_is_a_row_and_the_others_go_on(nets: Path) -> None:
    done = command("time", "nets:Broken", "nets:silent", *QUICK, cwd=nets)
    assert done.returncode == 1 and "said by their code" in done.stderr
    assert "cnnbench: nets:Broken cannot run: ValueError" in done.stderr
    text = " ".join(done.stdout.split())
    assert "failed" in text and "nets:Broken cannot run: ValueError: only shapes" in text
    assert "said" not in done.stdout
    alone = command("time", "nets:Broken", *QUICK, cwd=nets)
    assert alone.returncode == 2 and alone.stdout == ""
    assert alone.stderr.startswith("cnnbench: nets:Broken cannot run") and "\n" in alone.stderr


def test_nan_is_a_warning(nets: Path) -> None:
    done = command("time", "nets:silent@big=1", *QUICK, "--format", "json", cwd=nets)
    (row,) = json.loads(done.stdout)["results"]
    assert row["warnings"][0]["name"] == "not_finite"
    assert "NaN or infinity from 0 on" in row["warnings"][0]["text"]


def test_too_large_a_batch_is_a_row_and_the_others_go_on() -> None:
    done = command("time", "resnet20", "--batch", "1,900000000", *QUICK)
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.split())
    assert "batch 900000000: resnet20 holds" in text and " free" in text
    alone = command("time", "resnet20", "--batch", "900000000", *QUICK)
    assert alone.returncode == 2 and alone.stderr.count("\n") == 1


@costly
def test_memory_that_runs_out_is_a_row_with_the_largest_batch_that_did_fit(tmp_path: Path) -> None:
    """The system refuses to give more, which the count cannot foresee."""
    (tmp_path / "cheap.py").write_text(
        "from torch import nn\ndef net():\n"
        "    net = nn.ReLU()\n    net.input_shape = (3, 256, 256)\n    return net\n"
    )
    script = (
        "import re, resource, sys, torch, cnnbench.cli as cli\n"
        "size = int(re.search(r'VmSize:\\s*(\\d+)', open('/proc/self/status').read())[1])\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size * 1024 + 2**30,) * 2)\n"
        "cli.main()\n"
    )
    line = "time cheap.py:net --device cpu --batch 1,1000 --largest-batch --max-time 0.1"
    done = subprocess.run(
        [sys.executable, "-c", script, *line.split()],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "200", "MALLOC_ARENA_MAX": "2"},
        timeout=SECONDS,
    )
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.split())
    assert "batch 1000: cheap.py:net does not fit: 750 MiB more could not be allocated" in text
    assert re.search(r"the largest batch that did fit is \d+ \(\d+ did not\)", text), text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["time"], "MODEL"),
        (["time", "resnt50"], "unknown model 'resnt50' (did you mean resnet50"),
        (["time", "lenet5", "--device", "cudaa"], "unknown device 'cudaa' (did you mean cuda"),
        (["time", "lenet5", "--device", "cuda:9"], "--device cpu"),
        (["time", "lenet5", "--threads", "0"], "--threads 0 cannot compute"),
        (["time", "lenet5", "--threads", "100000"], "100000 threads are too many; give at most"),
        (["device", "--threads", "100000"], "100000 threads are too many; give at most"),
        (["time", "lenet5", "--batch", "0"], "malformed batch '0'"),
        (["time", "lenet5", "--batch", "1,,8"], "malformed batch '1,,8'"),
        (["time", "lenet5", "--batch", "1 8"], "--batch 1,8,32"),
        (["time", "lenet5", "--precision", "0%"], "malformed precision '0%'"),
        (["time", "lenet5", "--precision", "tight"], "--precision 2%"),
        (["time", "lenet5", "--max-time", "0"], "--max-time 0 makes no sense"),
        (["time", "lenet5", "--max-time", "nan"], "makes no sense"),
        (["time", "lenet5", "--seed", "-1"], "--seed -1"),
        (
            ["time", "lenet5", "--dtype", "int8"],
            "torch runs no int8 here; give a --backend that does: onnxruntime",
        ),
        (
            ["time", "lenet5", "--device", "cpu", "--backend", "graph"],
            "the back end graph needs a CUDA device",
        ),
        (["time", "lenet5", "--device", "cpu", "--fuse", "--train"], "leave one of them out"),
        (["time", "lenet5", "--layers", "--compile"], "no operators here; leave --layers out"),
        (["time", "lenet5", "--layers", "--raw"], "--layers has neither --raw"),
        (["time", "lenet5", "--input", "3x32x32"], "lenet5 cannot take 3x32x32"),
        (["time", "resnet20", "--train", "--input", "3x1x1"], "give --batch 2"),
        (["time", "lenet5", "--output", "/nowhere/x.json"], "no folder /nowhere"),
        (["device", "--device", "abacus"], "unknown device 'abacus'"),
        (["device", "--threads", "0"], "--threads 0 cannot compute"),
        (["device", "--max-time", "-1"], "--max-time -1 makes no sense"),
        (["device", "--output", "/"], "it is a folder"),
    ],
)
def test_one_line_and_exit_2(arguments: list[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


@pytest.mark.parametrize("processes", ["0", pytest.param("2", marks=costly)])
def test_ctrl_c_prints_what_was_measured_and_the_exit_says_so(processes: str) -> None:
    """Once its bar shows rounds on a terminal, interrupted as a person does."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "cnnbench", "time", "lenet5", "--max-time", "100", "--precision", "0.001%"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "100", "TERM": "xterm", "CNNBENCH_PROCESSES": processes},
        encoding="utf-8",
        timeout=SECONDS,
    )
    child.expect(r"round \d\d+: ")
    child.sendintr()
    child.expect("interrupted")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_ctrl_c_loses_nothing_in_json(tmp_path: Path) -> None:
    script = (
        "import signal, threading, os, cnnbench.cli as cli\n"
        "import cnnbench.timing.measure as measure\n"
        "original = measure.widest\n"
        "def looked(rows):\n"
        "    os.kill(os.getpid(), signal.SIGINT) if len(rows) >= 16 else None\n"
        "    return original(rows)\n"
        "measure.timed.__wrapped__.__kwdefaults__['width'] = looked\n"
        "cli.main()\n"
    )
    file = tmp_path / "times.json"
    done = subprocess.run(
        [sys.executable, "-c", script, "time", "lenet5", "--precision", "0.001%", "-o", str(file)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ},
        timeout=SECONDS,
    )
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    assert done.stderr == "cnnbench: interrupted\n"
    found = json.loads(file.read_text())
    (row,) = found["results"]
    assert found["environment"]["interrupted"] and row["samples"] >= 15 and not row["converged"]
    assert row["latency_s"] > 0


@costly
def test_device_measures_once_and_keeps_it_with_its_date(
    tmp_path: Path, quick_device: None
) -> None:
    def printed(*arguments: str) -> str:
        line = "device", "--device", "cpu", "--max-time", "1", *arguments
        done = command(*line, XDG_CACHE_HOME=str(tmp_path), COLUMNS="80")
        assert done.returncode == 0, done.stderr
        return done.stdout

    first, again = (json.loads(printed("--format", "json")) for _ in range(2))
    (row,), (same,) = first["results"], again["results"]
    assert row == same
    assert row["flops_per_s"]["float32"] > 1e8
    assert row["bytes_per_s"] == row["copies"][-1]["bytes_per_s"] > 1e8
    assert row["ridge_point"]["float32"] == row["flops_per_s"]["float32"] / row["bytes_per_s"]
    noise = row["noise"]
    assert noise["model"] == "resnet20" and noise["ci_low"] <= noise["ratio"]
    assert noise["smallest_difference"] == max(abs(noise["ci_low"] - 1), abs(noise["ci_high"] - 1))
    table = printed()
    assert "noise floor" in table and "again with --refresh" in " ".join(table.split())
    assert max(map(len, table.splitlines())) <= 80
    fresh = json.loads(printed("--refresh", "--format", "json"))["results"][0]
    assert fresh["measured"] > row["measured"]
    lines = printed("--format", "csv").splitlines()
    assert lines[0] == "device,ceiling,value" and len(lines) > 6
