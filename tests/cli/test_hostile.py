"""Hostile names, files and stores through every command and format: shown, and never obeyed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cnnbench.cli import frame
from cnnbench.reports.formats import emit
from cnnbench.reports.formats.emit import Format
from cnnbench.reports.report import Report

from .. import hostile
from ..commands import command
from ..golden.play import COMMANDS
from ..hostile import DEVICE, FILE, FOLDER, MODEL

SIZED = [MODEL, "--input", "3x8x8"]
FAST = ["--max-time", "0.2", "--precision", "50%"]
LINES: list[list[str]] = [
    ["flops", *SIZED],
    ["flops", *SIZED, "--layers"],
    ["flops", *SIZED, "--by", "stage"],
    ["flops", *SIZED, "--operators", "--explain"],
    ["flops", *SIZED, "--fit-memory", "1MiB"],
    ["show", *SIZED],
    ["audit", *SIZED],
    ["time", *SIZED, *FAST, "--wide"],
    ["time", *SIZED, *FAST, "--layers"],
    ["compare", MODEL, f"{MODEL}@raises=-2", "--input", "3x8x8", "--on", DEVICE],
    ["compare", *SIZED, f"{MODEL}@printable=true", *FAST],
    ["why", *SIZED, f"{MODEL}@printable=true", *FAST, "--backend", "eager"],
    ["predict", *SIZED, "--on", DEVICE],
    ["scale", "mobilenet", "--to", "2x", "--on", DEVICE],
    ["fit", "mobilenet_v1", "--on", DEVICE, "--budget", "latency=1s", "--candidates", "5"],
    ["choose", "mobilenet_v1", "--on", DEVICE, "--budget", "latency=1s"],
    ["gradients", *SIZED],
    ["report", FOLDER],
    ["report", FOLDER, "--explain", "--wide"],
    ["report", "--compare", FOLDER, f"{FOLDER}2"],
    ["baseline"],
    ["list"],
]
SILENT_LINES: list[list[str]] = [
    ["sweep", "--models", f"{MODEL},lenet5", "--static", "--output", "run3"],
    ["sweep", "--models", MODEL, "--dry-run"],
    ["merge", FOLDER, f"{FOLDER}2", "--output", "both\x1b\u202e"],
    ["export", *SIZED, "--output", f"{FOLDER}.onnx"],
    ["guide", "\x1b::error::x"],
    ["claims", "\x1b::error::x"],
    ["published", "\x1b::error::x"],
    ["device", "--threads", "99999999"],
    ["list", "\x1b::error::x"],
    ["flops", f"{MODEL}@raises=0", "--input", "3x8x8"],
    *(["flops", f"{MODEL}@raises={number}", "--input", "3x8x8"] for number in range(1, 21, 4)),
    ["flops", *SIZED, "--output", f"nowhere{FOLDER}/x.json"],
    ["report", f"nowhere{FOLDER}"],
    ["check", "--config", f"{FOLDER}.toml"],
    ["check", "--only", "\x1b::error::x\n::error::y"],
    ["sweep", f"{FOLDER}.toml", "--output", "run4"],
    ["\x1b[31m::error::x"],
    ["flops", "lenet5", "--\x1b::x"],
]
BEGINS = "===== "


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    hostile.project(folder)
    return folder


def harmless(arguments: Sequence[str], folder: Path) -> str:
    done = command(*arguments, cwd=folder, COLUMNS="60")
    hostile.check(done.stderr)
    hostile.check(done.stdout)
    assert done.returncode == (2 if not done.stdout else 1 if "failed" in done.stderr else 0)
    return done.stdout


def in_every_format(report: Report, form: Format | None, *more: Any, **how: Any) -> None:
    """A report handed out in each format, so that its command runs but once."""
    for one in Format:
        print(f"{BEGINS}{one}")
        emit.emit(report, one, *more, **how)


@pytest.mark.usefixtures("quick_device")
@pytest.mark.parametrize("line", LINES, ids=lambda line: ascii(" ".join(line)))
def test_no_command_hands_a_name_on_as_more_than_text(
    line: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "emit", in_every_format)
    _, *parts = harmless(line, folder).split(BEGINS)
    shown = dict(part.split("\n", 1) for part in parts)
    assert list(shown) == list(Format) and all(shown.values())
    hostile.check_markdown(shown["markdown"])
    hostile.check_csv(list(csv.DictReader(io.StringIO(shown["csv"]))))
    json.loads(shown["json"])


@pytest.mark.parametrize("line", SILENT_LINES, ids=lambda line: ascii(" ".join(line)))
def test_what_is_said_is_text(line: list[str], folder: Path) -> None:
    harmless(line, folder)


def test_every_command_is_among_them() -> None:
    assert {line[0] for line in LINES + SILENT_LINES} >= set(COMMANDS)


def test_a_check_is_harmless_in_every_format(tmp_path: Path) -> None:
    folder = tmp_path
    hostile.project(folder)
    assert command("baseline", cwd=folder).returncode == 0
    (folder / FILE).write_text(hostile.NETWORK.replace("WIDTH = 3", "WIDTH = 4"))
    for form in ("github", "junit", "table", "markdown", "csv", "json"):
        summary = folder / f"summary-{form}.md"
        done = command("check", "--format", form, cwd=folder, GITHUB_STEP_SUMMARY=str(summary))
        assert done.returncode == 1
        hostile.check(done.stdout)
        if form == "github":
            assert done.stdout.startswith("::error title=cnnbench%3A =<b>|*.py%3AHostile@")
            hostile.check_markdown(summary.read_text())
