"""What a pass takes is found again in its trace, whatever ran several operators in one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torch import Tensor, nn

from cnnbench import count
from cnnbench.counting.cost import Kind, OpCost, Trace
from cnnbench.devices.machine import Machine
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.predict import Predictor
from cnnbench.roofline.profile_file import read
from cnnbench.timing.backends import profiled
from cnnbench.timing.latency import failed
from cnnbench.timing.layers import LayerTimes, OpTime
from cnnbench.timing.measure import timed
from cnnbench.timing.pass_times import PassTimes, held_by, seconds_of
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting

from ..commands import ROOT

MACHINE = Machine.find("cpu", 1)


def measured(model: str, backend: str) -> PassTimes:
    session = Session(MACHINE, StopRule(0.5, 0.05, processes=0), wait=False)
    timing = timed([(model, Setting(backend=backend))], None, session, layers=True)
    assert timing.networks is not None and not timing.networks[0].whole.error
    return PassTimes.measured(count(model), timing.networks[0])


def made_up(trace: Trace, ran: list[OpCost]) -> PassTimes:
    """A pass in which the first operator takes a second, the next two, and so on."""
    operators = [OpTime(op, float(number), Bound.COMPUTE, None) for number, op in enumerate(ran, 1)]
    whole = replace(failed("net", Setting(), MACHINE, ""), latency_s=100.0, error=None)
    return PassTimes.measured(trace, LayerTimes(whole, operators))


def test_each_operator_of_eager_has_its_own_time() -> None:
    found = measured("googlenet@resolution=64", "eager")
    operators = found.trace.operators
    assert sorted(found.by_place) == list(range(len(operators)))
    assert [seconds_of(found.of([op])) for op in operators] == [
        op.seconds for op in found.operators
    ]
    assert found.elsewhere_s == 0 and found.is_measured and found.low <= found.seconds <= found.high


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_what_a_runtime_fuses_stands_at_what_multiplies(backend: str) -> None:
    pytest.importorskip(backend)
    found = measured("resnet20", backend)
    operators = found.trace.operators
    multiply = {place for place, op in enumerate(operators) if op.cost.macs}
    assert multiply <= set(found.by_place) and len(found.by_place) < len(operators)
    every = sum(op.seconds for op in found.operators)
    assert seconds_of(found.of(operators)) + found.elsewhere_s == pytest.approx(every)
    assert found.elsewhere_s < 0.5 * every


@pytest.mark.parametrize("backend", ["eager", "onnxruntime"])
def test_what_is_predicted_is_found_alike(backend: str) -> None:
    trace, profile = count("resnet20"), read(ROOT / "tests/golden/files/device.toml")
    if backend not in ("eager", *profile.backends):
        pytest.skip(f"that device has no speeds of {backend}")
    predicted = Predictor(profile, "float32", profiled(backend))(trace)
    found = PassTimes.predicted(trace, backend, predicted)
    multiply = {place for place, op in enumerate(trace.operators) if op.cost.macs}
    assert multiply <= set(found.by_place) and found.verb == "predicted"
    placed = seconds_of(found.of(trace.operators))
    assert placed + found.elsewhere_s == pytest.approx(predicted.seconds)
    assert found.low < found.seconds < found.high


class Twice(nn.Module):
    """A convolution that runs at two places, and an addition between them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(self.act(self.conv(x)) + x))


def test_a_module_that_runs_twice_has_the_time_of_each_run() -> None:
    trace = count(Twice(), (4, 8, 8))
    kinds = [op.operator for op in trace.operators]
    assert kinds == ["conv2d", "relu", "add", "conv2d", "relu"]
    first, added, second = (trace.operators[place] for place in (0, 2, 3))
    names = ("Conv + Relu", "Add", "Conv + Relu")
    fused = [
        replace(op, operator=name) for op, name in zip((first, added, second), names, strict=True)
    ]
    strange = OpCost("(layout)", "Reorder", Kind.OTHER, (), (), first.cost, 0)
    found = made_up(trace, [*fused, strange, replace(strange, path="nowhere.known")])
    assert {place: seconds_of(ran) for place, ran in found.by_place.items()} == {0: 1, 2: 2, 3: 3}
    assert found.elsewhere_s == 4 + 5


def test_what_holds_the_most_time_holds_a_part() -> None:
    trace = count(Twice(), (4, 8, 8))
    found = made_up(trace, list(trace.operators)).operators
    assert held_by(found) is Bound.COMPUTE and held_by([]) is None
    assert isinstance(found[4], OpTime)
    several = [*found[:4], replace(found[4], bound=Bound.MEMORY, seconds=50.0)]
    assert held_by(several) is Bound.MEMORY
