"""The trace on small networks that set off what other counters get wrong."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.counting.cost import Cost, Kind, Trace
from cnnbench.counting.count import count
from cnnbench.counting.operators import RULES
from cnnbench.counting.shapes import SHAPES
from cnnbench.errors import CnnbenchError, InputError
from cnnbench.models.build import build
from cnnbench.models.spec import parse


class Calls(nn.Module):
    """A network whose forward is a function of itself and its input."""

    def __init__(self, forward: Callable[["Calls", Tensor], Tensor], **children: object) -> None:
        super().__init__()
        for name, child in children.items():
            setattr(self, name, child)
        self._forward = forward

    def forward(self, x: Tensor) -> Tensor:
        return self._forward(self, x)


def conv(*arguments: int, **options: object) -> nn.Conv2d:
    return nn.Conv2d(*arguments, bias=False, **options)  # type: ignore[arg-type]


CONV_3X3 = 8 * 8 * 4 * 3 * 9  # 8x8 map, 4 filters over 3 channels of 3x3


@pytest.mark.parametrize(
    ("net", "macs"),
    [
        (conv(3, 4, 3, padding=1), CONV_3X3),
        (conv(3, 4, 3, padding="same"), CONV_3X3),
        (conv(3, 4, 3, padding="valid"), 6 * 6 * 4 * 3 * 9),
        (conv(3, 4, 3, padding="same", dilation=2), CONV_3X3),
        (conv(3, 4, 3, padding=1, padding_mode="circular"), CONV_3X3),
        (conv(3, 6, 3, padding=1, groups=3), 8 * 8 * 6 * 9),
        (conv(3, 4, 3, stride=2, padding=1), 4 * 4 * 4 * 3 * 9),
        (nn.ConvTranspose2d(3, 4, 3, stride=2, bias=False), 8 * 8 * 3 * 4 * 9),
        (Calls(lambda net, x: F.conv2d(x, net.w), w=nn.Parameter(torch.ones(4, 3, 1, 1))), 768),
        (nn.Sequential(conv(3, 4, 1), nn.Flatten(), nn.Linear(256, 10)), 8 * 8 * 12 + 2560),
    ],
    ids=str,
)
def test_convolutions_are_counted_by_operator(net: nn.Module, macs: int) -> None:
    result = count(net, (3, 8, 8))
    assert result.total.macs == macs
    assert result.uncounted == {}


def test_a_module_used_twice_works_twice_and_is_stored_once() -> None:
    net = Calls(lambda net, x: net.conv(net.conv(x)), conv=conv(3, 3, 1))
    assert count(net, (3, 8, 8)).total == Cost(
        params=9, macs=2 * 64 * 9, activations=2 * 192, bytes_moved=2 * 4 * (192 + 9 + 192)
    )


def test_tied_and_frozen_parameters() -> None:
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False), nn.Linear(4, 2))
    net[1].weight = net[0].weight
    net[2].weight.requires_grad_(False)
    result = count(net, (4,))
    assert result.total.params == 16 + 2
    assert result.frozen_params == 8


def test_parameters_that_never_run_are_named() -> None:
    net = Calls(lambda net, x: net.used(x), used=nn.Linear(4, 4), spare=nn.Linear(4, 8))
    result = count(net, (4,))
    assert result.total.params == 20
    assert result.unread_params == {"spare": 40}


def test_unknown_operators_are_named_and_composites_taken_apart() -> None:
    assert count(Calls(lambda _, x: torch.special.i0(x)), (4,)).uncounted == {"i0": 1}
    product = count(
        Calls(lambda net, x: torch.einsum("bi,ij->bj", x, net.w), w=torch.ones(4, 5)), (4,)
    )
    assert (product.total.macs, product.uncounted) == (20, {})


def test_attention_and_recurrence_are_counted_or_named() -> None:
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    result = count(Calls(lambda net, x: net.a(x, x, x)[0], a=attention), (5, 8))
    # projections in and out, scores and their product with the values: 5 tokens of 8
    assert result.total.macs == 5 * 8 * 24 + 2 * 5 * 5 * 8 + 5 * 8 * 8
    assert result.uncounted == {}


def test_a_batch_folded_into_another_dimension_is_counted_right() -> None:
    def folded(net: Calls, x: Tensor) -> Tensor:
        return net.fc(x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]))

    net = Calls(folded, fc=nn.Linear(3, 5))
    assert count(net, (3, 8, 8), batch=2).total.macs == 2 * 64 * 3 * 5


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


def allocated(net: nn.Module, image: Tensor) -> int:
    """The most that torch's CPU allocator held after any operator, workspaces gone again."""
    with torch.inference_mode(), torch.profiler.profile(profile_memory=True) as profile:
        net(image)
    events = list(profile.profiler.kineto_results.events())
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    spans = sorted(
        (e.start_ns(), e.start_ns() + e.duration_ns()) for e in events if "aten::" in e.name()
    )
    held = peak = image.nbytes
    ended = 0
    for start, end in spans:
        if start < ended:
            continue  # within the operator before
        ended = end
        while changes and changes[0][0] <= end:
            held += changes.pop(0)[1]
        peak = max(peak, held)
    return peak


@pytest.mark.parametrize(
    "model",
    [
        *("lenet5", "alexnet_owt@resolution=96", "vgg11_bn@resolution=64", "resnet18", "plain20"),
        *("googlenet@resolution=96", "mobilenet_v1", "mobilenet_v2", "efficientnet_b0"),
    ],
)
def test_the_peak_is_what_the_allocator_really_holds(model: str) -> None:
    image = torch.zeros(1, *parse(model).input_shape)
    counted = count(model).peak_activation_bytes
    assert abs(allocated(build(model).eval(), image) - counted) <= 0.001 * counted


def raising(net: Calls, x: Tensor) -> Tensor:
    net.seen = x
    raise RuntimeError("not today\nnor tomorrow")


def assigning(net: Calls, x: Tensor) -> Tensor:
    net.mean = 0.9 * net.mean + 0.1 * x.mean()
    net.steps.add_(1)
    torch.mul(net.scale, 3, out=net.scale)
    net.counter.add_(1)
    net.last = x
    return net.norm(x)


@pytest.mark.parametrize("forward", [raising, assigning])
def test_the_network_is_left_exactly_as_it_was(forward: Callable[[Calls, Tensor], Tensor]) -> None:
    inner = Calls(forward, norm=nn.BatchNorm2d(3), counter=torch.zeros(1))
    inner.register_buffer("mean", torch.zeros(()))
    inner.register_buffer("steps", torch.zeros(()))
    inner.register_buffer("scale", torch.ones(()))
    net = nn.Sequential(inner, nn.Dropout()).train()
    inner.norm.eval()
    net.register_forward_hook(lambda *_: None)

    def everything() -> list[object]:
        contents = [
            {
                key: dict(value) if isinstance(value, dict) else value
                for key, value in vars(m).items()
            }
            for m in net.modules()
        ]
        torchs = nn.modules.module
        hooks = (dict(torchs._global_forward_hooks), dict(torchs._global_forward_pre_hooks))
        return [contents, hooks]

    before = everything()
    values = {key: value.clone() for key, value in net.state_dict().items()}
    if forward is raising:
        with pytest.raises(InputError, match="not today") as error:
            count(net, (3, 8, 8))
        assert "tomorrow" not in str(error.value)
    else:
        count(net, (3, 8, 8))
    assert everything() == before
    assert all(torch.equal(net.state_dict()[key], value) for key, value in values.items())
    assert inner.counter.item() == 0


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
    with pytest.raises(InputError, match=r"stem\.conv\.conv \(conv2d\) given 1x4x224x224"):
        count("resnet18", (4, 224, 224))
    with pytest.raises(InputError, match=r"vgg16 cannot take 3x192x192: .*head\.fc6 \(linear\)"):
        count("vgg16", (3, 192, 192))
    with pytest.raises(InputError, match=r"cannot take 3x8x8: features\.pool1"):
        count("alexnet_owt", (3, 8, 8))


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
    names = {*RULES, *SHAPES}
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


def test_layers_in_another_thread_are_refused_and_not_zero() -> None:
    def forward(net: Calls, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(net.conv, x).result()

    with pytest.raises(InputError, match="another thread"):
        count(Calls(forward, conv=conv(3, 4, 3)), (3, 8, 8))


@pytest.mark.parametrize(
    ("model", "shape", "complaint"),
    [
        (nn.LazyConv2d(4, 3), (3, 8, 8), "lazy layers"),
        (nn.ReLU(), None, "needs an input shape"),
        (nn.ReLU(), (3, -1), "a side below 1"),
        (nn.ReLU(), (3, 8.0), "whole numbers"),
        (nn.ReLU, (3,), "give a spec or a torch.nn.Module"),
    ],
)
def test_a_wrong_call_is_one_clear_error(
    model: nn.Module, shape: tuple[int], complaint: str
) -> None:
    with pytest.raises(CnnbenchError, match=complaint):
        count(model, shape)
