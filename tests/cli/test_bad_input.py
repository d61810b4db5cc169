"""Bad input: one clear line on stderr, exit code 2, nothing half-written, never a traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from ..commands import ROOT, SECONDS, command, shell, wait_for_torch
from ..zoo import costly
from .conftest import Refused


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["flops"], "name at least one model"),
        (["flops", "resnet18", "--all"], "not both"),
        (["flops", "resnt50"], "unknown model 'resnt50' (did you mean resnet50"),
        (["flops", "vgg16@batch_norm=true"], "it takes width_mult, num_classes"),
        (["flops", "mobilenet@width_mult=wide"], "it takes a number from 0.01 to 16"),
        (["flops", "vgg16", "--input", "3x192x192"], "vgg16 cannot take 3x192x192: head.fc6"),
        (
            ["flops", "resnet18", "--input", "1x224x224"],
            "stem.conv.conv (conv2d) expects 3 channels, given 1x1x224x224",
        ),
        (["flops", "alexnet", "--input", "3x20x20"], "alexnet cannot take 3x20x20: features."),
        (["flops", "resnet18", "--input", "224"], "resnet18 cannot take 224"),
        (["flops", "resnet18", "--input", "3x224xabc"], "malformed shape '3x224xabc'"),
        (["flops", "resnet18", "--input", "3x0x224"], "side of 0"),
        (["flops", "resnet18", "--input", "3x99999999x99999999"], "too large"),
        (["flops", "resnet18", "--input", "3x8x8", "--input", "3x9x9"], "is given 2 times"),
        (["flops", "resnet18", "--optimizer", "adam"], "add --train"),
        (["flops", "resnet18", "--train", "--optimizer", "rmsprop"], "'sgd', 'momentum'"),
        (["flops", "resnet18", "--fit-memory", "much"], "write one such as 24GiB"),
        (["flops", "resnet18", "--fit-memory", "0"], "write one such as 24GiB"),
        (["flops", "resnet18", "--train", "--fit-memory", "8GiB"], "needs --optimizer: sgd or"),
        (["flops", "resnet18", "--no-batch", "--fit-memory", "8GiB"], "--no-batch has none"),
        (["flops", "resnet18", "--batch", "0"], "batch 0 makes no sense"),
        (["flops", "resnet18", "--batch", "-1"], "batch -1 makes no sense"),
        (["flops", "resnet18", "--batch", "many"], "--batch"),
        (["flops", "resnet18", "--dtype", "float8"], "'float32'"),
        (["flops", "resnet18", "--format", "yaml"], "table"),
        (["flops", "resnet18", "--layers", "--operators"], "not both"),
        (["flops", "resnet18@resolution=64", "--input", "3x32x32"], "not both"),
        (["flops", "resnet18", "--output", "/nowhere/at/all.json"], "no folder /nowhere/at"),
        (["flops", "resnet18", "--output", "/"], "it is a folder"),
        (["flops", "resnet18", "--deep"], "No such option: --deep"),
        (["flop", "resnet18"], "flop"),
        (["flops", "~nosuch/nets.py:small"], "there is no file ~nosuch/nets.py"),
        (["flops", "lenet5", "--output", "x.json.gz"], "cannot write x.json.gz in that format"),
        (["flops", "lenet5", "--output", "x.yaml"], "cannot write x.yaml in that format"),
        (["show"], "MODEL"),
        (["show", "resnet18", "vgg16"], "vgg16"),
        (["show", "alexnet@resolution=10"], "too small"),
        (["list", "transformer"], "no model has 'transformer'"),
    ],
)
def test_one_line_and_exit_2(arguments: Sequence[str], complaint: str, refused: Refused) -> None:
    refused(arguments, complaint)


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cnnbench", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"cnnbench: cannot write") and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("cnnbench flops lenet5 >&-", 2),
        pytest.param(*("ln -s loop loop; cnnbench flops lenet5 -o loop", 0), marks=costly),
        pytest.param(*("PYTHONIOENCODING=latin-1 cnnbench show lenet5", 0), marks=costly),
        pytest.param(*("COLUMNS=20 cnnbench flops vgg16 | grep -q '15.5 G'", 0), marks=costly),
        ("COLUMNS=99999999999999999999 cnnbench list --help", 0),
        ("cnnbench list | true; exit ${PIPESTATUS[0]}", 0),
    ],
)
def test_odd_surroundings_give_no_traceback(line: str, code: int, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert done.returncode == code
    assert done.stderr.count("\n") == (1 if code else 0)


def test_ctrl_c_is_one_line() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cnnbench", "flops", "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    wait_for_torch(process)
    time.sleep(0.5)  # somewhere in torch's import or in the count
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    if process.returncode == 0:
        pytest.skip("it had ended already")
    assert (output, errors) == ("", "cnnbench: interrupted\n")
    assert process.returncode in (130, -signal.SIGINT)  # a shell shows 130 for both


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = command("flops", "lenet5", "--output", str(tmp_path / "x.json"))
    assert done.returncode == 2 and "permission denied" in done.stderr


def test_an_old_file_survives_a_failed_command(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    path.write_text("precious")
    assert command("flops", "nosuch", "--output", str(path)).returncode == 2
    assert path.read_text() == "precious"


def test_ctrl_c_that_an_import_swallows_ends_it_afterwards() -> None:
    from cnnbench.cli.interrupts import interrupted
    from cnnbench.cli.startup import heavy_imports

    try:
        with pytest.raises(KeyboardInterrupt), heavy_imports():
            interrupted.set()  # and whoever was importing caught the exception
    finally:
        interrupted.clear()


def test_ctrl_c_within_ctrl_c_waits_for_nothing() -> None:
    """The terminal's, and the one that our parent hands on, at any place of the first's handler."""
    script = (
        "import signal, sys\n"
        "import cnnbench.cli.interrupts as cli\n"
        "cli.is_attended = lambda: True\n"
        "cli.heed_interrupts()\n"
        "interrupt = signal.getsignal(signal.SIGINT)\n"
        "for place in range(20):\n"
        "    cli.interrupted.clear()\n"
        "    calls = iter(range(20))\n"
        "    def again(*_):\n"
        "        if next(calls, None) == place:\n"
        "            sys.setprofile(None)\n"
        "            interrupt()\n"
        "    try:\n"
        "        sys.setprofile(again)\n"
        "        interrupt()\n"
        "    except KeyboardInterrupt:\n"
        "        sys.setprofile(None)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=SECONDS)
