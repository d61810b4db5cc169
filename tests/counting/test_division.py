"""Operators put together add up to the network, whatever they are divided by."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnbench.counting.count import count
from cnnbench.counting.division import By, Division, Sort
from cnnbench.counting.tree import tree
from cnnbench.counting.views import layers

from ..commands import command

TRACE = count("mobilenet_v2")
ROWS = layers(TRACE)
divisions = st.builds(
    Division,
    by=st.none() | st.sampled_from(By),
    depth=st.none() | st.integers(1, 6),
    sort=st.none() | st.sampled_from([sort for sort in Sort if sort is not Sort.TIME]),
    top=st.none() | st.integers(1, 200),
)


class Decoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = torch.cat([self.up(x), skip], 1)
        return torch.cat([x, skip], 1)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.decoder1 = Decoder()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.decoder1(x, x))


@given(divisions)
def test_parts_add_up(division: Division) -> None:
    parts = division.of(ROWS)
    for key in ("params", "macs", "elementwise_flops", "bytes_moved"):
        assert sum(part[key] for part in parts) == getattr(TRACE.total, key)
    assert max(part["live_bytes"] for part in parts) == TRACE.peak_activation_bytes
    shown = division.shown(parts)
    assert len(shown) == min(division.top or len(parts), len(parts))
    if division.sort is Sort.MACS:
        assert [row["macs"] for row in shown] == sorted((p["macs"] for p in parts), reverse=True)[
            : len(shown)
        ]


def test_a_stage_is_what_stands_at_the_top() -> None:
    names = [row["name"] for row in Division(by=By.STAGE).of(layers(count("resnet18")))]
    assert names == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]


def test_a_function_is_named_after_the_module_that_calls_it() -> None:
    names = [row["name"] for row in layers(count(Net(), (4, 8, 8)))]
    assert names == ["decoder1.up", "decoder1: cat", "decoder1: cat 2", "relu"]


def test_rows_are_sorted_and_cut_in_json_and_table() -> None:
    line = ("flops", "resnet18", "--layers", "--sort", "memory", "--top", "3")
    (row,) = json.loads(command(*line, "--format", "json").stdout)["results"]
    memory = [layer["live_bytes"] for layer in row["layers"]]
    assert memory == sorted(memory, reverse=True)
    assert (len(memory), memory[0]) == (3, row["peak_activation_bytes"])
    shown = command(*line).stdout
    assert "the 3 with the most memory of 68" in shown
    assert "11.7 M" in shown  # the total is of all


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("flops resnet18 --by stage --depth 2", "give one of them"),
        ("flops resnet18 --operators --depth 2", "not both"),
        ("flops resnet18 --layers --sort time", "cnnbench time --layers"),
        ("flops resnet18 --top 0", "--top"),
    ],
)
def test_what_makes_no_sense_is_one_line(line: str, said: str) -> None:
    done = command(*line.split())
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.pool = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1), nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(self.second(self.pool(self.first(x))))


def test_a_module_used_twice_shows_each_map_it_made() -> None:
    (pool,) = [node for node in tree(count(Shared(), (3, 8, 8))) if node.name == "pool"]
    assert pool.outputs == ((1, 4, 4, 4), (1, 4, 2, 2))
