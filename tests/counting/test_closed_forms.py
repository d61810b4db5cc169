"""The papers' formulas and the trace agree, whatever the shape."""

import math
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench.counting import closed_forms
from cnnbench.counting.count import count
from cnnbench.models import registry
from cnnbench.models.spec import Spec, parse

SIDES = st.integers(1, 40)
CHANNELS = st.integers(1, 48)


def spec(text: str) -> Spec:
    found = parse(text)
    assert isinstance(found, Spec)
    return found


@st.composite
def blocks(draw: st.DrawFn, chains: bool = False) -> Spec:
    """Any block with any of its options."""
    block = draw(st.sampled_from(registry.BLOCKS))
    options = {"shape": f"{draw(SIDES)}x{draw(SIDES)}x{draw(CHANNELS)}"}
    values = {
        "out_channels": st.integers(0, 48),
        "kernel": st.sampled_from((1, 3, 5, 7)),
        "stride": st.integers(1, 3),
        "mid_channels": st.integers(0, 24),
        "expansion": st.integers(1, 6),
        "module": st.sampled_from(("3a", "4e", "5b")),
    }
    if chains:
        values["chain"] = st.integers(1, 3)
    for name, strategy in values.items():
        if block.option(name):
            options[name] = str(draw(strategy))
    return spec(f"{block.name}@" + ",".join(f"{k}={v}" for k, v in options.items()))


@settings(max_examples=150)
@given(blocks(chains=True))
def test_every_form_equals_the_trace(block: Spec) -> None:
    form, total = closed_forms.form(block), count(block).total
    assert sum(term.macs for term in form) == total.macs
    assert sum(term.activations for term in form) == total.activations
    # two numbers a filter: a batch norm's scale and shift; GoogLeNet has biases alone
    more = 1 if "inception" in block.model.name else 2
    assert sum(term.weights + more * term.outputs for term in form) == total.params


@settings(max_examples=60)
@given(SIDES, SIDES, st.integers(1, 8), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3))
def test_a_grouped_convolution_equals_the_trace(
    height: int, width: int, groups: int, inputs: int, outputs: int, stride: int
) -> None:
    import torch

    m, n = groups * inputs, groups * outputs
    net = torch.nn.Conv2d(m, n, 3, stride, padding=1, groups=groups, bias=False)
    out = closed_forms.out_side((height, width), stride)
    term = closed_forms.Convolution(3, m, n, out, groups)
    total = count(net, (m, height, width)).total
    assert (term.macs, term.weights, term.activations) == (
        total.macs,
        total.params,
        total.activations,
    )


def value(text: str) -> float:
    """What a formula with its numbers put in comes to."""
    powers = text.replace("²", "**2").replace("·", "*")
    assert re.fullmatch(r"[\d*+/(). ]+", powers), powers
    return float(eval(re.sub(r"(?<![*\d])(\d+)", r"Fraction(\1)", powers), {"Fraction": Fraction}))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Spec, Spec]:
    """Two blocks that share what `compare` lets them share, or do not."""
    a = draw(blocks())
    other = draw(st.sampled_from(registry.BLOCKS))
    options = {key: value for key, value in a.options if other.option(key)}
    for key in draw(st.sets(st.sampled_from(("stride", "kernel", "out_channels")))):
        if other.option(key):
            options[key] = draw(st.sampled_from((1, 3, 5)))
    return a, spec(f"{other.name}@" + ",".join(f"{k}={v}" for k, v in options.items()))


@settings(max_examples=200)
@given(pairs())
def test_a_ratio_is_that_of_the_macs(pair: tuple[Spec, Spec]) -> None:
    a, b = pair
    text = closed_forms.ratio(a, b)
    numbers = text.split(" = ")[-2]
    true = count(b).total.macs / count(a).total.macs
    assert math.isclose(value(numbers), true, rel_tol=1e-12), text


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (
            "conv@shape=14x14x512",
            "separable@shape=14x14x512",
            "1/N + 1/k² = 1/512 + 1/9 = 0.113",
        ),
        ("plain", "bottleneck", "R/(k²·N) + R/M = 16/(25·32) + 16/192 = 0.103"),
        (
            "residual",
            "residual_bottleneck",
            "R/(9·W) + R²/(2·W²) = 64/(9·256) + 64²/(2·256²) = 0.059",
        ),
        (
            "conv@shape=8x8x64",
            "separable@shape=8x8x64,stride=2",
            "(3²·64·4² + 64·64·4²) / (3²·64·64·8²) = 0.0317",
        ),
    ],
)
def test_the_papers_simplifications(a: str, b: str, text: str) -> None:
    assert closed_forms.ratio(spec(a), spec(b)) == text
