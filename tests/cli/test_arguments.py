"""Whatever is typed: an exit code, and one line where it cannot be done; never a traceback."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from cnnbench.cli.app import app

from .. import hostile, machines
from ..commands import command
from ..hostile import DEVICE, FOLDER, MODEL
from ..zoo import EVERY
from .test_hostile import LINES, SILENT_LINES

COMMANDS: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
# What keeps those that would measure for long from it; what is said last holds.
SHORT = {
    "time": ["--max-time", "0.05", "--precision", "90%"],
    "compare": ["--static"],
    "predict": ["--on", DEVICE],
    "scale": ["--on", DEVICE],
    "fit": ["--static"],
    "choose": ["--static"],
    "published": ["--static"],
    "claims": ["--static"],
    "gradients": ["--seeds", "0"],
    "device": ["--threads", "0"],
    "sweep": ["--static"],
    "check": ["--max-time", "0.05"],
}
numbers = st.sampled_from(
    "0 -1 1 2 0.5 1e9 nan inf 999999999999999999999 x 1x1 true 1,2 3x8x8 50%".split()
)
keys = st.sampled_from(
    "num_classes in_channels resolution width_mult depth_mult aux raises".split()
)
models = st.sampled_from(["lenet5", "lenet5_dense", "alexnet", "conv", MODEL])
specs = models | st.builds("{}@{}={}".format, models, keys, numbers)
names = st.sampled_from([DEVICE, FOLDER, f"{FOLDER}2", "cnnbench.toml", "broken.json", "gone", "."])
words = st.sampled_from("table json csv markdown macs params cpu float16 stage both HEAD".split())
values = st.one_of(specs, numbers, names, words, hostile.texts)


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A line that can be done, or a command with any words, and some of its options after that.

    Each has a value that may be of its kind.
    """
    name = draw(st.sampled_from(sorted(COMMANDS)))
    options = [one for one in COMMANDS[name].params if one.opts[0].startswith("-")]
    whole = st.sampled_from([line for line in (*LINES, *SILENT_LINES) if line[0] == name])
    line = [*draw(whole | st.builds(lambda words: [name, *words], st.lists(specs | values)))]
    for option in draw(st.lists(st.sampled_from(options), max_size=2)) if options else ():
        line.append(draw(st.sampled_from(option.opts)))
        line += [] if option.is_flag else [draw(values)]
    return [*line, *SHORT.get(name, [])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    hostile.project(folder)
    (folder / "broken.json").write_text('{"key": 1')
    with pytest.MonkeyPatch.context() as patch:
        machines.quick(patch)
        yield folder


@settings(max_examples=100 if EVERY else 25, suppress_health_check=list(HealthCheck))
@given(lines() | st.lists(values, max_size=4))
def test_no_argument_gives_a_traceback(folder: Path, line: Sequence[str]) -> None:
    line = [word for word in line if not word.startswith(("--install", "--show"))]
    assume(not any("\0" in word for word in line))  # which no process can be given
    done = command(*line, cwd=folder, COLUMNS="80")
    assert done.returncode in (0, 1, 2)
    hostile.check(done.stdout)
    hostile.check(done.stderr)
    if done.returncode and line:
        assert done.stdout or done.stderr.splitlines()[-1].startswith("cnnbench: ")
    if done.returncode == 2 and line and "--debug" not in line:
        assert all(text.startswith("cnnbench: ") for text in done.stderr.splitlines())
    assert not list(folder.rglob(".cnnbench-*"))
