"""What a chain's pieces sum up to is what `count` says of the network."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench.counting.chains import ChainCounter
from cnnbench.counting.count import count
from cnnbench.models.build import chain_of
from cnnbench.models.registry import MODELS
from cnnbench.models.spec import Spec, parse
from cnnbench.models.zoo.chain import Chain, assemble, piece
from cnnbench.models.zoo.layers import conv_bn

SCALABLE = [model.name for model in MODELS if model.option("width_mult")]


def spec_of(text: str) -> Spec:
    spec = parse(text)
    assert isinstance(spec, Spec)
    return spec


def agrees(counter: ChainCounter, text: str, **options: object) -> None:
    spec = spec_of(text)
    found, counted = counter(chain_of(spec), spec.input_shape), count(spec, **options)  # type: ignore[arg-type]
    assert found.cost == counted.total, text
    assert found.peak_activation_bytes == counted.peak_activation_bytes, text


@pytest.mark.parametrize("name", SCALABLE)
def test_every_network_costs_what_its_pieces_do(name: str) -> None:
    agrees(ChainCounter(), name)


@settings(max_examples=25)
@given(st.data())
def test_any_scale_of_any_network(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(SCALABLE))
    width = data.draw(st.floats(0.05, 2.5).map(lambda value: round(value, 3)))
    side = data.draw(st.integers(32, 300))
    text = f"{name}@width_mult={width},resolution={side},num_classes=7"
    if spec_of(name).model.option("depth_mult"):
        text += f",depth_mult={data.draw(st.floats(0.1, 2.0).map(lambda value: round(value, 3)))}"
    batch = data.draw(st.integers(1, 5))
    agrees(ChainCounter(batch), text, batch=batch)


def test_other_dtypes_and_shortcuts() -> None:
    half = ChainCounter(dtype=torch.float16)
    for text in (
        "mobilenet_v2",
        "resnet20@shortcut=projection",
        "resnet34@shortcut=identity",
        "resnet50@stride_on=1x1,shortcut=projection_all",
    ):
        agrees(half, text, dtype="float16")


def test_networks_of_one_counter_do_not_mix() -> None:
    """Pieces are shared between them; their order does not matter."""
    texts = [
        f"efficientnet_b0@width_mult={width},depth_mult={depth},resolution={side}"
        for width in (0.5, 0.52, 1.0)
        for depth in (0.5, 1.0, 1.3)
        for side in (95, 96, 224)
    ]
    random.Random(0).shuffle(texts)
    counter = ChainCounter()
    for text in texts:
        agrees(counter, text)


def relu() -> torch.nn.Module:
    return torch.nn.ReLU(inplace=True)


def test_memory_that_a_piece_writes_on_is_held_once() -> None:
    """However pieces and stages are nested, as the Sequentials that they become hold it."""
    wide, act = piece(conv_bn, 8, 8, 3, act=None), piece(relu)
    chains: list[Chain] = [
        {"a": act, "b": wide},
        {"a": {"b": act, "c": act}, "d": {"e": wide, "f": act, "g": wide}, "h": act},
        {"a": {"b": {"c": act}, "d": wide}, "e": {"f": {"g": act, "h": wide}, "i": wide}},
        {"a": {"b": {"c": {"d": wide, "e": wide}, "f": wide}, "g": wide}, "h": {"i": act}},
    ]
    for chain in chains:
        found, counted = ChainCounter()(chain, (8, 10, 10)), count(assemble(chain), (8, 10, 10))
        assert found.cost == counted.total
        assert found.peak_activation_bytes == counted.peak_activation_bytes


def test_a_piece_is_traced_once_at_each_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[object] = []
    original = ChainCounter._traced
    monkeypatch.setattr(
        ChainCounter,
        "_traced",
        lambda self, net, given: (traced.append(given.shape), original(self, net, given))[1],
    )
    counter = ChainCounter()
    chain = {str(number): piece(conv_bn, 4, 4, 3) for number in range(20)}
    for _ in range(3):
        counter(chain, (4, 6, 6))
    assert len(traced) == 1
    counter(chain, (4, 7, 7))
    assert len(traced) == 2
