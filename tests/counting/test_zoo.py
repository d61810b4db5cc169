"""Every model of the registry counts exactly what the accepted table says, and nothing drifts."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from cnnbench.counting import views
from cnnbench.counting.count import count
from cnnbench.counting.tracing.trace import trace
from cnnbench.models.build import outline
from cnnbench.models.inputs import parse_shape
from cnnbench.models.registry import MODELS
from cnnbench.models.spec import parse

from ..conftest import zoo
from ..zoo import NAMES

ROWS = zoo()
IDS = [row["model"] for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_params_and_macs_are_exact(row: dict[str, str]) -> None:
    result = count(row["model"])
    assert result.input_shapes == ((1, *parse_shape(row["input"])),)
    assert result.total.params == int(row["params"])
    assert result.total.macs == int(row["macs"])
    assert result.total.flops == 2 * int(row["macs"])
    assert result.uncounted == {}


def test_every_registered_model_has_an_accepted_row() -> None:
    assert {model.name for model in MODELS} <= set(IDS)


@pytest.mark.parametrize("model", NAMES)
def test_our_shape_rules_agree_with_torchs_meta_kernels(model: str) -> None:
    net = outline(model)
    image = torch.empty(1, *parse(model).input_shape, device="meta")
    assert trace(net, [image]) == trace(net, [image], shape_rules=False)


def test_mobilenets_table_2() -> None:
    # Howard et al. 2017, table 2, without its misprint: it has 1.19% for the stem's 1.91%.
    rows = {row["kind"]: row for row in views.kinds(count("mobilenet"))}
    shares = {
        kind: (f"{row['macs_share']:.2%}", f"{row['weights_share']:.2%}")
        for kind, row in rows.items()
        if row["macs"]
    }
    assert shares == {
        "1x1 convolution": ("94.86%", "74.59%"),
        "depthwise convolution": ("3.06%", "1.06%"),
        "k x k convolution": ("1.91%", "0.02%"),
        "linear": ("0.18%", "24.33%"),
    }
    assert sum(row["params"] for row in rows.values()) == 4_231_976


def test_auxiliary_heads_are_listed_apart() -> None:
    plain, with_heads = count("googlenet"), count("googlenet@aux=true")
    ran = replace(with_heads.total, params=with_heads.total.params - with_heads.idle_params)
    assert ran == plain.total
    heads = {name.split(".")[0] for name in with_heads.unread_params}
    assert heads == {"aux4a", "aux4d"}
    net: nn.Module = outline("googlenet@aux=true")
    every = sum(parameter.numel() for parameter in net.parameters())
    assert every == with_heads.total.params == plain.total.params + with_heads.idle_params
    assert plain.unread_params == {}


def test_batch_scales_the_work_and_not_the_params() -> None:
    one, eight = count("resnet18").total, count("resnet18", batch=8).total
    assert eight.macs == 8 * one.macs
    assert eight.activations == 8 * one.activations
    assert eight.elementwise_flops == 8 * one.elementwise_flops
    assert eight.params == one.params


def test_dtype_halves_the_bytes() -> None:
    full, half = count("mobilenet"), count("mobilenet", dtype="float16")
    assert 2 * half.total.bytes_moved == full.total.bytes_moved
    assert 2 * half.peak_activation_bytes == full.peak_activation_bytes
    assert half.dtype == "float16"
    assert half.total.macs == full.total.macs
