"""The command lines of lines.toml, run in this process, and what of their output is held."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
import sys
import tomllib
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cnnbench.cli import run

from ..commands import ROOT
from ..machines import calibrated

HERE = Path(__file__).parent
RECORDED = HERE / "recorded"
COMMANDS = (
    "list show export flops audit time device compare why predict scale fit choose gradients "
    "published claims sweep merge report baseline check guide"
).split()
# Values that depend on the machine, the versions and the day; their keys are held.
CIRCUMSTANCES = {
    "cnnbench",
    "python",
    "torch",
    "onnx",
    "onednn",
    "platform",
    "load",
    "clock_mhz",
} | {
    *(
        "huge_pages",
        "device_name",
        "cores",
        "quota",
        "cuda",
        "cudnn",
        "driver",
        "clock_max_mhz",
        "rounds",
    ),
}
DATE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?[\d.]*(Z|[+-]\d\d:\d\d)?")
VERSION = re.compile(
    r'("(?:cnnbench|torch|device_name)": )"[^"]*"|cnnbench \d[\w.+]*(?:, torch \d[\w.+]*)?'
)
LONG = re.compile(r"\d+\.\d{6,}(e[+-]?\d+)?")  # whose last digits are the processor's
DIGITS = 6


@dataclass(frozen=True)
class Line:
    """Commands that follow each other in one folder, and how they are held."""

    run: str
    timed: bool = False
    costly: bool = False
    reads: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The first of them; `flops`."""
        return self.run.split()[1].lstrip("-")


def lines() -> list[Line]:
    """The fixed list."""
    content = tomllib.loads((HERE / "lines.toml").read_text("utf-8"))
    return [Line(**{**one, "reads": tuple(one.get("reads", ()))}) for one in content["line"]]


def recorded(name: str) -> dict[str, Any]:
    """What was recorded of a command, by line."""
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text("utf-8"))
    return found


def device(folder: Path) -> Path:
    """A cache folder that knows this device, so that nothing is measured but networks."""
    calibrated(folder)
    (file,) = folder.rglob("devices/*.json")
    profile = json.loads(file.read_text("utf-8"))
    speeds = dict.fromkeys(("float32", "float16", "bfloat16", "float64"), 1e11)
    noise = {"model": "mobilenet_v2", "seconds": 1.0, "rounds": 9, "ratio": 1.0}
    noise |= {"ci_low": 0.98, "ci_high": 1.03, "smallest_difference": 0.03}
    spread = {"model": "mobilenet_v2", "processes": 4, "rounds": 99, "within": 0.02}
    spread |= {"between": 0.01, "allocator": 1.2, "page_faults": 0, "page_faults_usual": 3000}
    more = {"flops_per_s": speeds, "noise": noise, "spread": spread}
    file.write_text(json.dumps({**profile, **more}), "utf-8")
    return folder


def play(line: Line, folder: Path, cache: Path) -> dict[str, Any]:
    """Run a line in an empty folder: exit codes, what is printed and written, as it is held."""
    shutil.copytree(HERE / "files", folder, dirs_exist_ok=True)
    places = {str(folder): "FOLDER", str(ROOT): "ROOT"}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("COLUMNS", "120")
        patch.setenv("NO_COLOR", "1")
        patch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        commands = line.run.format(root=ROOT).split(" && ")
        outputs = [typed(shlex.split(command)[1:]) for command in commands]
    held = shape if line.timed else partial(normalised, places=places)
    return {
        "code": [code for code, _, _ in outputs],
        "stdout": [held(parsed(text)) for _, text, _ in outputs],
        "stderr": None if line.timed else [held(parsed(text)) for _, _, text in outputs],
        "files": {name: held(parsed((folder / name).read_text("utf-8"))) for name in line.reads},
    }


def typed(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Run one command: its exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code = run(arguments)
    print(err.getvalue(), end="", file=sys.stderr)  # for whoever asks why it failed
    return code, out.getvalue(), err.getvalue()


def parsed(text: str) -> Any:
    """JSON, lines of JSON or CSV as data, other text as its lines."""
    texts = text.splitlines()
    if text.startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            return [json.loads(one) for one in texts]
    if texts and re.fullmatch(r"\w+(,\w+)+", texts[0]):
        return list(csv.DictReader(texts))
    return texts


def normalised(value: Any, places: dict[str, str]) -> Any:
    """The same, without what depends on the machine, the versions and the day."""
    if isinstance(value, dict):
        return {
            key: "…" if key in CIRCUMSTANCES else normalised(one, places)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [normalised(one, places) for one in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if not isinstance(value, str):
        return value
    for path, word in places.items():
        value = value.replace(path, word)
    value = VERSION.sub(lambda found: f'{found[1] or "cnnbench "}"…"', DATE.sub("DATE", value))
    return LONG.sub(lambda found: f"{float(found[0]):.{DIGITS}g}", value)


def shape(value: Any) -> Any:
    """Its keys with the types of their values; a list's is that of all its elements."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        whole: Any = None
        for one in value:
            whole = merged(whole, shape(one))
        return [] if whole is None else [whole]
    names = {bool: "boolean", int: "number", float: "number", str: "text", type(None): None}
    return names[type(value)]


def merged(a: Any, b: Any) -> Any:
    """The shape of both; null, where a value is missing, goes with everything."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, dict) and isinstance(b, dict):
        return {key: merged(a.get(key), b.get(key)) for key in [*a, *(set(b) - set(a))]}
    if isinstance(a, list) and isinstance(b, list):
        return [merged(a[0], b[0])] if a and b else a or b
    return a if a == b else "mixed"


def lost(before: Any, now: Any, path: str = "") -> list[str]:
    """Keys of a shape that another has not, or with values of another type; more keys may be."""
    if before is None or now is None or before == [] or now == []:
        return []
    if isinstance(before, dict) and isinstance(now, dict):
        gone = [f"{path}.{key} is gone" for key in before if key not in now]
        both = [key for key in before if key in now]
        return gone + [
            text for key in both for text in lost(before[key], now[key], f"{path}.{key}")
        ]
    if isinstance(before, list) and isinstance(now, list):
        return lost(before[0], now[0], f"{path}[]")
    return [] if before == now else [f"{path} was {before} and is {now}"]


def options(command: str) -> list[str]:
    """Names of a command's options, from its help; of the whole, its commands too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        patch.setenv("NO_COLOR", "1")
        _, text, _ = typed([command, "--help"] if command else ["--help"])
    text = re.sub(r"\x1b\[[\d;]*m", "", text)
    rows = re.findall(r"^│ (?:\*? *(--[a-z-]+)(?: +(-\w))?|([a-z]+))  ", text, re.MULTILINE)
    return [name for row in rows for name in row if name]
