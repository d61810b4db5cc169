"""Peak memory against torch's own allocator, and the planner's arena against what it must hold."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.counting import views
from cnnbench.counting.count import count
from cnnbench.counting.memory import Buffer, alive, arena, plan
from cnnbench.models.build import build, outline
from cnnbench.models.spec import parse

from ..zoo import NAMES
from .allocator import most_between
from .networks import Calls, conv


def test_in_place_operators_and_views_take_no_memory_of_their_own() -> None:
    x = 4 * 3 * 8 * 8
    cases = {
        nn.ReLU(): 2 * x,
        nn.ReLU(inplace=True): x,
        nn.Flatten(): x,  # no operator runs
        nn.Sequential(nn.Flatten(), nn.ReLU(inplace=True)): x,
        nn.Sequential(nn.ReLU(), nn.ReLU(), nn.ReLU()): 3 * x,  # input held, then two alive
    }
    assert [count(net, (3, 8, 8)).peak_activation_bytes for net in cases] == list(cases.values())


def test_a_shortcut_keeps_its_tensor_alive() -> None:
    def three() -> nn.Sequential:
        return nn.Sequential(conv(4, 4, 1), conv(4, 4, 1), conv(4, 4, 1))

    x = 4 * 4 * 8 * 8
    straight = Calls(lambda net, x: net.body(F.relu(x)), body=three())
    assert count(straight, (4, 8, 8)).peak_activation_bytes == 4 * x

    def forward(net: Calls, x: Tensor) -> Tensor:
        kept = net.first(x)
        middle = net.second(net.second(net.second(kept)))
        return kept + middle

    around = Calls(forward, first=conv(4, 4, 1), second=conv(4, 4, 1))
    # input, kept, middle and their sum
    assert count(around, (4, 8, 8)).peak_activation_bytes == 4 * x
    without = Calls(
        lambda net, x: net.second(net.second(net.first(x))), **dict(around.named_children())
    )
    assert count(without, (4, 8, 8)).peak_activation_bytes == 3 * x


def allocated(net: nn.Module, image: Tensor, train: bool = False) -> int:
    """The most that torch's CPU allocator held after any operator, workspaces gone again."""

    def run() -> None:
        out = net(image)
        if train:
            torch.autograd.backward([out], [torch.ones_like(out)])

    with torch.inference_mode(not train):
        return image.nbytes + most_between(run)


@pytest.mark.parametrize("model", NAMES)
def test_the_peak_is_what_the_allocator_really_holds(model: str) -> None:
    net = outline(model).to_empty(device="cpu").eval()
    for buffer in net.buffers():
        buffer.zero_()  # lenet5's are indices
    counted = count(model).peak_activation_bytes
    held = allocated(net, torch.zeros(1, *parse(model).input_shape))
    assert abs(held - counted) <= 0.001 * counted


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("model", ["resnet18", "mobilenet_v2", "vgg11", "efficientnet_b0"])
def test_the_peak_is_what_a_gpu_holds(model: str) -> None:
    net = build(model).cuda().eval()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    image = torch.zeros(8, *parse(model).input_shape, device="cuda")
    torch.cuda.reset_peak_memory_stats()
    with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, benchmark=False):
        net(image)
    held = torch.cuda.max_memory_allocated() - before
    counted = count(model, batch=8).peak_activation_bytes
    assert abs(held - counted) <= 0.05 * counted


@pytest.mark.parametrize("model", ["vgg11@resolution=64", "resnet18", "mobilenet_v2", "plain20"])
def test_the_peak_of_a_training_step_is_too(model: str) -> None:
    counted = count(model, batch=2, train=True).peak_activation_bytes
    held = allocated(build(model), torch.zeros(2, *parse(model).input_shape), train=True)
    assert abs(held - counted) <= 0.01 * counted


@pytest.mark.parametrize("model", ["lenet5", "mobilenet_v2", "resnet50", "googlenet", "vgg16"])
def test_buffers_say_what_is_alive_at_every_operator(model: str) -> None:
    trace = count(model)
    for index, op in enumerate(trace.operators):
        assert sum(buffer.size for buffer in alive(trace.buffers, index)) == op.live_bytes
    assert trace.arena_bytes <= trace.peak_activation_bytes


intervals = st.tuples(st.integers(1, 40), st.integers(0, 12), st.integers(0, 5)).map(
    lambda drawn: Buffer(drawn[0], drawn[1], drawn[1] + drawn[2], drawn[1] + drawn[2])
)


@settings(max_examples=100)
@given(st.lists(intervals, min_size=1, max_size=14))
def test_no_two_buffers_of_an_arena_overlap(buffers: list[Buffer]) -> None:
    offsets = plan(buffers)
    for i, one in enumerate(buffers):
        for j, other in enumerate(buffers[:i]):
            together = one.born <= other.used and other.born <= one.used
            apart = offsets[i] + one.size <= offsets[j] or offsets[j] + other.size <= offsets[i]
            assert apart or not together
    least = max(sum(b.size for b in buffers if b.born <= t <= b.used) for t in range(18))
    assert least <= arena(buffers) <= sum(b.size for b in buffers)


def test_largest_first_is_what_the_planner_does() -> None:
    def chain(*sizes: int) -> list[Buffer]:
        return [Buffer(size, i - 1, i, i) for i, size in enumerate(sizes)]

    assert plan(chain(3, 8, 2, 7, 1)) == [8, 0, 8, 0, 7]
    assert arena(chain(3, 8, 2, 7, 9, 1)) == 18  # where 16 would do: it is greedy
    assert arena([]) == 0


def test_a_constant_is_not_marked_as_an_operators_output() -> None:
    def forward(_: Calls, x: Tensor) -> Tensor:
        large = torch.zeros(1000, 1000)
        return F.relu(x).sum() + large.sum()

    trace = count(Calls(forward), (3,))
    assert [buffer.output for buffer in trace.buffers if buffer.size == 4_000_000] == [False]
    made = [row["held_at_peak"] for row in views.layers(trace)]
    assert sum(made) == sum(buffer.output for buffer in alive(trace.buffers, trace.peak))


def test_mobilenet_v2_keeps_little_between_its_blocks() -> None:
    # Sandler et al. 2018, section 5.1: only the bottlenecks need to be held between operators.
    rows = views.layers(count("mobilenet_v2"))
    peak = next(row for row in rows if row["is_peak"])
    assert peak["layer"].startswith("stage2.block1.expand")
    held = [row for row in rows if row["held_at_peak"]]
    assert [row["layer"] for row in held] == [
        "stage1.block1.project.norm",  # the bottleneck, 16 channels
        "stage2.block1.expand.conv",  # its expansion, 96
        "stage2.block1.expand.norm",
    ]
    between = [
        row["live_bytes"]
        for row in rows
        if row["layer"].endswith("expand.conv") and row["output"][1] != 96
    ]
    assert max(between) < peak["live_bytes"] / 3
