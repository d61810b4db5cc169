"""What a pass does to a network, its inputs and random numbers is undone; nothing is stale."""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cnnbench import count
from cnnbench.errors import InputError, ShapeError
from cnnbench.models.given import Given, On
from cnnbench.models.inputs import parse_input
from cnnbench.models.network import load

from .networks import Calls, conv


def asks(x: Tensor) -> bool:
    return bool(x.sum() > -1e9)


@pytest.mark.parametrize("what", ["lenet5", "module"])
def test_random_numbers_go_on_as_if_nothing_was_counted(what: str) -> None:
    net = conv(3, 4, 3)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    count("lenet5") if what == "lenet5" else count(net, (3, 8, 8))
    assert torch.rand(3).equal(expected) and torch.initial_seed() == 7


def test_weights_that_are_written_in_parts_are_whole_again() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        for row in range(4):
            net.w[row].add_(1.0)
            net.state[row] = 5.0
        return x * net.w if asks(x) else x

    net = Calls(forward, w=nn.Parameter(torch.zeros(4)))
    net.state = torch.zeros(4)
    net.register_buffer("first", torch.zeros(2))
    assert count(net, (4,)).counted_on == "values"
    assert net.w.tolist() == [0] * 4 and net.state.tolist() == [0] * 4


def test_batch_norm_of_a_constant_writes_nothing() -> None:
    net = Calls(
        lambda net, x: net.bn(torch.arange(24.0).view(2, 3, 2, 2)).mean() * net.fc(x),
        bn=nn.BatchNorm2d(3, affine=False),
        fc=nn.Linear(4, 4),
    )
    count(net, (4,), batch=2, train=True)
    assert net.bn.running_mean.tolist() == [0] * 3


def test_what_is_written_by_out_has_no_stale_values() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        values, indices = torch.zeros(2), torch.zeros(2, dtype=torch.int64)
        torch.topk(x.flatten().abs() + 1, 2, out=(values, indices))
        return x @ x.mT if values.sum() == 0 else x * 1

    found = count(Calls(forward), (4, 4))
    assert found.counted_on == "values" and found.total.macs == 0


def test_work_in_a_pool_that_was_there_is_refused() -> None:
    pool = ThreadPoolExecutor(1)
    weight = torch.ones(4, 4)

    def forward(net: Calls, x: Tensor) -> Tensor:
        return pool.submit(torch.no_grad()(torch.matmul), x, weight).result() * 2

    with pool, pytest.raises(InputError, match="another thread"):
        count(Calls(forward), (4,))


def test_nothing_stays_patched_whatever_fails() -> None:
    before, fast = Thread.start, torch.backends.mha.get_fastpath_enabled()

    def forward(net: Calls, x: Tensor) -> Tensor:
        if asks(x):
            raise ValueError("no")
        return x

    with pytest.raises(InputError, match="no"):
        count(Calls(forward), (4,))
    assert Thread.start is before and torch.backends.mha.get_fastpath_enabled() is fast


def test_a_script_keeps_its_mode() -> None:
    for training in (True, False):
        net = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout())).train(training)
        for train in (True, False):
            count(net, (3, 8, 8), train=train)
            assert net.training is training


def test_inputs_from_files_are_nobody_elses(tmp_path: Path) -> None:
    np.save(tmp_path / "ones.npy", np.ones((3, 4, 4), dtype=np.float32))
    net = Calls(lambda net, x: x.mul_(2))
    asked = Given((parse_input(f"@{tmp_path / 'ones.npy'}"),))
    for _ in range(2):
        (x,) = load(net, asked, own=False).arguments(2, torch.device("cpu")).positional
        assert x.is_contiguous() and x.eq(1).all()
        x.mul_(2)
    plain, file = count(net, (3, 4, 4), batch=8), count(net, asked, batch=8)
    assert plain.peak_activation_bytes == file.peak_activation_bytes


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_a_sparse_product_costs_what_it_holds(layout: str) -> None:
    held = torch.eye(10).to_sparse() if layout == "coo" else torch.eye(10).to_sparse_csr()
    for product in (torch.sparse.mm, torch.mm):
        found = count(Calls(lambda net, x, p=product: p(held, x[0])), (10, 8))
        assert found.total.macs == 10 * 8


def test_a_shared_int8_layer_has_its_params_once() -> None:
    net = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 8)))
    found = count(nn.Sequential(net[0], net[0]), (8,))
    assert (found.total.params, found.total.macs) == (72, 128)


def test_names_that_contradict_each_other_are_refused() -> None:
    for texts in (("a=3", "a.b=3"), ("a.b=3", "a=3")):
        with pytest.raises(ShapeError, match="a tensor and a dict"):
            count(Calls(lambda net, x: x), list(texts))
    with pytest.raises(ShapeError, match="by --input and by --set"):
        Given((parse_input("mask=8x8"),), flags=(("mode", 1), ("mask", None)))


def test_a_users_own_error_asks_for_no_values() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        raise NotImplementedError("later")

    with pytest.raises(InputError, match="later") as caught:
        count(Calls(forward), Given((parse_input("4"),), on=On.SHAPES))
    assert "asks for values" not in str(caught.value)


def test_large_constants_take_no_memory() -> None:
    net = Calls(lambda net, x: x[:, [0, 1]] + x.new_zeros(2**40).sum())
    assert count(net, (4,)).counted_on == "shapes"


@pytest.mark.parametrize(
    "sure", [lambda y: y.detach().numpy().max() > 9, lambda y: y.mean().tolist() > 9]
)
@pytest.mark.parametrize("caught", [False, True])
def test_numbers_asked_for_past_torchs_operators(sure: Any, caught: bool) -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        try:
            return x if sure(x) else net.fc(x)
        except (RuntimeError, TypeError):
            if caught:
                return x
            raise

    found = count(Calls(forward, fc=nn.Linear(4, 4)), (4,))
    assert (found.counted_on, found.total.macs) == ("values", 16)


def test_a_number_that_is_written_into_a_text_is_asked_for() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        return x if f"{x.mean():.0f}" == "9" else net.fc(x)

    found = count(Calls(forward, fc=nn.Linear(4, 4)), (4,))
    assert (found.counted_on, found.total.macs) == ("values", 16)


class Holder:
    def __init__(self) -> None:
        self.cache: dict[str, Any] = {"k": {}}
        self.calls: deque[int] = deque()


def test_caches_within_caches_are_as_they_were() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        net.held.cache["k"].setdefault("positions", torch.arange(4, device=x.device))
        net.held.calls.append(1)
        net.held.more = x
        return x + net.held.cache["k"]["positions"]

    net = Calls(forward)
    net.held = Holder()
    count(net, (4,))
    assert net.held.cache == {"k": {}} and not net.held.calls and not hasattr(net.held, "more")
    net(torch.ones(1, 4))


def test_statistics_in_a_plain_dict_are_as_they_were() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        assert asks(x)
        return nn.functional.batch_norm(x, net.of["mean"], net.of["var"], training=True)

    net = Calls(forward)
    net.of = {"mean": torch.zeros(3), "var": torch.ones(3)}
    count(net, (3, 4, 4), batch=2)
    assert net.of["mean"].tolist() == [0] * 3 and net.of["var"].tolist() == [1] * 3


def test_a_buffer_that_a_forward_registers_leaves_no_name_behind() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        net.register_buffer("seen", torch.ones(1), persistent=False)
        return x

    net = Calls(forward)
    count(net, (4,))
    assert net._non_persistent_buffers_set == set() and not list(net.buffers())
