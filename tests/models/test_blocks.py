"""Blocks: a name with a shape, built so that a comparison changes only what it names."""

import pytest
import torch

from cnnbench.counting.count import count
from cnnbench.errors import CnnbenchError, SpecError
from cnnbench.models import registry
from cnnbench.models.build import build
from cnnbench.models.spec import Spec, parse

NAMES = [block.name for block in registry.BLOCKS]


@pytest.mark.parametrize("name", NAMES)
def test_a_block_runs_on_its_shape(name: str) -> None:
    spec = parse(name, blocks=True)
    assert isinstance(spec, Spec) and spec.model.is_block
    image = torch.randn(2, *spec.input_shape)
    with torch.inference_mode():
        out = build(spec).eval()(image)
    assert bool(out.isfinite().all())
    assert tuple(out.shape[1:]) == count(spec).operators[-1].output[1:]


@pytest.mark.parametrize(
    ("text", "normal", "shape"),
    [
        ("depthwise", "separable", (128, 56, 56)),
        ("conv@shape=28x14x3", "conv@shape=28x14x3", (3, 28, 14)),
        ("conv@shape=028X14x3", "conv@shape=28x14x3", (3, 28, 14)),
        ("plain@kernel=5", "plain", (192, 28, 28)),
        ("inception@module=3a", "inception@shape=28x28x192", (192, 28, 28)),
    ],
)
def test_a_block_is_a_spec(text: str, normal: str, shape: tuple[int, ...]) -> None:
    spec = parse(text)
    assert isinstance(spec, Spec)
    assert str(spec) == normal and spec.input_shape == shape


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("conv@shape=28x28", "height x width x channels"),
        ("conv@shape=0x28x3", "height x width x channels"),
        ("conv@shape=wide", "height x width x channels"),
        ("conv@kernel=0", "a whole number from 1 to 63"),
        ("conv@mid_channels=3", "conv has no option 'mid_channels'"),
        ("conv@resolution=28", "conv has no option 'resolution'"),
        ("residual@kernel=5", "residual has no option 'kernel'"),
        ("inception@module=6a", "3a|3b|4a"),
    ],
)
def test_a_malformed_block_is_told(text: str, complaint: str) -> None:
    with pytest.raises(SpecError, match=complaint.replace("|", r"\|")):
        parse(text)


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(CnnbenchError, match="a 4x4 kernel cannot keep a map's sides; give an odd"):
        build("conv@kernel=4")


def test_the_courses_multiplications() -> None:
    # a 5x5 on 28x28x192 to 32 filters, and with a 1x1 reduction to 16 before it
    assert count("plain").total.macs == 120_422_400
    assert count("bottleneck@mid_channels=16").total.macs == 12_443_648
    assert count("bottleneck").total == count("bottleneck@mid_channels=16").total


@pytest.mark.parametrize(
    ("block", "model", "stage"),
    [
        ("separable@shape=14x14x512", "mobilenet_v1", "block7"),
        ("conv@shape=14x14x512", "mobilenet_v1_conv", "block7"),
        ("residual@shape=28x28x128", "resnet34", "stage2.block2"),
        ("residual_bottleneck@shape=28x28x512", "resnet50", "stage2.block2"),
        (
            "residual_bottleneck@shape=56x56x256,out_channels=512,stride=2",
            "resnet50",
            "stage2.block1",
        ),
        ("inverted_residual@shape=28x28x32", "mobilenet_v2", "stage3.block2"),
        ("inception@shape=14x14x528,module=4e", "googlenet", "inception4e"),
        ("inception_naive", "googlenet_naive", "inception3a"),
    ],
)
def test_a_block_is_the_one_of_its_network(block: str, model: str, stage: str) -> None:
    inside = [op for op in count(model).operators if f"{op.path}.".startswith(f"{stage}.")]
    alone = count(block).operators
    assert [(op.operator, op.output, op.cost) for op in alone] == [
        (op.operator, op.output, op.cost) for op in inside
    ]
