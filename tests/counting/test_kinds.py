"""Networks of every kind that counters fail on, counted on shapes where that can be."""

import csv
import random
from pathlib import Path

import pytest
import torch
from torch import nn

from cnnbench import count
from cnnbench.counting.cost import Trace
from cnnbench.counting.tracing.trace import trace
from cnnbench.models import registry
from cnnbench.models.given import Given, On
from cnnbench.models.inputs import Input
from cnnbench.models.network import load

from ..zoo import EVERY
from . import kinds

ROWS = list(csv.DictReader(Path(__file__).with_name("kinds.csv").open()))
RANDOM = ("drops_layers", "drops_by_numpy", "drops_by_torch")


@pytest.fixture(autouse=True)
def _checking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distributions check their arguments, also after a test has compiled something."""
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", True)


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    made: nn.Module = getattr(kinds, name)()
    return made


def counted(row: dict[str, str], **how: bool) -> Trace:
    return count(network(row["network"]), row["input"].split(), **how)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["network"])
def test_each_is_counted(row: dict[str, str]) -> None:
    found = counted(row)
    assert (found.total.macs, found.total.params) == (int(row["macs"]), int(row["params"]))
    assert found.counted_on == row["counted_on"], found.values_asked_at
    assert not row["idle_params"] or found.idle_params == int(row["idle_params"])
    place = "torch's own code" if row["network"] == "quantised" else "kinds.py:"
    assert (place in found.values_asked_at) == (found.counted_on is On.VALUES)
    assert not found.random


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["network"])
def test_each_is_left_as_it_was(row: dict[str, str]) -> None:
    net = network(row["network"])
    state = {
        key: value.clone()
        for key, value in net.state_dict().items()
        if isinstance(value, torch.Tensor)
    }
    flags, drawn = [m.training for m in net.modules()], (random.getstate(), torch.get_rng_state())
    count(net, row["input"].split())
    assert [m.training for m in net.modules()] == flags
    after = {k: v for k, v in net.state_dict().items() if isinstance(v, torch.Tensor)}
    assert after.keys() == state.keys()
    for key, value in after.items():
        same = value.to_dense().equal(state[key].to_dense()) if value.is_sparse else None
        assert value.equal(state[key]) if same is None else same
    assert random.getstate() == drawn[0] and torch.get_rng_state().equal(drawn[1])


@pytest.mark.parametrize("name", RANDOM)
def test_randomness_is_seeded_and_said(name: str) -> None:
    net = network(name)
    channels = 3 if name == "drops_by_numpy" else 4
    steps = [count(net, (channels, 8, 8), train=True) for _ in range(3)]
    assert steps[0].operators == steps[1].operators == steps[2].operators
    assert steps[0].random == (name != "drops_by_numpy")
    assert not count(net, (channels, 8, 8)).random


SMALL = [model for model in registry.MODELS if model.option("resolution")]


def alike(net: nn.Module, x: torch.Tensor, *, train: bool = False) -> None:
    """A pass on shapes and one on values say the same."""
    shapes, values = (trace(net, [x], train=train, values=values) for values in (False, True))
    assert values.operators == shapes.operators
    assert values.buffers == shapes.buffers
    assert (values.unread_params, values.uncounted) == (shapes.unread_params, shapes.uncounted)


@pytest.mark.parametrize(
    "name", ["lenet5", "resnet20", "plain20", *(m.name for m in SMALL[::4] if EVERY)]
)
@pytest.mark.parametrize("train", [False, True])
def test_both_passes_agree_on_the_zoo(name: str, train: bool) -> None:
    network = load(name)
    (given,) = network.inputs
    alike(network.net, torch.randn(2, *given.shape), train=train)


def test_a_shared_layer_is_where_it_is_called() -> None:
    found = count(kinds.SharedActivation(), (3, 8, 8))
    assert [op.path for op in found.operators] == [
        *("first.0", "first.1"),
        *("second.0", "second.1", "second.2"),
    ]


def test_a_bias_that_autocast_converts_is_counted_on_values() -> None:
    found = count(kinds.autocasts_a_bias(), (3, 8, 8))
    assert found.total.macs == 64 * 4 * 27 and found.counted_on == "values"


WEIGHTS_DECIDE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.gates, self.work = nn.Parameter(torch.randn(64)), nn.Linear(8, 8, bias=False)

    def forward(self, x):
        for gate in self.gates:
            x = self.work(x) if gate * x.abs().sum() > 0 else x
        return x
"""


def test_weights_are_the_same_in_each_count_on_values(tmp_path: Path) -> None:
    (tmp_path / "gates.py").write_text(WEIGHTS_DECIDE)
    counts = {count(f"{tmp_path}/gates.py:Net", "8").total.macs for _ in range(3)}
    assert len(counts) == 1


class Attends(nn.Module):
    """Fused attention between two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.project, self.out = nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.project(x).unflatten(-1, (3, 2, 8)).permute(2, 0, 3, 1, 4)
        heads = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(heads.transpose(1, 2).flatten(2))


@pytest.mark.parametrize(("train", "macs"), [(False, 13_440), (True, 32_640)])
def test_fused_attention_is_its_products_on_shapes_and_on_values(train: bool, macs: int) -> None:
    """Two in a pass, four more in its gradients, whichever kernel the CPU has."""
    for on in On:
        given = Given(inputs=(Input((10, 16)),), on=on)
        assert count(Attends(), given, train=train).total.macs == macs
