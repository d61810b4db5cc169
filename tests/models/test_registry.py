"""Names, options and specs: what a person may type, and what comes back."""

import contextlib
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench.errors import CnnbenchError, ShapeError, SpecError
from cnnbench.models import lookup, registry
from cnnbench.models.inputs import batched, parse_shape
from cnnbench.models.spec import parse, parse_together


def test_names_and_aliases_are_unique() -> None:
    every = [name for model in registry.MODELS for name in (model.name, *model.aliases)]
    assert len(every) == len(set(every))
    blocks = [name for block in registry.BLOCKS for name in (block.name, *block.aliases)]
    assert len(blocks) == len(set(blocks))
    assert set(every) & set(blocks) == {"inception"}  # GoogLeNet's other name, and its module's


def test_a_name_of_both_is_the_networks_unless_blocks_are_meant() -> None:
    assert str(parse("inception")) == "googlenet"
    assert str(parse("inception@aux=true")) == "googlenet@aux=true"
    block = parse("inception@module=3b,shape=28x28x256")
    assert str(block) == "inception@shape=28x28x256,module=3b" and parse(str(block)) == block
    for alone in ("inception_naive", "conv"):
        assert str(parse_together([alone, "inception"])[1]) == "inception@shape=28x28x192"
        assert parse(str(parse_together([alone, "inception"])[1])) != parse("inception")
    assert str(parse_together(["vgg16", "inception"])[1]) == "googlenet"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("mobilenet", "mobilenet_v1"),
        ("MobileNet", "mobilenet_v1"),
        ("inception", "googlenet"),
        ("efficientnet", "efficientnet_b0"),
        ("resnet50@stride_on=3x3", "resnet50"),
        (
            "mobilenet_v1@resolution=160, width_mult=0.50",
            "mobilenet_v1@width_mult=0.5,resolution=160",
        ),
        ("efficientnet_b2@width_mult=1.1", "efficientnet_b2"),
        ("googlenet@aux=yes", "googlenet@aux=true"),
    ],
)
def test_a_spec_has_one_normal_form(text: str, normal: str) -> None:
    assert str(parse(text)) == normal
    assert parse(normal) == parse(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("mobilnet", "did you mean mobilenet"),
        ("", "malformed spec"),
        ("@width_mult=1", "malformed spec"),
        ("resnet50@", "ends after '@'; resnet50 takes shortcut, stride_on"),
        ("resnet50@width=2", "has no option 'width'"),
        ("resnet50@stride=1x1", "did you mean stride_on"),
        ("resnet50@stride_on", "malformed option"),
        ("resnet50@stride_on=", "malformed option"),
        ("resnet50@stride_on=5x5", "it takes 3x3|1x1"),
        ("resnet50@num_classes=ten", "a whole number from 1"),
        ("resnet50@num_classes=0", "a whole number from 1"),
        ("resnet50@num_classes=2.5", "a whole number from 1"),
        ("mobilenet@width_mult=nan", "a number from 0.01 to 16"),
        ("mobilenet@width_mult=-1", "a number from 0.01 to 16"),
        ("mobilenet@width_mult=1,width_mult=2", "given twice"),
        ("googlenet@aux=maybe", "true|false"),
        ("lenet5@resolution=64", "no option 'resolution'"),
    ],
)
def test_a_wrong_spec_says_what_would_do(text: str, complaint: str) -> None:
    with pytest.raises(SpecError) as error:
        parse(text)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(max_size=40))
def test_any_text_is_a_spec_or_an_error(text: str) -> None:
    for candidate in (text, f"resnet50@{text}", f"mobilenet@width_mult={text}"):
        with contextlib.suppress(CnnbenchError):
            assert parse(str(parse(candidate))) == parse(candidate)


@given(st.text(max_size=20) | st.from_regex(r"[0-9x]{1,30}", fullmatch=True))
def test_any_text_is_a_shape_or_an_error(text: str) -> None:
    try:
        shape = batched(parse_shape(text), 2)
    except ShapeError as error:
        assert str(error)
    else:
        assert all(side >= 1 for side in shape)


def test_input_follows_the_options() -> None:
    assert parse("resnet18@resolution=96,in_channels=1").input_shape == (1, 96, 96)
    assert parse("lenet5@in_channels=3").input_shape == (3, 32, 32)


def test_naming_and_importing_need_no_torch() -> None:
    code = (
        "import cnnbench, sys, cnnbench.models.spec, cnnbench.cli.app; "
        "cnnbench.models.spec.parse('resnet50'); assert 'torch' not in sys.modules; "
        "assert callable(cnnbench.count) and 'torch' not in sys.modules; "
        "assert callable(cnnbench.build) and 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@given(st.sampled_from(lookup.names()), st.data())
def test_names_are_forgiving(name: str, data: st.DataObject) -> None:
    """`ResNet-50`, `efficientnet.b0`, `mobilenetv2`: what can only be meant in one way."""
    bare = name.replace("_", "")
    breaks = data.draw(st.lists(st.sampled_from(["", "", "-", "_", "."]), min_size=len(bare)))
    upper = data.draw(st.lists(st.booleans(), min_size=len(bare)))
    written = "".join(
        (letter.upper() if loud else letter) + between
        for letter, between, loud in zip(bare, breaks, upper, strict=False)
    )
    assert lookup.find(written) is lookup.find(name)
    assert str(parse(written)) == str(parse(name))


@pytest.mark.parametrize("name", ["resnt50", "resnet5", "efficientnet", "net", "-", "_."])
def test_but_not_more_than_that(name: str) -> None:
    if name in lookup.names():
        assert lookup.find(name).name == "efficientnet_b0"
        return
    with pytest.raises(SpecError, match="unknown model"):
        lookup.find(name)
