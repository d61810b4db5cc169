"""What a pass goes into: parts that add up to it, from operators, oneDNN's log, nodes."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench import count
from cnnbench.counting.cost import Cost, Kind, OpCost
from cnnbench.devices.device import find_device
from cnnbench.devices.machine import Machine
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.profile import Profile
from cnnbench.timing.by_layer.by_operator import ByOperator
from cnnbench.timing.by_layer.causes import NAMES, Causes, causes
from cnnbench.timing.by_layer.layers import LayerTimes, OpTime
from cnnbench.timing.by_layer.onednn import Reorders
from cnnbench.timing.by_layer.threads import Threads
from cnnbench.timing.latency import Latency, failed
from cnnbench.timing.preparing.builder import Builder
from cnnbench.timing.setting import Setting

PROFILE = Profile(name="here", call_s=2e-6, layer_s=1e-6, flops_per_s={"float32": 1e11})
MACHINE = Machine.find("cpu", 1)


def whole(seconds: float, backend: str = "eager", faults: float | None = None) -> Latency:
    row = failed("net", Setting(backend=backend), MACHINE, "")
    return replace(row, latency_s=seconds, page_faults=faults)


def conv(channels: int, filters: int, seconds: float) -> OpTime:
    cost = Cost(macs=channels * filters * 9 * 49)
    shape = (1, channels, 7, 7)
    op = OpCost("a", "conv2d", Kind.CONVOLUTION, (shape,), (1, filters, 7, 7), cost, 0)
    op = replace(op, kernel=(3, 3), weight=(filters, channels, 3, 3))
    return OpTime(op, seconds, None, None, "Conv")


def other(name: str, seconds: float) -> OpTime:
    op = OpCost("b", name, Kind.OTHER, ((1, 4, 7, 7),), (1, 4, 7, 7), Cost(), 0)
    return OpTime(op, seconds, None, None, name)


def test_packing_and_layouts_are_told_by_the_log() -> None:
    log = Reorders(8e-3, 5e-3, 1e-3, 4, ((1, 64, 64, 9),))
    layers = LayerTimes(whole(11e-3), [conv(64, 64, 9e-3), other("relu", 1e-3)], log)
    found = causes(layers, PROFILE)
    assert found is not None
    assert found.packing_s == pytest.approx(5e-3) and found.layouts_s == pytest.approx(1e-3)
    assert found.computing_s == pytest.approx(2e-3)
    assert found.elementwise_s == pytest.approx(1e-3 - 2e-6)
    assert found.calls_s == pytest.approx(
        1e-3 + 2e-6 + 2e-6
    )  # within the convolution, and by Python
    assert found.unexplained_s == pytest.approx(1e-3 - 2e-6)
    assert found.whole_s == pytest.approx(11e-3)


def test_convolutions_of_torchs_own_are_computing() -> None:
    """oneDNN's log does not have the small ones."""
    log = Reorders(4e-3, 1e-3, 0.0, 4, ((1, 64, 32, 9),))
    operators = [conv(64, 64, 3e-3), conv(64, 32, 5e-3)]
    found = causes(LayerTimes(whole(9e-3), operators, log), PROFILE)
    assert found is not None and found.packing_s == pytest.approx(1e-3)
    assert found.computing_s == pytest.approx(3e-3 + 3e-3) and found.calls_s > 1e-3
    unknown = replace(log, convolutions=((1, 7, 7, 9),))  # another network's
    found = causes(LayerTimes(whole(9e-3), operators, unknown), PROFILE)
    assert found is not None and found.packing_s is None and found.layouts_s is None
    assert found.computing_s == pytest.approx(8e-3)


def test_a_convolution_of_a_parameter_has_channels_too() -> None:
    """Whose input is none of the operator's."""
    log = Reorders(4e-3, 1e-3, 0.0, 4, ((1, 64, 64, 9),))
    one = conv(64, 64, 5e-3)
    alone = replace(one, cost=replace(one.cost, inputs=()))
    found = causes(LayerTimes(whole(6e-3), [alone], log), PROFILE)
    assert found is not None and found.packing_s == pytest.approx(1e-3)


def test_what_the_stopwatch_takes_is_taken_off_each_lap() -> None:
    operators = [conv(8, 8, 4e-3), other("relu", 2e-3)]
    found = causes(LayerTimes(whole(4e-3), operators), PROFILE)
    assert found is not None and found.unexplained_s == pytest.approx(0, abs=1e-9)
    clock = (6e-3 - (4e-3 - 2e-6)) / 2
    assert found.computing_s == pytest.approx(4e-3 - clock) and found.adds_up


def test_parts_of_a_slower_pass_do_not_add_up() -> None:
    found = causes(LayerTimes(whole(9e-3), [conv(8, 8, 4e-3), other("relu", 2e-3)]), PROFILE)
    assert found is not None and not found.adds_up


def test_nodes_of_a_runtime() -> None:
    nodes = [conv(8, 8, 3e-3), other("nchwc.ReorderInput", 1e-3), other("Softmax", 1e-3)]
    found = causes(LayerTimes(whole(6e-3, "onnxruntime"), nodes), PROFILE)
    assert found == Causes(3e-3, 0.0, 0.0, 1e-3, 1e-3, unexplained_s=pytest.approx(1e-3))
    two = replace(whole(6e-3, "onnxruntime"), threads=2)
    found = causes(LayerTimes(two, nodes), PROFILE)
    assert found is not None and found.waiting_s is None  # it does not say
    told = Threads(waited=(1e-3, 2e-3, 3e-3))  # of what multiplies
    found = causes(LayerTimes(two, nodes, threads=told), PROFILE)
    assert found is not None and found.waiting_s == pytest.approx(1e-3)
    assert found.computing_s == pytest.approx(2e-3) and found.whole_s == pytest.approx(6e-3)
    found = causes(LayerTimes(whole(2e-3, "onnxruntime"), nodes), PROFILE)
    assert found is not None and found.computing_s == pytest.approx(2e-3)  # less the clocks
    assert found.unexplained_s == pytest.approx(0) and not found.layouts_s


def test_threads_wait_where_one_alone_is_nearly_as_fast() -> None:
    """No less than one thread's time over what all gain is needed, nor than what memory takes."""
    two = replace(whole(11e-3), threads=2)
    shared, lonely = conv(64, 64, 3e-3), conv(8, 8, 4e-3)
    held = replace(conv(512, 512, 2e-3), bound=Bound.MEMORY, fraction_of_bound=0.9)
    operators = [shared, lonely, held, other("relu", 1e-3)]
    alone = Threads((1.9, 1.0, 1.1, 1.9), 1.9)
    found = causes(LayerTimes(two, operators, threads=alone), PROFILE)
    assert found is not None and found.waiting_s is not None
    lost = (4e-3 - 4e-3 / 1.9) + 0.1 * 2e-3
    assert found.waiting_s == pytest.approx(lost)
    assert found.computing_s == pytest.approx(9e-3 - lost)
    assert found.whole_s == pytest.approx(11e-3)
    unknown = causes(LayerTimes(two, operators), PROFILE)
    assert unknown is not None and unknown.waiting_s is None
    one = causes(LayerTimes(whole(11e-3), operators), PROFILE)
    assert one is not None and one.waiting_s == 0
    packing = Reorders(9e-3, 3e-3, 0.0, 4, ((1, 64, 64, 9), (1, 8, 8, 9), (1, 512, 512, 9)))
    found = causes(LayerTimes(two, operators, packing, alone), PROFILE)
    assert found is not None and found.waiting_s == pytest.approx(lost * 6e-3 / 9e-3)


def test_one_thread_beside_all(quick_device: None) -> None:
    """A real pass: one thread takes longer, and the number of threads is what it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        builder = Builder(find_device("cpu"), 0)
        network = ByOperator(builder.prepared("resnet20", None, Setting(), None))
        assert network.medians() == []
        network.seconds()
        found = network.threads()
        assert torch.get_num_threads() == 2
        assert found is not None and len(found.alone) == len(network.medians())
        assert min(found.alone) > 0 and found.gain >= 1
        torch.set_num_threads(1)
        assert network.threads() is None
    finally:
        torch.set_num_threads(before)


def test_beside_a_gpu_nothing_is_told_of_eager() -> None:
    """Python runs beside it, so laps and calls do not add up."""
    layers = LayerTimes(replace(whole(1.0), device="cuda"), [conv(8, 8, 0.5)])
    assert causes(layers, PROFILE) is None


def test_where_nothing_ran_there_are_none() -> None:
    assert causes(LayerTimes(whole(1.0), []), PROFILE) is None
    assert causes(LayerTimes(failed("net", Setting(), MACHINE, "why"), []), PROFILE) is None


times = st.floats(1e-7, 1e-2)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.booleans(), times), min_size=1, max_size=9),
    times,
    st.floats(0, 1e5),
    st.floats(0, 1),
    st.sampled_from(["eager", "openvino"]),
    st.lists(st.floats(0.1, 4), min_size=9, max_size=9),
    st.booleans(),
)
def test_they_add_up_to_the_pass(
    laps: list[tuple[bool, float]],
    seconds: float,
    faults: float,
    share: float,
    backend: str,
    alone: list[float],
    told: bool,
) -> None:
    operators = [conv(8, 8, s) if is_conv else other("relu", s) for is_conv, s in laps]
    logged = sum(s for is_conv, s in laps if is_conv)
    problems = ((1, 8, 8, 9),) * sum(is_conv for is_conv, _ in laps)
    log = Reorders(2 * share * logged, share * logged, share * logged / 2, 4, problems)
    some = alone[: len(operators)]
    threads = Threads(waited=[1e-3 * one for one in some]) if told else Threads(some, 1.5)
    pass_ = replace(whole(seconds, backend, faults), threads=2)
    found = causes(LayerTimes(pass_, operators, log, threads), PROFILE)
    assert found is not None
    assert found.whole_s == pytest.approx(seconds)
    parts = {name: found.seconds(name) for name in NAMES if name != "unexplained_s"}
    assert min(parts.values()) >= -1e-12
    scaled = found.of(3 * seconds)
    assert scaled.whole_s == pytest.approx(3 * seconds)
    assert [scaled.share(name) for name in NAMES] == pytest.approx(
        [found.share(name) for name in NAMES], rel=1e-6, abs=1e-6
    )


def test_a_real_pass_of_each_kind_of_network_is_explained() -> None:
    """Loosely: the machine may be busy. `results/` holds how well."""
    from cnnbench.timing.measure import timed
    from cnnbench.timing.session import Session, stop_rule

    rule = stop_rule(0.5, 0.3, 0, 0)
    session = Session(Machine(find_device("cpu"), MACHINE.threads), rule, wait=False)
    timing = timed([("resnet20", Setting())], None, session, layers=True, kept=False)
    (network,) = timing.networks or []
    found = causes(network, timing.profile)
    assert found is not None and found.computing_s > 0 and found.elementwise_s > 0
    assert count("resnet20").total.macs == network.whole.macs


def test_what_onnx_runtime_says_of_its_threads() -> None:
    from cnnbench.timing.backends.watches.onnxruntime import _waited

    first = {"Wait": 113, "WaitRevoke": 2, "Run": 1288}
    assert _waited({"thread_scheduling_stats": {"main_thread": first}}) == [pytest.approx(115e-6)]
    for said in ({}, {"thread_scheduling_stats": ""}, {"thread_scheduling_stats": {}}):
        assert _waited(said) == []
    assert _waited({"thread_scheduling_stats": {"main_thread": {"Wait": 1}}}) == []
