"""`build` gives real networks: initialised as their papers say, trainable, true to them."""

import threading

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import cnnbench
from cnnbench.errors import InputError
from cnnbench.models.build import outline
from cnnbench.models.registry import MODELS
from cnnbench.models.spec import parse
from cnnbench.models.zoo import lenet
from cnnbench.models.zoo.layers import raw_parameters, round_channels

from ..zoo import NAMES

# Small enough to train for a few steps; what is left out has the default.
SMALL = {
    "alexnet": "resolution=67",
    "alexnet_owt": "resolution=63",
    "vgg": "width_mult=0.25,resolution=32",
    "googlenet": "resolution=64",
    "googlenet_naive": "resolution=32,in_channels=1",
    "resnet": "width_mult=0.25,resolution=32",
    "plain": "width_mult=0.25,resolution=32",
    "mobilenet": "width_mult=0.25,resolution=64",
    "efficientnet": "width_mult=0.25,depth_mult=0.5,resolution=64",
}
# Plain batches of 4 through these need gentler steps, or have no normalisation to help them.
LEARNING_RATES = {"vgg": 1e-4, "alexnet": 3e-5, "googlenet": 1e-4}


def small(name: str) -> str:
    prefix = max((p for p in SMALL if name.startswith(p)), key=len, default="")
    if name.startswith("lenet"):
        return name
    return f"{name}@" + ",".join(filter(None, (SMALL.get(prefix), "num_classes=10")))


@pytest.mark.parametrize("name", NAMES)
def test_every_model_trains(name: str) -> None:
    torch.manual_seed(0)
    spec = parse(small(name))
    net = cnnbench.build(spec)
    assert net.training
    images = torch.randn(4, *spec.input_shape)
    labels = torch.arange(4)
    rate = next((r for p, r in LEARNING_RATES.items() if name.startswith(p)), 1e-3)
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    losses: list[float] = []
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0  # what is to be seen is the gradient's work, not the noise
    for _ in range(5):
        optimiser.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert all(torch.isfinite(p).all() for p in net.parameters())
    assert all(p.grad is not None for p in net.parameters())
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    "name",
    [
        *("lenet5", "alexnet_owt", "vgg11_bn@resolution=32", "resnet50", "googlenet@aux=true"),
        *("mobilenet_v1", "mobilenet_v2", "efficientnet_b0"),
    ],
)
def test_nothing_is_left_uninitialised(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = torch.empty

    def poisoned(*arguments: object, **options: object) -> Tensor:
        tensor: Tensor = empty(*arguments, **options)  # type: ignore[call-overload]
        return tensor.fill_(float("nan")) if tensor.is_floating_point() else tensor

    monkeypatch.setattr(torch, "empty", poisoned)
    net = cnnbench.build(name)
    for key, value in net.state_dict().items():
        assert torch.isfinite(value).all(), key


def test_initialisation_is_the_papers() -> None:
    torch.manual_seed(0)
    alexnet = cnnbench.build("alexnet")
    assert alexnet.get_parameter("head.fc6.weight").std().item() == pytest.approx(0.01, rel=0.01)
    assert alexnet.get_parameter("features.conv2.bias").eq(1).all()
    assert alexnet.get_parameter("features.conv3.bias").eq(0).all()
    resnet = cnnbench.build("resnet18")
    weight = resnet.get_parameter("stage4.block2.body.conv2.conv.weight")
    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    f6 = cnnbench.build("lenet5").get_parameter("f6.weight")
    vgg = cnnbench.build("vgg11@resolution=32").get_parameter("head.fc7.weight")
    assert vgg.abs().max().item() == pytest.approx((6 / 8192) ** 0.5, rel=0.01)
    b0 = cnnbench.build("efficientnet_b0")
    depthwise = b0.get_parameter("stage6.block2.depthwise.conv.weight")
    assert depthwise.std().item() == pytest.approx((2 / 25) ** 0.5, rel=0.02)
    pointwise = b0.get_parameter("stage6.block2.expand.conv.weight")
    assert pointwise.std().item() == pytest.approx((2 / 1152) ** 0.5, rel=0.02)
    assert f6.abs().max().item() == pytest.approx(2.4 / 120, rel=0.01)


def test_dropout_and_batch_norm_are_the_papers() -> None:
    for name in ("alexnet", "vgg16"):  # of the two hidden layers' outputs
        head = [name for name, _ in outline(name).get_submodule("head").named_children()]
        hidden = ["fc6", "act6", "dropout6", "fc7", "act7", "dropout7", "fc8"]
        assert head == ["flatten", *hidden]
    b7 = outline("efficientnet_b7")
    assert b7.get_submodule("head.dropout").p == 0.5
    assert {m.momentum for m in b7.modules() if isinstance(m, nn.BatchNorm2d)} == {0.01}
    stage = b7.get_submodule("stage7")
    assert 0.19 < stage[-1].drop < 0.2  # type: ignore[index]


def test_lenet5_is_the_papers() -> None:
    net = cnnbench.build("lenet5").eval()
    params = {
        name: sum(p.numel() for p in net.get_submodule(name).parameters())
        for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output")
    }
    # Section II.B; the output's bitmaps are fixed.
    assert params == {
        "c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164, "output": 0,
    }  # fmt: skip
    # Table I: 60 connections, and each map of S2 is read by ten maps of C3.
    rows = (*lenet.C3_OF_THREE, *lenet.C3_OF_FOUR, *lenet.C3_OF_SIX)
    assert len(rows) == 16
    assert [sum(source in row for row in rows) for source in range(6)] == [10] * 6
    assert lenet.ScaledTanh()(torch.tensor([1.0, -1.0])).tolist() == pytest.approx(
        [1, -1], abs=1e-4
    )


def test_lenet5s_output_is_the_distance_to_each_bitmap() -> None:
    output = lenet.RadialBasisOutput(10)
    assert output.bitmaps.shape == (10, 84)
    assert set(output.bitmaps.unique().tolist()) == {-1.0, 1.0}
    assert len({tuple(row) for row in output.bitmaps.tolist()}) == 10
    scores = output(output.bitmaps)
    assert scores.argmax(1).tolist() == list(range(10))
    assert scores.diagonal().eq(0).all()
    assert torch.equal(lenet.RadialBasisOutput(7).bitmaps, lenet.RadialBasisOutput(7).bitmaps)


def test_subsampling_begins_as_the_mean() -> None:
    net = cnnbench.build("lenet5")
    x = torch.randn(1, 6, 4, 4)
    torch.testing.assert_close(net.get_submodule("s2")(x), F.avg_pool2d(x, 2))


def test_local_response_norm_is_the_papers_sum() -> None:
    from cnnbench.models.zoo.alexnet import local_response_norm

    x = torch.randn(2, 7, 3, 3)
    squares = torch.stack([x[:, max(0, c - 2) : c + 3].square().sum(1) for c in range(7)], 1)
    expected = x / (2 + 1e-4 * squares) ** 0.75  # section 3.3
    torch.testing.assert_close(local_response_norm()(x), expected)


def test_residual_adds_before_the_last_relu() -> None:
    net = cnnbench.build("resnet18").eval()
    block = net.get_submodule("stage1.block1")
    x = torch.randn(1, 64, 8, 8)
    body = block.get_submodule("body")(x)
    torch.testing.assert_close(block(x), F.relu(body + x))


def test_option_a_pads_with_zeros() -> None:
    net = cnnbench.build("resnet20").eval()
    x = torch.randn(1, 16, 8, 8)
    padded = net.get_submodule("stage2.block1.shortcut")(x)
    torch.testing.assert_close(padded[:, :16], x[:, :, ::2, ::2])
    assert padded[:, 16:].eq(0).all() and padded.shape == (1, 32, 4, 4)


def test_plain_and_residual_have_the_same_layers() -> None:
    def layers(name: str) -> list[str]:
        net = cnnbench.build(name)
        return [str(m) for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]

    assert layers("plain18") == layers("resnet18@shortcut=identity")
    assert len(layers("resnet18@shortcut=projection_all")) == len(layers("plain18")) + 8


def test_auxiliary_heads_run_in_training_only() -> None:
    net = cnnbench.build("googlenet@aux=true,num_classes=5,resolution=128")
    images = torch.randn(2, 3, 128, 128)
    assert [out.shape for out in net(images)] == [(2, 5)] * 3
    assert net.eval()(images).shape == (2, 5)


def test_dropped_blocks_keep_the_expectation() -> None:
    torch.manual_seed(0)
    net = cnnbench.build("efficientnet_b0")
    block = net.get_submodule("stage6.block4")
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()  # the same for every image
    x = torch.randn(1, 192, 1, 1)
    expected = block.eval()(x)
    block.training = True
    repeated = block(x.expand(4096, -1, -1, -1).clone())
    torch.testing.assert_close(repeated.mean(0, keepdim=True), expected, atol=0.05, rtol=0.05)


def test_channels_round_as_the_reference_code_does() -> None:
    # MobileNetV2 at 1.4 and 0.35, EfficientNet-B2: filters of the released checkpoints.
    assert [round_channels(c * 1.4) for c in (32, 16, 24, 96, 320)] == [48, 24, 32, 136, 448]
    assert [round_channels(c * 0.35) for c in (16, 24, 32)] == [8, 8, 16]
    assert [round_channels(c * 1.1) for c in (32, 16, 40, 112, 320)] == [32, 16, 48, 120, 352]


@pytest.mark.parametrize(
    "name", [m.name for m in MODELS if m.name.startswith(("vgg", "resnet", "plain"))]
)
def test_width_scales_every_layer(name: str) -> None:
    """Filters, hidden features and shortcuts; what goes in and the classes stay."""
    whole, half = (outline(f"{name}@width_mult={width}") for width in (1, 0.5))
    filters = [
        [(key, value.shape[0]) for key, value in net.named_parameters()] for net in (whole, half)
    ]
    *hidden, weight, bias = filters[0]
    assert filters[1] == [*((key, number // 2) for key, number in hidden), weight, bias]
    assert all(value.shape[0] % 8 == 0 for value in half.parameters() if value.shape[0] != bias[1])


def test_options_reach_the_network() -> None:
    net = cnnbench.build("mobilenet_v2@num_classes=7,in_channels=1,width_mult=0.35").eval()
    assert net(torch.randn(2, 1, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize(
    "spec", ["vgg16@resolution=31", "alexnet@resolution=10", "googlenet@aux=true,resolution=32"]
)
def test_a_resolution_that_leaves_nothing_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match="too small"):
        cnnbench.build(spec)


def test_other_threads_layers_are_initialised_meanwhile() -> None:
    weights: list[Tensor] = []

    def elsewhere() -> None:
        weights.append(nn.Linear(1000, 100).weight)

    with raw_parameters():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert weights[0].std().item() == pytest.approx(1 / (3 * 1000) ** 0.5, rel=0.05)
    assert "raw" not in nn.Linear.reset_parameters.__qualname__
