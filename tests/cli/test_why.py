"""`cnnbench why`: one page from what MACs promise to what changes it."""

import json
from pathlib import Path

import pytest

from cnnbench.devices.device import find_device
from cnnbench.models.spec import parse_together
from cnnbench.studies.comparison.cases import pair
from cnnbench.studies.comparison.ways import called, ways
from cnnbench.timing.setting import Setting

from ..commands import command

PAIR = ["why", "conv", "separable", "--shape", "7x7x8", "--max-time", "0.05", "--no-wait"]


def test_blocks_stand_in_the_middle_of_their_stages_in_a_chain() -> None:
    case = pair(parse_together(["conv", "separable"]), {})
    assert case.label.startswith("28x28x256 → 256, 3x3, 6 in a chain")
    case = pair(parse_together(["plain", "bottleneck"]), {})
    assert case.names == ("plain", "bottleneck") and "chain" not in case.label
    assert pair(parse_together(["resnet18", "vgg11"]), {}).label == ""


def test_ways_are_called_by_what_differs() -> None:
    base = Setting(2)
    found = ways(base, ["eager", "compile", "graph", "onnxruntime"], find_device("cpu"))
    assert [called(one, base) for one in found] == [
        *("eager", "channels last", "fused", "compile", "onnxruntime", "batch 16"),
    ]


def test_its_tables_hold_the_numbers_of_its_records() -> None:
    done = command(*PAIR, "--backend", "onnxruntime", "-f", "json")
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)["results"]
    assert first["way"] == "eager" and first["closed_form"].startswith("1/N + 1/k²")
    assert [one["way"] for one in others] == ["channels last", "fused", "onnxruntime", "batch 8"]
    for one in (first, *others):
        assert one["macs_ratio"] == first["macs_ratio"]
        assert one["kept"] == pytest.approx(one["measured_speedup"] / one["macs_ratio"])
    for end in "ab":
        names = ("computing", "packing", "layouts", "elementwise", "calls", "page_faults")
        spent = [first[f"{name}_s_{end}"] for name in (*names, "unexplained")]
        assert sum(spent) == pytest.approx(first[f"latency_s_{end}"])
        assert sum(one["macs_share"] for one in first[f"kinds_{end}"]) == pytest.approx(1)
    assert others[-1]["macs_a"] == 8 * first["macs_a"]


def test_a_page_of_the_terminal_and_of_a_document(tmp_path: Path) -> None:
    shown = command(*PAIR, "--backend", "eager", COLUMNS="80").stdout
    for number, words in enumerate(
        ("What the MACs promise", "What it takes here", "Where the time goes", "Under the roof"), 1
    ):
        assert f"{number}  {words}" in shown
    assert "5  What changes it" in shown and max(map(len, shown.splitlines())) <= 80
    assert "channels last" in shown and "In the mean" not in shown
    command(*PAIR, "--backend", "eager", "--output", "why.md", cwd=tmp_path)
    written = (tmp_path / "why.md").read_text()
    assert written.count("### ") == 5 and "| computing" in written


def test_a_page_with_pictures(tmp_path: Path) -> None:
    done = command(*PAIR, "--backend", "eager", "--output", "why.html", cwd=tmp_path)
    assert done.returncode == 0 and "1  What the MACs promise" in done.stdout, done.stderr
    page = (tmp_path / "why.html").read_text()
    assert page.count("<section>") == 7 and page.count("<svg") == 1
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")
    assert "Where the time goes</text>" in page and "the MACs promise</text>" in page


def test_networks_without_labels() -> None:
    line = ["why", "resnet20", "plain20", "--backend", "eager", *PAIR[5:]]
    first, *_ = json.loads(command(*line, "-f", "json").stdout)["results"]
    assert (first["a"], first["b"]) == ("resnet20", "plain20") and first["kinds_a"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["conv"], "name two models, the reference first; here are 1"),
        (["conv", "separable", "bottleneck"], "here are 3"),
        (["conv", "resnet18"], "compare like with like"),
        (["resnet18", "vgg11", "--shape", "7x7x8"], "--shape is for blocks"),
        (["conv", "separable", "--backend", "tensorrt"], "there is no backend 'tensorrt'"),
        (["conv", "separable", "--output", "why.png"], "cannot write why.png"),
    ],
)
def test_what_it_does_not_take(line: list[str], said: str) -> None:
    done = command("why", *line)
    assert done.returncode == 2 and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
