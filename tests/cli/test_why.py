"""`cnnbench why`: one page from what MACs promise to what changes it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from cnnbench import compare
from cnnbench.devices.device import find_device
from cnnbench.devices.machine import Machine
from cnnbench.models.spec import parse_together
from cnnbench.reports import why_conclusions
from cnnbench.reports.why import _promise
from cnnbench.studies.comparison.cases import pair
from cnnbench.studies.comparison.comparison import Comparison, Side
from cnnbench.studies.comparison.ways import called, tried, ways
from cnnbench.timing.by_layer.causes import Causes
from cnnbench.timing.latency import failed
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.samples.statistics import Interval
from cnnbench.timing.setting import Setting

from ..commands import command
from ..zoo import costly

PAIR = ["why", "conv", "separable", "--shape", "7x7x8", "--max-time", "0.05", "--no-wait"]


@pytest.fixture(autouse=True)
def _every_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside other tests, which make one pass much longer than another."""
    monkeypatch.setattr(Causes, "adds_up", True)


def test_blocks_stand_in_the_middle_of_their_stages_in_a_chain() -> None:
    case = pair(parse_together(["conv", "separable"]), {})
    assert case.label.startswith("28x28x256 → 256, 3x3, 6 in a chain")
    case = pair(parse_together(["plain", "bottleneck"]), {})
    assert case.names == ("plain", "bottleneck") and "chain" not in case.label
    assert pair(parse_together(["resnet18", "vgg11"]), {}).label == ""


def test_ways_are_called_by_what_differs() -> None:
    base = Setting(2)
    found = ways(base, ["eager", "compile", "onnxruntime"], find_device("cpu"))
    assert [called(one, base) for one in found] == [
        *("eager", "channels last", "fused", "compile", "onnxruntime", "batch 16"),
    ]


@costly
def test_its_tables_hold_the_numbers_of_its_records() -> None:
    done = command(*PAIR, "--backend", "onnxruntime", "-f", "json")
    assert done.returncode == 0, done.stderr
    first, *others = json.loads(done.stdout)["results"]
    assert first["way"] == "eager" and first["closed_form"].startswith("1/N + 1/k²")
    assert [one["way"] for one in others] == ["channels last", "fused", "onnxruntime", "batch 8"]
    for one in (first, *others):
        assert one["macs_ratio"] == first["macs_ratio"]
        kept = one["kept"]  # of what can be told
        assert kept is None or kept == pytest.approx(one["measured_speedup"] / one["macs_ratio"])
    for end in "ab":
        names = ("computing", "waiting", "packing", "layouts", "elementwise", "calls")
        spent = [first[f"{name}_s_{end}"] or 0.0 for name in (*names, "page_faults", "unexplained")]
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
    assert "<title>conv and separable: what the MACs promise" in page
    assert page.count("<section>") == 7 and page.count("<svg") == 1
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")
    assert "Where the time goes</text>" in page and "the MACs promise</text>" in page


def test_networks_without_labels() -> None:
    line = ["why", "resnet20", "plain20", "--backend", "eager", *PAIR[5:]]
    first, *_ = json.loads(command(*line, "-f", "json").stdout)["results"]
    assert (first["a"], first["b"]) == ("resnet20", "plain20") and first["kinds_a"]


@pytest.fixture(scope="module")
def row() -> Comparison:
    (found,) = compare("conv", "separable", shape="7x7x8", static=True)
    return found


def tried_in(
    row: Comparison, backend: str, a: float, b: float, verdict: Verdict, spread: float = 0.01
) -> Comparison:
    """The row as it was timed in a back end."""
    setting, machine = Setting(backend=backend), Machine.find("cpu", 1)

    def side(one: Side, seconds: float) -> Side:
        found = failed(one.name, setting, machine, "")
        ends = {"ci_low_s": seconds * (1 - spread), "ci_high_s": seconds * (1 + spread)}
        return replace(one, setting=setting, latency=replace(found, latency_s=seconds, **ends))

    ratio = Interval(a / b, a / b, a / b)
    return replace(row, a=side(row.a, a), b=side(row.b, b), measured=ratio, verdict=verdict)


def conclusions(*rows: Comparison) -> list[str]:
    return list(why_conclusions.conclusions(list(tried(rows))))


def test_the_fastest_way_is_told_whatever_the_ratio(row: Comparison) -> None:
    eager = tried_in(row, "eager", 10e-3, 5e-3, Verdict.FASTER)
    compiled = tried_in(row, "compile", 1e-3, 1e-3, Verdict.INDISTINGUISHABLE)
    first, *_ = conclusions(eager, compiled)
    assert first == (
        "separable is fastest with compile: 1.00 ms an image, 5.00x as fast as with eager."
    )
    alike = tried_in(row, "openvino", 3e-3, 1.01e-3, Verdict.FASTER)
    first, *_ = conclusions(eager, compiled, alike)
    assert "fastest with compile or openvino: 1.00 ms" in first
    (first, *_) = conclusions(compiled, eager)
    assert first == "separable is fastest with compile: 1.00 ms an image."


def test_most_is_kept_where_the_reference_is_not_slow(row: Comparison) -> None:
    eager = tried_in(row, "eager", 10e-3, 5e-3, Verdict.FASTER)
    better = tried_in(row, "onnxruntime", 9e-3, 3e-3, Verdict.FASTER)
    slow = tried_in(row, "litert", 90e-3, 3e-3, Verdict.FASTER)
    *_, last = conclusions(eager, better, slow)
    assert "where conv is not slower than there, at most" in last and "onnxruntime" in last
    *_, last = conclusions(eager, slow)
    assert last.endswith("with eager.") and "litert" not in last


def test_times_that_are_not_usable_conclude_nothing(row: Comparison) -> None:
    eager = tried_in(row, "eager", 10e-3, 5e-3, Verdict.NOT_USABLE)
    assert conclusions(eager) == [] and next(tried([eager])).kept is None


def test_networks_whose_operators_cannot_be_told_say_why(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(
        "from torch import nn\nclass Net(nn.LSTM):\n    input_shape = (4, 16)\n"
        "    def __init__(self, n=32): super().__init__(16, n)\n"
    )
    line = ["why", "nets.py:Net", "nets.py:Net@n=8", "--backend", "eager", *PAIR[5:]]
    done = command(*line, cwd=tmp_path)
    assert "Where the time of nets.py:Net goes is not told: " in " ".join(done.stdout.split())
    assert "3  What changes it" in done.stdout and "Where the time goes\n" not in done.stdout


def test_of_what_multiplies_nothing_no_promise_is_told() -> None:
    nets = nn.Conv2d(3, 4, 3), nn.ReLU()
    (row,) = compare(*nets, input_shape=(3, 8, 8), static=True)
    assert _promise(row).text == "One of them multiplies nothing, so their MACs promise nothing."
    (none,) = compare(nets[1], nn.ReLU(), input_shape=(3, 8, 8), static=True)
    assert _promise(none).text == "Neither multiplies, so their MACs promise nothing."
    (alike,) = compare(nets[0], nn.Conv2d(3, 4, 3), input_shape=(3, 8, 8), static=True)
    assert _promise(alike).text.endswith("so no difference is promised.")
    assert conclusions(row) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["conv"], "name two models, the reference first; here are 1"),
        (["conv", "separable", "bottleneck"], "here are 3"),
        (["conv", "resnet18"], "compare like with like"),
        (["resnet18", "vgg11", "--shape", "7x7x8"], "--shape is for blocks"),
        (["conv", "separable", "--backend", "tensorrt"], "there is no backend 'tensorrt'"),
        (["conv", "separable", "--output", "why.png"], "cannot write why.png"),
        (["conv", "separable", "--backend", "graph"], "needs a CUDA device"),
        (["net.onnx", "net.onnx"], "net.onnx runs in its runtimes alone; 'cnnbench compare'"),
    ],
)
def test_what_it_does_not_take(line: list[str], said: str) -> None:
    done = command("why", *line)
    assert done.returncode == 2 and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
