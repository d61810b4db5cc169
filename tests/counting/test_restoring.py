"""A network is left exactly as it was, whatever its forward does to itself."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from cnnbench.counting.count import count
from cnnbench.errors import InputError

from .networks import Calls


def appending(net: Calls, x: Tensor) -> Tensor:
    net.kept.append(x)
    net.table["x"] = x
    net.names.add("x")
    return net.fc(x)


def hooking(net: Calls, x: Tensor) -> Tensor:
    net.fc.register_forward_hook(lambda *_: None)
    net.fc.weight.register_hook(lambda g: g)
    return net.fc(x)


def rewriting(net: Calls, x: Tensor) -> Tensor:
    y = net.fc(x)
    net.fc.weight.data = net.fc.weight.data * 2
    net.scale.data = torch.ones(5)
    return y


def halving(net: Calls, x: Tensor) -> Tensor:
    net.other.half()
    net.other.bias.requires_grad_(False)
    net.other.weight.grad = torch.zeros(4, 4, dtype=net.other.weight.dtype)
    return net.fc(x)


def updating(net: Calls, x: Tensor) -> Tensor:
    y = net.fc(x)
    net.scale.add_(0 * y.mean())
    return y


def clamping(net: Calls, x: Tensor) -> Tensor:
    with torch.no_grad():
        net.fc.weight.clamp_(-1, 1)
    return net.fc(x)


def replacing(net: Calls, x: Tensor) -> Tensor:
    net.fc, net.scale, net.new = nn.Linear(4, 4), torch.zeros(3), nn.Linear(4, 2)
    return net.new(net.fc(x)) + torch.rand(2)


def raising(net: Calls, x: Tensor) -> Tensor:
    net.kept.append(x)
    net.fc.weight.data = torch.zeros(4, 4)
    raise ValueError("not today")


def network(forward: Callable[[Calls, Tensor], Tensor]) -> Calls:
    net = Calls(forward, fc=nn.Linear(4, 4), other=nn.Linear(4, 4))
    net.register_buffer("scale", torch.ones(()))
    net.kept, net.table, net.names = [], {"a": 1}, {"a"}
    return net


def description(net: nn.Module) -> Iterator[object]:
    """All that can be told of a network, identities of its parts among it."""
    for module in net.modules():
        for name, value in vars(module).items():
            content = list(value.items()) if isinstance(value, dict) else value
            yield name, id(value), repr(content)
    for tensor in (*net.parameters(), *net.buffers()):
        yield id(tensor), tensor.data_ptr(), tuple(tensor.shape), tensor.dtype, tensor.tolist()
        yield tensor.requires_grad, tensor.is_leaf, tensor.grad, tensor._version
        yield dict(tensor._backward_hooks or {})
    yield torch.get_rng_state().tolist()


@pytest.mark.parametrize("train", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize(
    "forward",
    [appending, hooking, rewriting, halving, updating, clamping, replacing, raising],
)
def test_nothing_is_left(forward: Callable[[Calls, Tensor], Tensor], train: bool) -> None:
    net = network(forward)
    before = list(description(net))
    with suppress(InputError):
        count(net, (4,), train=train)
    assert list(description(net)) == before
    net._forward = lambda net, x: net.fc(x) * net.scale
    net(torch.ones(1, 4)).sum().backward()  # and it still trains


def test_a_backward_pass_that_waits_still_runs() -> None:
    net = network(clamping)
    waiting = net(torch.ones(2, 4)).sum()
    count(net, (4,))
    waiting.backward()
    assert net.fc.weight.grad is not None
