"""Forward and backward, counted exactly: against torch's counter where it is right, or by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from cnnbench.counting import views
from cnnbench.counting.cost import Kind
from cnnbench.counting.count import count
from cnnbench.errors import InputError
from cnnbench.models.build import build, outline
from cnnbench.models.spec import parse

from ..zoo import NAMES
from .networks import Calls, conv

MAPS = 8 * 8


@pytest.mark.parametrize("model", NAMES)
def test_a_step_is_three_forward_passes_but_for_the_images_gradient(model: str) -> None:
    inference, step = count(model), count(model, train=True, batch=2)
    first = next(op for op in inference.operators if op.cost.macs)
    assert step.forward.macs == 2 * inference.total.macs
    assert step.backward.macs == 2 * (2 * inference.total.macs - first.cost.macs)
    assert step.forward + step.backward == step.total
    assert (step.total.params, step.total.activations) == (
        inference.total.params,
        2 * inference.total.activations,
    )
    assert step.uncounted == {}


@pytest.mark.parametrize("model", ["alexnet_owt", "vgg11_bn", "resnet18", "googlenet_naive"])
def test_torchs_counter_agrees_where_nothing_is_grouped(model: str) -> None:
    net = outline(model).train()
    with FlopCounterMode(display=False) as counter:
        out = net(torch.empty(2, *parse(model).input_shape, device="meta"))
        out.sum().backward()
    assert counter.get_total_flops() == count(model, train=True, batch=2).total.flops


@pytest.mark.parametrize(
    ("net", "forward"),
    [
        (conv(4, 8, 3, padding=1), MAPS * 8 * 4 * 9),
        (conv(4, 8, 3, padding=1, groups=2), MAPS * 8 * 2 * 9),
        (conv(4, 4, 3, padding=1, groups=4), MAPS * 4 * 9),
        (conv(4, 8, 3, padding="same", dilation=2), MAPS * 8 * 4 * 9),
        (nn.ConvTranspose2d(4, 8, 3, stride=2, bias=False), MAPS * 4 * 8 * 9),
        (nn.ConvTranspose2d(4, 8, 3, stride=2, groups=4, bias=False), MAPS * 4 * 2 * 9),
        (nn.Conv2d(4, 8, 1), MAPS * 8 * 4),
    ],
    ids=str,
)
def test_gradients_of_weight_and_input_cost_one_forward_pass_each(
    net: nn.Module, forward: int
) -> None:
    alone = count(net, (4, 8, 8), train=True)
    assert (alone.forward.macs, alone.backward.macs) == (forward, forward)  # no gradient of images
    behind = count(nn.Sequential(conv(4, 4, 1), net), (4, 8, 8), train=True)
    stem = MAPS * 4 * 4
    assert (behind.forward.macs, behind.backward.macs) == (stem + forward, stem + 2 * forward)


def test_frozen_layers_have_no_gradient_of_weights() -> None:
    net = nn.Sequential(conv(4, 4, 1), conv(4, 4, 1), conv(4, 4, 1))
    net[1].requires_grad_(False)
    step = count(net, (4, 8, 8), train=True)
    assert step.backward.macs == (1 + 1 + 2) * MAPS * 16
    net.requires_grad_(False)
    with pytest.raises(InputError, match="no output depends on a trainable parameter"):
        count(net, (4, 8, 8), train=True)


def test_checkpointing_runs_again_what_its_gradients_need() -> None:
    inner = nn.Sequential(conv(4, 4, 3, padding=1), nn.ReLU(), conv(4, 4, 3, padding=1))
    kept = nn.Sequential(conv(4, 4, 1), inner)

    def forward(net: Calls, x: Tensor) -> Tensor:
        return checkpoint(net.inner, net.stem(x), use_reentrant=False)

    again = Calls(forward, stem=kept[0], inner=inner)
    one, two = (count(net, (4, 8, 8), train=True) for net in (kept, again))
    assert two.forward.macs == one.forward.macs
    # torch stops once it has what it saved: the second convolution's output is not that
    assert two.backward.macs == one.backward.macs + MAPS * 4 * 4 * 9
    assert count(again, (4, 8, 8)).total == count(kept, (4, 8, 8)).total


def test_torchs_counter_is_far_too_high_where_all_is_depthwise() -> None:
    net = outline("mobilenet_v2").train()
    with FlopCounterMode(display=False) as counter:
        net(torch.empty(2, 3, 224, 224, device="meta")).sum().backward()
    ratio = counter.get_total_flops() / count("mobilenet_v2", train=True, batch=2).total.flops
    assert round(ratio, 1) == 6.9  # as the guide says


@pytest.mark.parametrize("model", ["mobilenet_v2", "efficientnet_b0", "googlenet", "lenet5"])
def test_no_gradient_is_without_a_layer(model: str) -> None:
    step = count(model, train=True)
    backward = [op for op in step.operators if op.backward]
    assert [op.operator for op in backward if not op.path] == ["ones_like"]


def test_every_gradient_stands_at_its_layer() -> None:
    step = count("mobilenet_v1", train=True)
    forward = [op.path for op in step.operators if op.kind is Kind.DEPTHWISE and not op.backward]
    backward = [op.path for op in step.operators if op.kind is Kind.DEPTHWISE and op.backward]
    assert backward == forward[::-1] and len(backward) == 13
    rows = views.summary(step)
    assert rows["training"] is True
    assert rows["forward"]["macs"] + rows["backward"]["macs"] == rows["macs"]


@pytest.mark.parametrize(
    ("net", "shape", "forward"),
    [
        (nn.LSTM(4, 8, batch_first=True), (5, 4), 5 * 4 * 8 * (4 + 8)),
        (nn.GRU(4, 8, batch_first=True), (5, 4), 5 * 3 * 8 * (4 + 8)),
        (nn.RNN(4, 8, batch_first=True, bidirectional=True), (5, 4), 2 * 5 * 8 * (4 + 8)),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (5, 8), 5 * 8 * 64 + 2 * 200),
        (nn.Conv3d(4, 8, 3, padding=1, bias=False), (4, 5, 5, 5), 125 * 8 * 4 * 27),
        (nn.Conv1d(4, 8, 3, bias=False), (4, 7), 5 * 8 * 4 * 3),
    ],
    ids=str,
)
def test_other_networks_count_alike_in_both_modes(
    net: nn.Module, shape: tuple[int, ...], forward: int
) -> None:
    inference, step = count(net, shape), count(net, shape, train=True)
    assert (inference.total.macs, inference.uncounted) == (forward, {})
    assert (step.forward.macs, step.uncounted) == (forward, {})
    assert forward <= step.backward.macs <= 2 * forward


@pytest.mark.parametrize(
    "layer",
    [
        *(nn.PReLU(), nn.RReLU(), nn.LogSigmoid(), nn.SiLU(), nn.GELU(), nn.ELU(), nn.Hardswish()),
        *(nn.ReLU6(), nn.Softmax(1), nn.GLU(1), nn.BatchNorm2d(4), nn.GroupNorm(2, 4)),
        nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3)),
        *(nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(3), nn.LocalResponseNorm(3)),
        *(nn.Upsample(scale_factor=2, mode="bilinear"), nn.ZeroPad2d(1), nn.CircularPad2d(1)),
    ],
    ids=str,
)
def test_the_forward_convention_is_the_same_in_both_modes(layer: nn.Module) -> None:
    net = nn.Sequential(conv(4, 4, 1), layer)
    inference, step = count(net, (4, 8, 8), batch=2), count(net, (4, 8, 8), batch=2, train=True)
    counter = 1 if isinstance(layer, nn.BatchNorm2d) else 0  # num_batches_tracked
    assert step.forward.elementwise_flops == inference.total.elementwise_flops + counter
    assert step.uncounted == {}


def test_an_arena_keeps_gradients_to_the_end() -> None:
    net = nn.Sequential(*(nn.Linear(100, 100, bias=False) for _ in range(8)))
    step = count(net, (100,), train=True)
    assert 8 * 40_000 <= step.arena_bytes <= step.peak_activation_bytes + 40_000


def test_weights_in_tuples_and_dicts_are_trained_too() -> None:
    net = Calls(
        lambda net, x: x @ net.pair[0] @ net.table["w"] * net.alias.factor,
        w=nn.Parameter(torch.ones(4, 4)),
    )
    net.pair, net.table = (net.w, None), {"w": net.w}
    net.w.factor = 2.0
    net.__dict__["alias"] = net.w
    with torch.inference_mode():
        step = count(net, (4,), train=True)
    assert (step.forward.macs, step.total.params) == (32, 16)
    assert net.pair[0] is net.w and net.table["w"] is net.w


def test_a_network_that_cannot_train_says_why() -> None:
    class Refusing(nn.Linear):
        def train(self, mode: bool = True) -> nn.Module:
            raise RuntimeError("it is not to be trained")

    with pytest.raises(InputError, match="it is not to be trained"):
        count(Refusing(4, 4), (4,), train=True)
    with pytest.raises(InputError, match=r"more than 1 value per channel.*give --batch 2"):
        count("resnet18@resolution=32", train=True)


def test_the_network_keeps_no_gradient_no_statistics_and_its_own_weights() -> None:
    net = build("mobilenet_v2@resolution=32").eval()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    parameters = list(net.parameters())
    step = count(net, (3, 32, 32), batch=2, train=True)
    assert step.total.params == sum(p.numel() for p in parameters)
    assert all(p is q for p, q in zip(parameters, net.parameters(), strict=True))
    assert all(p.grad is None for p in parameters)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert not any(module.training for module in net.modules())


def test_tied_weights_are_trained_once() -> None:
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 4, bias=False))
    net[2].weight = net[0].weight
    step = count(net, (4,), train=True)
    assert (step.total.params, step.forward.macs, step.backward.macs) == (16, 32, 16 + 32)


def test_heads_that_run_in_training_only_are_counted_there() -> None:
    inference, step = count("googlenet@aux=true"), count("googlenet@aux=true", train=True)
    assert inference.idle_params == 6_379_728
    assert step.total.params == inference.total.params
    assert step.unread_params == {}
    assert step.forward.macs > inference.total.macs
