"""A real pass runs what was counted, in the same order: the whole zoo, in every layout and mode."""

from typing import Any

import pytest
from torch import Tensor, nn

from cnnbench.devices.device import find_device
from cnnbench.devices.machine import Machine
from cnnbench.errors import CnnbenchError, InputError
from cnnbench.models import lookup, registry
from cnnbench.models.model import Model as Row
from cnnbench.models.network import Model
from cnnbench.timing.by_layer.by_operator import ByOperator
from cnnbench.timing.by_layer.layers import LayerTimes, OpTime, op_times
from cnnbench.timing.measure import Timing
from cnnbench.timing.measure import timed as measured
from cnnbench.timing.preparing.prepared import prepare, ready
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting

from ..zoo import costly

CPU = find_device("cpu")
PLAIN = Setting()
# The deepest of each paper run the same operators as its shallowest, more often.
ALIKE = {
    *("vgg13", "vgg16", "vgg19", "vgg13_bn", "vgg16_bn", "vgg19_bn"),
    *("efficientnet_b5", "efficientnet_b6", "efficientnet_b7", "resnet101", "resnet152"),
}
ZOO = [model for model in registry.MODELS if model.name not in ALIKE]
FEW = ("lenet5", "alexnet", "googlenet", "resnet20", "mobilenet_v2", "efficientnet_b0")
FEWEST = ("lenet5", "mobilenet_v2")


def small(model: Row) -> str:
    """Its spec at a small input, where it takes one."""
    fixed = ("alexnet", "vgg", "lenet")
    small = model.option("resolution") and not model.name.startswith(fixed)
    return f"{model.name}@resolution=64" if small else model.name


def watched(model: Model, setting: Setting = PLAIN, shape: object = None) -> ByOperator:
    subject = prepare(ready(model, shape, setting, CPU), setting, CPU)  # type: ignore[arg-type]
    entry = ByOperator(subject)
    assert entry.seconds(2) > 0
    return entry


def times(entry: ByOperator) -> list[OpTime]:
    from tests.roofline.test_profile import ROOFS

    return op_times(entry.medians(), ROOFS, entry._prepared.dtype)


@pytest.mark.parametrize(
    "model",
    [model if model.name in FEW else pytest.param(model, marks=costly) for model in ZOO],
    ids=lambda model: model.name,
)
def test_a_real_pass_runs_what_was_counted(model: Row) -> None:
    entry = watched(small(model))
    found = times(entry)
    trace = entry._prepared.trace
    assert [op.cost for op in found] == list(trace.operators)
    assert all(op.seconds > 0 and op.bound is not None for op in found)


@pytest.mark.parametrize(
    "name", [name if name in FEWEST else pytest.param(name, marks=costly) for name in FEW]
)
@pytest.mark.parametrize(
    "setting",
    [
        Setting(channels_last=True),
        Setting(fuse=True),
        Setting(batch=2, train=True),
        Setting(batch=2, train=True, channels_last=True),
        Setting(dtype="float64"),
    ],
    ids=["channels_last", "fused", "train", "train_channels_last", "float64"],
)
def test_in_every_layout_and_mode(name: str, setting: Setting) -> None:
    entry = watched(small(lookup.find(name)), setting)
    found, trace = times(entry), entry._prepared.trace
    assert sum(op.cost.cost.macs for op in found) == trace.total.macs
    moved = [op.cost for op in found if op.cost.operator.endswith("(copy)")]
    assert not moved or setting.channels_last
    assert all(cost.cost.bytes_moved > 0 and not cost.cost.macs for cost in moved)


class Fickle(nn.Module):
    """It computes something else on values than on shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return self.relu(out) if x.is_meta else self.conv(x) + out


def test_a_pass_that_is_not_the_counted_one_is_refused() -> None:
    with pytest.raises(InputError, match=r"Fickle ran conv2d where relu \(relu\) was counted"):
        times(watched(Fickle(), shape=(3, 8, 8)))


def timed(
    *asked: tuple[Model, Setting], shape: tuple[int, ...] = (3, 8, 8), processes: int = 0
) -> Timing:
    rule = StopRule(0.5, 0.5, processes=processes)
    return measured(asked, shape, Session(Machine.find("cpu", 1), rule), layers=True)


def by_layer(*asked: tuple[Model, Setting], **how: Any) -> list[LayerTimes]:
    found = timed(*asked, **how).networks
    assert found is not None
    return found


def test_layers_beside_the_whole_pass() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4))
    (found,) = by_layer((net, Setting(batch=2)))
    assert [op.cost.operator for op in found.operators] == ["conv2d", "relu", "linear"]
    assert [op.cost.path for op in found.operators] == ["0", "1", "3"]
    whole = found.whole.latency_s
    assert whole is not None
    left = whole - sum(op.seconds for op in found.operators)
    assert found.between_s == (pytest.approx(left) if left >= 0 else None)
    conv = found.operators[0]
    assert conv.flops_per_s == pytest.approx(2 * 2 * 8 * 36 * 27 / conv.seconds)
    dense, *_, last = found.record()
    assert dense["share"] == pytest.approx(conv.seconds / whole)
    assert (last["layer"], last["macs"]) == ("3", 2 * 8 * 36 * 4)


def test_one_that_cannot_be_joined_has_an_error_and_the_others_go_on() -> None:
    asked = [(Fickle(), PLAIN), (nn.Linear(8, 8), PLAIN), (nn.Conv2d(3, 4, 3), PLAIN)]
    broken, linear, conv = by_layer(*asked)
    assert "Fickle ran conv2d where" in str(broken.whole.error) and broken.operators == []
    assert linear.whole.error is None and [op.cost.path for op in conv.operators] == [""]


def test_ctrl_c_ends_with_the_networks_timed_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = ByOperator.seconds, iter(range(1000))

    def stopped(self: ByOperator, repeats: int = 1, counts: bool = True) -> float:
        if counts and next(calls) == 2:
            raise KeyboardInterrupt
        return original(self, repeats, counts)

    monkeypatch.setattr(ByOperator, "seconds", stopped)
    found = timed((nn.Conv2d(3, 4, 3), PLAIN), (nn.Conv2d(3, 4, 1), PLAIN))
    assert found.interrupted and found.networks
    assert [bool(one.operators) for one in found.networks] == [True, True]


def test_layers_in_workers_are_those_of_the_count() -> None:
    here, there = (by_layer(("lenet5", PLAIN), shape=(1, 32, 32), processes=n)[0] for n in (0, 2))
    assert [op.cost for op in there.operators] == [op.cost for op in here.operators]
    assert there.whole.processes == 2 and all(op.seconds > 0 for op in there.operators)


@pytest.mark.parametrize("setting", [Setting(backend="compile"), Setting(backend="graph")])
def test_what_has_no_operators_is_refused(setting: Setting) -> None:
    with pytest.raises(CnnbenchError, match=r"leave --layers out|needs a CUDA device"):
        timed((nn.ReLU(), setting))
