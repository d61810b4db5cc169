"""Every counter's convention on our trace gives what it prints, to the last operation."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.cli import run as run_cli
from cnnbench.errors import InputError
from cnnbench.models.arguments import Arguments
from cnnbench.models.lookup import MODELS_BY_NAME
from cnnbench.models.spec import parse
from cnnbench.reports.audit import report_of
from cnnbench.studies.audit import COUNTERS
from cnnbench.studies.audit.audit import Account, installed, judge, positional, prepare
from cnnbench.studies.audit.counter import What

from ..commands import command
from ..conftest import library
from ..counting.networks import Calls, conv
from ..zoo import EVERY, NAMES

COUNTED_BY = {counter.name: counter for counter in COUNTERS}
HERE = [counter.name for counter in installed()[0]]


def verdict(name: str, net: nn.Module, *shape: int, batch: int = 1) -> Account:
    if name not in HERE:
        pytest.skip(f"{name} is not installed")
    return judge(COUNTED_BY[name], prepare(net, shape, batch))


# Each counter runs it for real, for up to half a minute: CI alone has the time.
def small(name: str) -> str:
    """The network of 96 pixels, where it is made for more; of its own where CI has the time."""
    model = MODELS_BY_NAME[name]
    if EVERY or model.input[1] < 224:
        return name
    return f"{name}@resolution=96" if model.option("resolution") else name


@pytest.mark.parametrize("model", NAMES)
def test_nothing_remains_on_the_zoo(model: str) -> None:
    done = prepare(parse(small(model)), None, 1)
    for counter in installed()[0]:
        verdict = judge(counter, done)
        assert (verdict.failure, verdict.remaining, verdict.layers) == ("", 0, {}), counter.name
        assert verdict.printed == counter.unit * sum(verdict.terms.values())
        assert next(iter(verdict.terms.values())) == done.trace.total.macs


class Subclass(nn.Conv2d):
    """A convolution whose class is not torch's own."""


TRAPS = {
    "functional": Calls(lambda net, x: F.conv2d(x, net.w), w=nn.Parameter(torch.ones(4, 3, 3, 3))),
    "subclass": Subclass(3, 4, 3),
    "padded by name": conv(3, 4, 3, padding="same"),
    "transposed": nn.ConvTranspose2d(3, 4, 3, stride=2),
    "used twice": Calls(lambda net, x: net.c(net.c(x)), c=conv(3, 3, 1)),
    "two places": nn.Sequential(shared := conv(3, 3, 3), nn.Sequential(shared)),
    "biases and norms": nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4)),
    "activations": nn.Sequential(nn.ReLU(), nn.SiLU(), nn.PReLU(), nn.GELU(), nn.Hardswish()),
    "functional relu": Calls(lambda net, x: F.relu(net.c(x)) + 1, c=conv(3, 4, 1)),
    "pools": nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(3, 1, 1), nn.AdaptiveAvgPool2d(3)),
    "3-D": nn.Sequential(nn.Unflatten(1, (3, 1)), nn.Conv3d(3, 4, (1, 3, 3))),
    "upsampled": nn.Upsample(scale_factor=2, mode="bilinear"),
    "nested": nn.Sequential(nn.ModuleDict({"a": conv(3, 4, 1)})["a"], nn.Sequential(nn.ReLU())),
}
WRONG = {  # the traps that each falls into, by the term of its account
    ("fvcore", "padded by name"): What.UNSEEN,
    ("thop", "functional"): What.UNSEEN,
    ("thop", "subclass"): What.UNSEEN,
    ("thop", "transposed"): What.TRANSPOSED,
    ("ptflops", "functional"): What.UNSEEN,
    ("ptflops", "subclass"): What.UNSEEN,
    ("torchinfo", "functional"): What.UNSEEN,
    ("torchinfo", "transposed"): What.TRANSPOSED,
}


# Traps with layers that ptflops knows; it counts those for one image, whatever the batch.
HOOKED = {
    *("padded by name", "transposed", "used twice", "two places", "biases and norms", "pools"),
    *("activations", "functional relu", "3-D", "upsampled", "nested"),
}


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", COUNTED_BY)
@pytest.mark.parametrize("trap", TRAPS)
def test_traps_are_explained(name: str, trap: str, batch: int) -> None:
    if name == "torchinfo" and trap == "subclass":
        pytest.skip("it counts by the class's name, which has no 'Conv': no trap of its own here")
    judged = verdict(name, TRAPS[trap], 3, 8, 8, batch=batch)
    assert (judged.failure, judged.remaining) == ("", 0)
    assert (What.ONE_IMAGE in judged.terms) == (name == "ptflops" and batch > 1 and trap in HOOKED)
    if (name, trap) in WRONG:
        assert WRONG[name, trap] in judged.terms


def test_a_counter_that_is_wrong_otherwise_shows_the_layers() -> None:
    attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    judged = verdict("thop", nn.Sequential(nn.Linear(8, 8), nn.LSTM(8, 8)), 5, 8)
    assert judged.remaining and list(judged.layers) == ["1"]
    assert sum(judged.layers.values()) == judged.remaining
    assert verdict("fvcore", attention, 5, 8).terms


SEQUENCES = {
    "LSTM": lambda: nn.LSTM(8, 8, 2, bidirectional=True),
    "GRU": lambda: nn.GRU(8, 8),
    "attention": lambda: Calls(lambda net, x: net.a(x, x, x)[0], a=nn.MultiheadAttention(8, 2)),
    "products": lambda: Calls(lambda net, x: F.scaled_dot_product_attention(x, x, x)),
    "heads": lambda: Calls(
        lambda net, x: F.scaled_dot_product_attention(*3 * [x.unflatten(2, (2, 4))])
    ),
    "encoder": lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
}


@pytest.mark.parametrize("which", SEQUENCES)
@pytest.mark.parametrize("name", ["fvcore", "torch"])
def test_counters_of_operators_are_explained_in_recurrent_layers_and_attention(
    name: str, which: str
) -> None:
    assert verdict(name, SEQUENCES[which](), 5, 8).remaining == 0


def test_what_is_not_explained_is_said_last() -> None:
    net = nn.Sequential(nn.Linear(8, 8), nn.LSTM(8, 8))
    accounts = [verdict(name, net, 5, 8) for name in ("fvcore", "thop")]
    finding = report_of("net", prepare(net, (5, 8), 1), accounts, [], None).findings[-1]
    # Five steps of four gates, 16 x 8 products and 3 x 8 sums each, and 32 elementwise.
    assert finding == "not explained: thop +3.20 k, in layers of LSTM"


def test_a_counter_that_cannot_count_says_so() -> None:
    class Boxed:
        def __init__(self, y: Tensor) -> None:
            self.y = y

    net = Calls(lambda net, x: Boxed(net.c(x)), c=conv(3, 4, 1))  # type: ignore[arg-type,return-value]
    judged = verdict("fvcore", net, 3, 8, 8)
    assert judged.printed is None and judged.remaining is None
    assert judged.failure.startswith("RuntimeError: ")


def test_the_network_is_asked_by_copies() -> None:
    done = prepare(parse("mobilenet_v2@resolution=32"), None, 2)
    before = {key: value.clone() for key, value in done.net.state_dict().items()}
    training = [module.training for module in done.net.modules()]
    for counter in installed()[0]:
        judge(counter, done)
    after = done.net.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[key], before[key]) for key in before)
    assert [module.training for module in done.net.modules()] == training
    assert not any(module._forward_hooks for module in done.net.modules())


def test_keywords_are_put_in_order_or_refused() -> None:
    class Two(nn.Module):
        def forward(self, a: Tensor, *, b: Tensor) -> Tensor:
            return a + b

    class Plain(nn.Module):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return a - b

    x, y = torch.ones(1), torch.zeros(1)
    assert positional(Plain(), Arguments([], {"b": y, "a": x})) == (x, y)
    with pytest.raises(InputError, match="b cannot be"):
        positional(Two(), Arguments([x], {"b": y}))


def test_the_command_line() -> None:
    done = command("audit", "lenet5_dense", "--format", "json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["results"]
    assert row["macs"] == 416520
    names = [counter["counter"] for counter in row["counters"]]
    assert names[:2] == ["fvcore", "torch"]
    assert all(c["remaining"] == 0 for c in row["counters"] if not c["failure"])
    assert row["counters"][1]["printed"] == 2 * 416520
    table = command("audit", "mobilenet_v2", COLUMNS="80").stdout
    assert max(map(len, table.splitlines())) <= 80
    assert "fvcore says 314 M, torch 602 M FLOPs" in table
    assert "the same network of 301 M MACs" in " ".join(table.split())
    csv = command("audit", "lenet5_dense", "--format", "csv").stdout.splitlines()
    assert "lenet5_dense,fvcore,remaining,0,MACs" in csv
    assert "lenet5_dense,torch,printed,833040,FLOPs" in csv


def test_a_claim_is_of_one_usual_image_and_failures_are_not_quoted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "odd.py").write_text(
        "import torch\nfrom torch import nn\n"
        "def normed():\n    return nn.utils.weight_norm(nn.Conv2d(3, 4, 3))\n"
        "class Scalar(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n        self.w = nn.Parameter(torch.ones(3))\n"
        "    def forward(self, x):\n        return (x.mean((0, 2, 3)) * self.w).sum()\n"
        "def soft():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softmax())\n"
    )
    monkeypatch.chdir(tmp_path)
    for name in ("Scalar", "soft"):
        assert run_cli(["audit", f"odd.py:{name}", "--input", "3x8x8"]) == 0
    assert run_cli(["audit", "odd.py:normed", "--input", "3x8x8"]) == 2
    said = capsys.readouterr().err
    assert "no counter that is installed can count odd.py:normed: fvcore: RuntimeError" in said


def test_counters_that_are_absent_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name in ("thop", "ptflops") else name
    )
    assert run_cli(["audit", "lenet5_dense"]) == 0
    out = capsys.readouterr().out
    assert "not installed: thop, ptflops; pip install 'cnnbench[counters]'" in out


def test_torchvisions_own_claim_stands_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    library("torchvision")
    assert run_cli(["audit", "torchvision:resnet18"]) == 0
    assert "torchvision says 1.81 G, fvcore 1.82 G" in capsys.readouterr().out
    assert run_cli(["audit", "torchvision:resnet18", "--input", "3x64x64"]) == 0
    assert "torchvision says" not in capsys.readouterr().out
