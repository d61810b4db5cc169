"""The memory of a training step against torch's allocator and optimisers; convolutions' copies."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.counting.count import count
from cnnbench.counting.footprint import footprint
from cnnbench.counting.optimizers import Optimizer
from cnnbench.counting.workspace import workspace_bytes
from cnnbench.models.build import build, outline
from cnnbench.models.spec import parse

from ..zoo import EVERY
from .allocator import most
from .networks import conv

MADE = {
    Optimizer.SGD: lambda ps: torch.optim.SGD(ps, 1e-3),
    Optimizer.MOMENTUM: lambda ps: torch.optim.SGD(ps, 1e-3, momentum=0.9),
    Optimizer.ADAM: lambda ps: torch.optim.Adam(ps, 1e-3),
    Optimizer.ADAMW: lambda ps: torch.optim.AdamW(ps, 1e-3),
}
STEPS = [
    ("resnet18@resolution=96", 4, Optimizer.ADAM),
    ("mobilenet_v2@resolution=96", 4, Optimizer.SGD),
    ("vgg11@resolution=64", 2, Optimizer.MOMENTUM),
    ("alexnet", 4, Optimizer.ADAM),
    ("googlenet@resolution=96", 4, Optimizer.MOMENTUM),
    ("efficientnet_b0@resolution=96", 4, Optimizer.ADAMW),
    ("plain20", 16, Optimizer.SGD),
]


def held_by_a_step(net: nn.Module, image: Tensor, optimizer: Optimizer) -> tuple[int, int]:
    """What one step holds at most, everything in it, and what the optimiser keeps."""
    updates = MADE[optimizer](net.parameters())
    labels = torch.zeros(len(image), dtype=torch.int64)

    def step() -> None:
        out = net(image)
        F.cross_entropy(out[0] if isinstance(out, tuple) else out, labels).backward()
        updates.step()

    step()
    updates.zero_grad()
    state = [t for one in updates.state.values() for t in one.values() if isinstance(t, Tensor)]
    kept = sum(tensor.nbytes for tensor in state)
    weights = sum(t.nbytes for t in (*net.parameters(), *net.buffers()))
    return most(step) + image.nbytes + weights + kept, kept


@pytest.mark.parametrize(("model", "batch", "optimizer"), STEPS)
def test_a_training_step_holds_what_the_allocator_holds(
    model: str, batch: int, optimizer: Optimizer
) -> None:
    trace = count(model, batch=batch, train=True)
    found = footprint(trace, optimizer)
    net = build(model)
    held, kept = held_by_a_step(
        net.train(), torch.randn(batch, *parse(model).input_shape), optimizer
    )
    assert found.optimizer_bytes == kept
    assert found.gradient_bytes == sum(p.nbytes for p in net.parameters())
    assert abs(found.total_bytes + workspace_bytes(trace) - held) <= 0.02 * held


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("model", "batch", "optimizer"), STEPS)
def test_a_training_step_holds_what_a_gpu_holds(
    model: str, batch: int, optimizer: Optimizer
) -> None:
    net = build(model).cuda().train()
    image = torch.randn(batch, *parse(model).input_shape, device="cuda")
    updates = MADE[optimizer](net.parameters())
    for _ in range(2):
        updates.zero_grad()
        torch.cuda.reset_peak_memory_stats()
        out = net(image)
        (out[0] if isinstance(out, tuple) else out).sum().backward()
        updates.step()
    held = torch.cuda.max_memory_allocated()
    found = footprint(count(model, batch=batch, train=True), optimizer).total_bytes
    assert abs(found - held) <= 0.1 * held


def test_parameters_that_are_frozen_or_idle_have_weights_and_no_gradient() -> None:
    net = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 4))
    net[0].requires_grad_(False)
    found = footprint(count(net, (8,), train=True), Optimizer.ADAM)
    weights, trained = 4 * (8 * 16 + 16 + 16 * 4 + 4), 4 * (16 * 4 + 4)
    assert (found.weight_bytes, found.gradient_bytes) == (weights, trained)
    assert found.optimizer_bytes == 2 * trained + 2 * 4  # two tensors have a step number
    evaluated = footprint(count(net, (8,)))
    assert (evaluated.gradient_bytes, evaluated.optimizer_bytes) == (0, 0)
    # input, the first layer's output, the second's
    assert evaluated.total_bytes == weights + 4 * (8 + 16 + 4)


def test_buffers_and_shared_weights_lie_once() -> None:
    tied = nn.Linear(8, 8, bias=False)
    net = nn.Sequential(tied, nn.BatchNorm1d(8), tied)
    norm = 4 * 4 * 8 + 8  # weight, bias, mean, variance; how many batches
    assert count(net, (8,)).weight_bytes == 4 * 64 + norm


@pytest.mark.parametrize("optimizer", Optimizer)
def test_the_update_alone_holds_what_the_optimiser_makes(optimizer: Optimizer) -> None:
    net, image = nn.Sequential(nn.Linear(1000, 1000, bias=False)), torch.randn(2, 1000)
    held, _ = held_by_a_step(net, image, optimizer)
    found = footprint(count(net, (1000,), batch=2, train=True), optimizer).total_bytes
    assert abs(found - held) <= 0.01 * held


COPIES = ["mobilenet_v2", "odd", "wide"]
COPIES += ["alexnet", "resnet18", "vgg11", "squeezenet"] if EVERY else []


@pytest.mark.parametrize("model", COPIES)
def test_what_convolutions_copy_is_what_the_allocator_holds_beside(model: str) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # with one thread torch computes 1x1 kernels itself
    own = {
        # Its peak is where an output is copied out; channels that fill no block; a large weight.
        "squeezenet": lambda: nn.Sequential(nn.Conv2d(3, 96, 7, 2), nn.ReLU(), conv(96, 16, 1)),
        "odd": lambda: nn.Sequential(conv(3, 58, 3), conv(58, 58, 3), conv(58, 24, 1)),
        "wide": lambda: nn.Sequential(conv(16, 1024, 1), nn.AvgPool2d(8), conv(1024, 1024, 3)),
    }
    if model in own:
        net, image = own[model](), torch.zeros(1, 16 if model == "wide" else 3, 56, 56)
        trace = count(net, tuple(image.shape[1:]))
    else:
        net = outline(model).to_empty(device="cpu").eval()
        image = torch.zeros(1, *parse(model).input_shape)
        for tensor in (*net.parameters(), *net.buffers()):
            tensor.data.zero_()
        trace = count(model)
    with torch.inference_mode():
        net(image)
        held = most(lambda: net(image)) + image.nbytes
    torch.set_num_threads(threads)
    assert abs(trace.peak_activation_bytes + workspace_bytes(trace) - held) <= 0.02 * held


def test_of_another_dtype_nothing_is_said() -> None:
    assert workspace_bytes(count("resnet18", dtype="bfloat16")) == 0
    assert workspace_bytes(count(nn.Linear(3, 3), (3,))) == 0
