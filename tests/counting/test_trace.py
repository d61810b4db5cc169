"""The trace on small networks that set off what other counters get wrong."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.counting.cost import Cost, Kind, Trace
from cnnbench.counting.count import count
from cnnbench.counting.rules.backward import GRADIENTS
from cnnbench.counting.rules.shapes import SHAPES
from cnnbench.counting.rules.table import RULES
from cnnbench.counting.tree import tree
from cnnbench.errors import CnnbenchError, InputError

from .networks import Calls, conv


def test_a_module_used_twice_works_twice_and_is_stored_once() -> None:
    net = Calls(lambda net, x: net.conv(net.conv(x)), conv=conv(3, 3, 1))
    assert count(net, (3, 8, 8)).total == Cost(
        params=9, macs=2 * 64 * 9, activations=2 * 192, bytes_moved=2 * 4 * (192 + 9 + 192)
    )


def test_parameters_that_never_run_are_named() -> None:
    net = Calls(lambda net, x: net.used(x), used=nn.Linear(4, 4), spare=nn.Linear(4, 8))
    result = count(net, (4,))
    assert result.total.params == 60
    assert result.unread_params == {"spare": 40}


def test_a_batch_folded_into_another_dimension_is_counted_right() -> None:
    def folded(net: Calls, x: Tensor) -> Tensor:
        return net.fc(x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]))

    net = Calls(folded, fc=nn.Linear(3, 5))
    assert count(net, (3, 8, 8), batch=2).total.macs == 2 * 64 * 3 * 5


def test_train_mode_batch_norm_at_batch_one_counts_and_stays() -> None:
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12)).train()
    before = net[1].running_mean.clone()
    assert count(net, (3, 2, 2)).total.elementwise_flops == 24
    assert torch.equal(net[1].running_mean, before)
    assert net[1].num_batches_tracked == 0


def test_values_that_depend_on_constants_alone_are_computed() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        for _ in range(int(torch.arange(3).sum().item())):
            x = net.fc(x)
        return x

    assert count(Calls(forward, fc=nn.Linear(4, 4, bias=False)), (4,)).total.macs == 3 * 16


def test_a_misfit_names_layer_shape_and_reason() -> None:
    with pytest.raises(InputError, match=r"conv2d\) expects 3 channels, given 1x4x224x224"):
        count("resnet18", (4, 224, 224))
    with pytest.raises(InputError, match=r"vgg16 cannot take 3x192x192: .*head\.fc6 \(linear\)"):
        count("vgg16", (3, 192, 192))
    with pytest.raises(InputError, match=r"cannot take 3x8x8: features\.pool1"):
        count("alexnet_owt", (3, 8, 8))


def test_an_error_that_was_caught_is_not_blamed() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        try:
            net.fc(x)
        except RuntimeError:
            raise ValueError("something else") from None
        return x

    def swallowed(net: Calls, x: Tensor) -> Tensor:
        with suppress(RuntimeError):
            net.fc(x)
        raise ValueError("something else")

    with pytest.raises(InputError, match=r"^Calls cannot take 3: ValueError: something else$"):
        count(Calls(swallowed, fc=nn.Linear(4, 4)), (3,))
    with pytest.raises(InputError, match="ValueError: something else"):
        count(Calls(forward, fc=nn.Linear(4, 4)), (3,))


def test_kinds_of_convolution() -> None:
    def kind(net: nn.Module) -> Kind:
        result: Trace = count(net, (4, 8, 8))
        return result.operators[0].kind

    assert kind(conv(4, 8, 1)) is Kind.POINTWISE
    assert kind(conv(4, 8, 3)) is Kind.CONVOLUTION
    assert kind(conv(4, 8, 3, groups=4)) is Kind.DEPTHWISE
    assert kind(conv(4, 8, 3, groups=2)) is Kind.CONVOLUTION
    assert kind(nn.LocalResponseNorm(3)) is Kind.NORMALISATION


def macs(
    forward: Callable[[Calls, Tensor], Tensor], shape: tuple[int, ...], **children: object
) -> int:
    return count(Calls(forward, **children), shape).total.macs


def test_constants_written_in_place_keep_their_values() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        steps = torch.zeros(2)
        steps[0] = 3
        for _ in range(int(steps.sum())):
            x = net.fc(x)
        return x

    assert count(Calls(forward, fc=nn.Linear(4, 4)), (4,)).total.macs == 3 * 16


def test_copies_behind_views_are_counted() -> None:
    x = 4 * 3 * 8 * 8

    def copied(_: Calls, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).reshape(1, -1) + 1

    result = count(Calls(copied), (3, 8, 8))
    assert result.peak_activation_bytes == 3 * x
    assert result.total.bytes_moved == 4 * x
    double = count(Calls(lambda _, x: x.double()), (3, 8, 8))
    assert double.total.bytes_moved == 3 * x


def test_memory_layout_is_torchs() -> None:
    def forward(_: Calls, x: Tensor) -> Tensor:
        return F.relu(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).view(1, -1)

    assert count(Calls(forward), (3, 8, 8)).total.elementwise_flops == 192


def test_products_with_parameters_are_linear_and_others_are_not() -> None:
    weight = nn.Parameter(torch.ones(4, 5))
    linear = count(Calls(lambda net, x: x @ net.w, w=weight), (4,))
    assert (linear.operators[0].kind, linear.total.activations) == (Kind.LINEAR, 5)
    product = count(Calls(lambda _, x: torch.baddbmm(x, x, x)), (4, 4))
    assert (product.operators[0].kind, product.total.activations) == (Kind.MATMUL, 0)
    assert product.total.macs == 64


def test_outputs_given_and_dropout_that_stays_on() -> None:
    def forward(_: Calls, x: Tensor) -> Tensor:
        y = torch.empty_like(x)
        torch.mul(x, 2, out=y)
        return F.dropout(y, training=True)

    result = count(Calls(forward), (4,))
    assert (result.total.elementwise_flops, result.uncounted) == (8, {})


def test_interpolation_counts_its_pixels() -> None:
    for mode, pixels in (("nearest", 0), ("bilinear", 4), ("bicubic", 16)):
        net = nn.Upsample(scale_factor=2, mode=mode)
        result = count(net, (3, 8, 8))
        assert (result.total.elementwise_flops, result.uncounted) == (pixels * 3 * 256, {})
        assert result.peak_activation_bytes == 4 * (192 + 768)


def test_adaptive_pooling_counts_every_window() -> None:
    # 5 -> 3: windows of 2, 3 and 2
    for shape in ((3, 5, 5), (5, 5)):
        result = count(nn.AdaptiveAvgPool2d(3), shape)
        assert result.total.elementwise_flops == (3 if len(shape) == 3 else 1) * 49


def test_a_weight_tied_to_its_transpose_is_stored_once() -> None:
    net = nn.Sequential(nn.Linear(4, 8, bias=False), nn.Linear(8, 4, bias=False))
    net[1].weight = nn.Parameter(net[0].weight.data.t())
    assert count(net, (4,)).total.params == 32


def test_wrapped_networks_count_as_what_they_wrap() -> None:
    net = nn.Sequential(conv(3, 4, 3), nn.ReLU())
    expected = count(net, (3, 8, 8)).total
    assert count(torch.compile(net), (3, 8, 8)).total == expected
    assert count(nn.DataParallel(net), (3, 8, 8)).total == expected


def test_every_name_we_have_a_rule_for_is_an_operator_of_torch() -> None:
    names = {name for name in (*RULES, *GRADIENTS, *SHAPES) if "::" not in name}
    assert [
        n for n in names if not (hasattr(torch.ops.aten, n) or hasattr(torch.ops.aten, n + "_"))
    ] == []


def test_a_network_without_operators_holds_its_input() -> None:
    assert count(nn.Identity(), (3, 8, 8)).peak_activation_bytes == 768


def test_constants_of_the_forward_take_memory_and_are_no_unknowns() -> None:
    added = count(Calls(lambda _, x: x + torch.zeros(x.shape)), (3, 8, 8))
    assert added.peak_activation_bytes == 3 * 768
    scaled = count(Calls(lambda _, x: x * torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)), (3, 8, 8))
    assert (scaled.total.elementwise_flops, scaled.uncounted) == (192, {})


def test_a_line_keeps_its_map_when_its_norm_runs_channels_last() -> None:
    net = Calls(
        lambda net, x: net.norm(net.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2),
        conv=conv(3, 8, 3, padding=1),
        norm=nn.LayerNorm(8),
    )
    assert [(node.name, node.output) for node in tree(count(net, (3, 6, 4)))] == [
        ("conv", (1, 8, 6, 4))
    ]


def test_scripted_networks_are_counted() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    for made in (torch.jit.script(net), torch.jit.trace(net, torch.ones(1, 3, 8, 8))):
        assert count(made, (3, 8, 8)).total.macs == 36 * 4 * 27
        step = count(made, (3, 8, 8), train=True)  # whose parameters are out of Python's reach
        assert step.counted_on == "values" and step.total.macs == 2 * 36 * 4 * 27


def test_tensors_that_a_network_holds_are_no_strangers() -> None:
    net = Calls(lambda net, x: x * net.scale * net.more["a"][0], fc=nn.Linear(1, 1))
    net.scale, net.more = torch.ones(4, device="meta"), {"a": [torch.ones(4, device="meta")]}
    assert count(net, (4,)).total.elementwise_flops == 8


def test_layers_in_another_thread_are_refused_and_not_zero() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(net.conv, x).result()

    with pytest.raises(InputError, match="another thread"):
        count(Calls(forward, conv=conv(3, 4, 3)), (3, 8, 8))


def test_functions_in_another_thread_are_refused_too() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(F.linear, x, net.w).result()

    def within(net: Calls, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(1) as pool, torch.no_grad():
            y = pool.submit(torch.sin, x).result()
        return x @ net.w + y

    def without_gradients(net: Calls, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(torch.no_grad()(F.linear), x, net.w).result()

    with pytest.raises(InputError, match="in another thread"):
        count(Calls(without_gradients, w=nn.Parameter(torch.ones(4, 4))), (4,))
    for train in (False, True):
        with pytest.raises(InputError, match="another thread"):
            count(Calls(within, w=nn.Parameter(torch.ones(4, 4))), (4,), train=train)
    with pytest.raises(InputError, match="in another thread"):
        count(Calls(forward, w=nn.Parameter(torch.ones(4, 4))), (4,))


def test_parameters_in_one_storage_are_read_one_by_one() -> None:
    flat = torch.ones(100)
    net = Calls(
        lambda net, x: x @ net.w,
        w=nn.Parameter(flat[:16].view(4, 4)),
        v=nn.Parameter(flat[16:48].view(8, 4)),
    )
    result = count(net, (4,))
    assert (result.total.params, result.unread_params) == (48, {"": 32})


@dataclass
class Out:
    y: object


class Slotted:
    __slots__ = ("y",)

    def __init__(self, y: object) -> None:
        self.y = y


@pytest.mark.parametrize(
    "pack",
    [
        lambda y: {"o": Out(y)},
        lambda y: Out(Slotted(y)),
        lambda y: [Out(y), 3, None],
        lambda y: {"a": "text", "b": (y,)},
    ],
)
def test_outputs_may_lie_in_anything(pack: Callable[[Tensor], object]) -> None:
    net = Calls(lambda net, x: pack(net.a(x)), a=nn.Linear(4, 4))  # type: ignore[arg-type,return-value]
    assert count(net, (4,)).total.macs == 16
    both = Calls(lambda net, x: [pack(net.a(x)), {"k": net.b(x)}], a=net.a, b=nn.Linear(4, 4))  # type: ignore[arg-type,return-value]
    assert count(both, (4,), train=True).backward.macs == 2 * 16


@pytest.mark.parametrize(
    ("model", "shape", "complaint"),
    [
        (nn.LazyConv2d(4, 9), (3, 8, 8), "lazy layers"),
        (nn.ReLU(), None, "needs an input shape"),
        (nn.ReLU(), (3, -1), "a side below 1"),
        (nn.ReLU(), (3, 8.0), "whole numbers"),
        (nn.ReLU(), 3, "is no input shape"),
        (nn.ReLU(), b"3x8", "is no input shape"),
        (nn.ReLU(), [], "an empty list is none"),
        (nn.ReLU, (3,), "give a spec or a torch.nn.Module"),
    ],
)
def test_a_wrong_call_is_one_clear_error(
    model: nn.Module, shape: tuple[int], complaint: str
) -> None:
    with pytest.raises(CnnbenchError, match=complaint):
        count(model, shape)
