"""What another package adds, used through the command line with no edit of cnnbench.

The package `toy` beside this file is put on Python's path with its metadata, as if installed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ..commands import together
from ..zoo import costly

pytestmark = costly

HERE = Path(__file__).parent
FOLD = 5 * 4 * 8 * 8  # multiply-accumulates of the operator that toy has a rule for
CONV = 4 * 3 * 9 * 8 * 8
QUICK = ("--max-time", "0.1", "--device", "cpu")

LINES = {
    "flops": ["flops", "toy:tiny", "toy:tiny@channels=8", "--layers", "-f", "json"],
    "plugin": ["flops", "mytinynet", "-f", "json"],
    "compare": ["compare", "toy:tiny", "my-tiny-net", "--static", "-f", "json"],
    "time": ["time", "toy:tiny", "--backend", "eager,twice", *QUICK, "-f", "json"],
    "raced": [
        "compare",
        "toy:tiny",
        "toy:tiny@channels=8",
        "--backend",
        "twice",
        *QUICK,
        "-f",
        "json",
    ],
    "sweep": ["sweep", "--models", "toy:tiny", "--backend", "eager,twice", *QUICK, "-o", "run"],
    "report": ["report", "run", "-f", "json"],
    "refused": ["time", "toy:tiny", "--backend", "twice", "--train"],
    "unknown": ["time", "toy:tiny", "--backend", "twise"],
    "missing": ["flops", "toy:huge"],
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """Each line's exit code, stdout and stderr, of one process in which toy is installed."""
    folder = tmp_path_factory.mktemp("toy")
    path = os.pathsep.join([str(HERE), *sys.path])
    done = together(list(LINES.values()), folder, PYTHONPATH=path)
    answers = [(one.returncode, one.stdout, one.stderr) for one in done]
    return dict(zip(LINES, answers, strict=True))


def results(printed: dict[str, tuple[int, str, str]], name: str) -> list[dict[str, Any]]:
    code, out, err = printed[name]
    assert code == 0, err
    return list(json.loads(out)["results"])


def test_a_source_and_a_rule(printed: dict[str, tuple[int, str, str]]) -> None:
    small, large = results(printed, "flops")
    assert small["model"] == "toy:tiny" and small["input"] == [[1, 3, 8, 8]]
    assert small["macs"] == CONV + FOLD and small["uncounted"] == {}
    assert large["macs"] == 2 * small["macs"]
    (fold,) = [layer for layer in small["layers"] if layer["operator"] == "toy::fold"]
    assert (fold["macs"], fold["kind"]) == (FOLD, "matrix product")


def test_names_of_other_packages_are_forgiving(printed: dict[str, tuple[int, str, str]]) -> None:
    (row,) = results(printed, "plugin")
    assert (row["model"], row["macs"]) == ("My-Tiny.Net", CONV + FOLD)
    (pair,) = results(printed, "compare")
    assert (pair["a"], pair["b"], pair["macs_ratio"]) == ("toy:tiny", "My-Tiny.Net", 1.0)


def test_a_back_end(printed: dict[str, tuple[int, str, str]]) -> None:
    rows = results(printed, "time")
    assert [row["backend"] for row in rows] == ["eager", "twice"]
    assert all(row["latency_s"] > 0 and not row["compile"] for row in rows)
    (pair,) = results(printed, "raced")
    assert pair["macs_ratio"] == 0.5 and pair["latency_s_a"] > 0
    assert printed["sweep"][0] == 0, printed["sweep"]
    assert {row["backend"] for row in results(printed, "report")} == {"eager", "twice"}


def test_what_is_wrong_is_one_line(printed: dict[str, tuple[int, str, str]]) -> None:
    assert printed["refused"][0] == 2 and "twice trains nothing" in printed["refused"][2]
    code, out, err = printed["unknown"]
    assert (code, out) == (2, "") and "no backend 'twise' (did you mean twice?)" in err
    assert printed["missing"] == (2, "", "cnnbench: toy has no model 'huge'\n")
