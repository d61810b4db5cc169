"""Completion in a real shell: commands, model names, options and values."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from cnnbench.cli.completion import complete_backend, complete_spec
from cnnbench.timing.backends import BACKENDS

from ..commands import SECONDS, process


def words(incomplete: str) -> list[str]:
    return [word for word, _ in complete_spec(incomplete)]


def test_specs_complete_step_by_step() -> None:
    assert words("mobilenet_v2") == ["mobilenet_v2"]
    assert {"resnet50", "resnet56"} == set(words("resnet5"))
    assert words("resnet50@str") == ["resnet50@stride_on=3x3", "resnet50@stride_on=1x1"]
    assert words("vgg16@num") == ["vgg16@num_classes=1000", "vgg16@num_classes="]
    assert words("resnet50@stride_on=") == ["resnet50@stride_on=3x3", "resnet50@stride_on=1x1"]
    assert words("googlenet@num_classes=10,au") == [
        "googlenet@num_classes=10,aux=true",
        "googlenet@num_classes=10,aux=false",
    ]
    assert words("googlenet@aux=t") == ["googlenet@aux=true"]
    assert not [word for word in words("mobilenet@width_mult=1,") if word.count("width_mult") > 1]
    assert words("nosuch@") == []


def test_backends_complete_after_a_comma() -> None:
    assert complete_backend("") == [
        "eager",
        "compile",
        "freeze",
        "graph",
        "onnxruntime",
        "openvino",
        "litert",
    ]
    assert complete_backend("c") == ["compile"]
    assert complete_backend("eager,") == [f"eager,{name}" for name in list(BACKENDS)[1:]]
    assert complete_backend("eager,co") == ["eager,compile"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered(shell: str) -> None:
    answer = process(
        _CNNBENCH_COMPLETE=f"complete_{shell}",
        _TYPER_COMPLETE_ARGS="cnnbench flops resnet50@str",
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    ).stdout
    assert "resnet50@stride_on=1x1" in answer and "3x3" in answer


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    subprocess.run(["cnnbench", "--install-completion", "bash"], env=environment, check=True)
    shell = pexpect.spawn(
        "bash",
        ["--noprofile", "--norc"],
        env={**environment, "PS1": "$ "},
        encoding="utf-8",
        timeout=SECONDS,
    )
    shell.setwinsize(50, 200)
    script = next(tmp_path.rglob("cnnbench.sh"))
    shell.sendline(f"bind 'set enable-bracketed-paste off'; source {script}; echo ready")
    shell.expect("ready\r\n")

    def completes(typed: str, full: str) -> None:
        shell.send(f"{typed}\t")
        shell.expect_exact(typed[-3:])
        # What stands on the line now, printed instead of run.
        shell.send("\x01echo '<\x05>'\r")
        shell.expect("<([^<>\r\n]*)>\r\n")
        assert shell.match[1].rstrip() == full

    completes("cnnbench flo", "cnnbench flops")
    completes("cnnbench flops mobilenet_v1_sh", "cnnbench flops mobilenet_v1_shallow")
    completes("cnnbench flops resnet50@str", "cnnbench flops resnet50@stride_on=")
    completes("cnnbench show resnet50@stride_on=1", "cnnbench show resnet50@stride_on=1x1")
    completes(
        "cnnbench show vgg16@num_classes=3,in", "cnnbench show vgg16@num_classes=3,in_channels="
    )
    completes("cnnbench flops googlenet@aux=t", "cnnbench flops googlenet@aux=true")
    completes("cnnbench flops resnet18 vgg16@res", "cnnbench flops resnet18 vgg16@resolution=")
    shell.close(force=True)
