"""What a pass takes is found again in its trace, whatever ran several operators in one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench import count
from cnnbench.counting.cost import Kind, OpCost, Trace
from cnnbench.devices.machine import Machine
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.predict import Predictor
from cnnbench.roofline.profile_file import read
from cnnbench.roofline.runtimes.nodes import CHANGED
from cnnbench.timing.backends import profiled
from cnnbench.timing.by_layer.layers import LayerTimes, OpTime
from cnnbench.timing.by_layer.pass_times import PassTimes, held_by, seconds_of
from cnnbench.timing.latency import failed
from cnnbench.timing.measure import timed
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting

from ..commands import ROOT
from ..zoo import costly

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
    assert None not in found.by_place and found.verb == "measured"


@pytest.mark.parametrize("backend", ["onnxruntime", pytest.param("openvino", marks=costly)])
def test_what_a_runtime_fuses_stands_at_what_multiplies(backend: str) -> None:
    pytest.importorskip(backend)
    found = measured("resnet20", backend)
    operators = found.trace.operators
    multiply = {place for place, op in enumerate(operators) if op.cost.macs}
    placed = set(found.by_place) - {None}
    assert multiply <= placed and len(placed) < len(operators)
    every = sum(op.seconds for op in found.operators)
    assert seconds_of(found.of(operators)) + found.elsewhere_s == pytest.approx(every)


@pytest.mark.parametrize("backend", ["eager", "onnxruntime"])
def test_what_is_predicted_is_found_alike(backend: str) -> None:
    trace, profile = count("googlenet@resolution=64"), read(ROOT / "tests/golden/files/device.toml")
    if backend not in ("eager", *profile.backends):
        pytest.skip(f"that device has no speeds of {backend}")
    predicted = Predictor(profile, "float32", profiled(backend))(trace)
    found = PassTimes.predicted(trace, backend, predicted)
    multiply = {place for place, op in enumerate(trace.operators) if op.cost.macs}
    assert multiply <= set(found.by_place) and found.verb == "predicted"
    placed = seconds_of(found.of(trace.operators))
    assert placed + found.elsewhere_s == pytest.approx(predicted.seconds)
    assert found.low is not None and found.high is not None
    assert found.low < found.seconds < found.high
    changes = [op for op in predicted.operators if op.cost.path == CHANGED]
    assert found.elsewhere_s == seconds_of(changes)


class Twice(nn.Module):
    """A convolution that runs at two places, and an addition between them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(self.act(self.conv(x)) + x))


@pytest.mark.parametrize("how_first", ["Conv", "Conv + Relu"])
def test_a_module_that_runs_twice_has_the_time_of_each_run(how_first: str) -> None:
    trace = count(Twice(), (4, 8, 8))
    kinds = [op.operator for op in trace.operators]
    assert kinds == ["conv2d", "relu", "add", "conv2d", "relu"]
    first, added, second = (trace.operators[place] for place in (0, 2, 3))
    names = (how_first, "Add", "Conv + Relu")
    fused = [
        replace(op, operator=name) for op, name in zip((first, added, second), names, strict=True)
    ]
    strange = OpCost("(layout)", "Reorder", Kind.OTHER, (), (), first.cost, 0)
    found = made_up(trace, [*fused, strange, replace(strange, path="nowhere.known")])
    spent = {place: seconds_of(ran) for place, ran in found.by_place.items()}
    assert spent == {0: 1, 2: 2, 3: 3, None: 4 + 5} and found.elsewhere_s == 9


class Functional(nn.Module):
    """Operators that stand in no module of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        y = F.max_pool2d(torch.sigmoid(x), 2)
        z = F.max_pool2d(F.avg_pool2d(y * y, 2), 2)
        return self.act(self.conv(z)).mean((2, 3))


def test_what_runs_alone_stands_at_its_own_operator() -> None:
    """Also an activation behind a convolution that a runtime has not fused."""
    trace = count(Functional(), (4, 32, 32))
    named = {
        "sigmoid": "Sigmoid",
        "max_pool2d": "MaxPool",
        "mul": "Mul",
        "avg_pool2d": "AveragePool",
        "conv2d": "Conv",
        "silu": "Sigmoid + Mul",
        "mean": "ReduceMean",
    }
    ran = [replace(op, operator=named[op.operator]) for op in trace.operators]
    found = made_up(trace, ran)
    order = {place: seconds_of(ran) for place, ran in found.by_place.items()}
    assert order == {place: place + 1 for place in range(len(trace.operators))}
    in_parts = [replace(op, operator=name) for op in ran[-2:-1] for name in ("Sigmoid", "Mul")]
    silu = len(ran) - 2
    assert set(made_up(trace, in_parts).by_place) == {silu}


def test_calls_in_another_order_are_told_apart_by_what_they_make() -> None:
    """As OpenVINO runs them."""

    class Sizes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            small = self.conv(F.avg_pool2d(x, 4))
            return self.conv(x).mean() + small.mean()

    trace = count(Sizes(), (4, 16, 16))
    convs = [at for at, op in enumerate(trace.operators) if op.cost.macs]
    ran = [replace(trace.operators[at], operator="Conv") for at in reversed(convs)]
    found = made_up(trace, ran)
    assert [seconds_of(found.by_place[at]) for at in reversed(convs)] == [1, 2]


def test_shares_are_of_operators_that_take_longer_than_the_pass() -> None:
    trace = count(Twice(), (4, 8, 8))
    found = made_up(trace, list(trace.operators))
    assert found.divided_s == 100.0
    assert replace(found, seconds=1.0).divided_s == 15.0


def test_what_holds_the_most_time_holds_a_part() -> None:
    trace = count(Twice(), (4, 8, 8))
    found = made_up(trace, list(trace.operators)).operators
    assert held_by(found) is Bound.COMPUTE and held_by([]) is None
    assert isinstance(found[4], OpTime)
    several = [*found[:4], replace(found[4], bound=Bound.MEMORY, seconds=50.0)]
    assert held_by(several) is Bound.MEMORY
