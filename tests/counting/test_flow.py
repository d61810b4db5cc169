"""Which part of a network reads what another made: by its data, at every level."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench import count
from cnnbench.counting.division import Level
from cnnbench.counting.flow import Flow, flow
from cnnbench.counting.tree import tree
from cnnbench.models.given import Given
from cnnbench.models.inputs import Input
from cnnbench.reports.architecture import describe

from ..commands import command

NETWORKS = ("lenet5", "alexnet", "plain20", "resnet50", "googlenet", "mobilenet_v2", "inception")


traced = cache(count)


def reads(found: Flow) -> dict[int, list[int]]:
    """The makers of what each part reads."""
    every: dict[int, list[int]] = {index: [] for index in range(len(found.parts))}
    for maker, reader in found.edges:
        every[reader].append(maker)
    return every


def words(found: Flow) -> list[str]:
    return [describe(part.node) for part in found.parts]


@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("fold", [True, False])
def test_parts_are_the_whole_and_each_reads_something(name: str, level: Level, fold: bool) -> None:
    trace = traced(name)
    found = flow(trace, level, fold=fold)
    macs = sum(part.repeats * part.cost.macs for part in found.parts)
    operators = sum(part.repeats * len(part.operators) for part in found.parts)
    assert (macs, operators) == (trace.total.macs, len(trace.operators))
    for reader, makers in reads(found).items():
        assert makers and all(maker < reader for maker in makers), found.parts[reader].path
    assert {maker for maker, _ in found.edges} >= {-1, *range(len(found.parts) - 1)}  # all are read
    if not fold:
        assert found.folds == () and all(part.repeats == 1 for part in found.parts)


def test_a_plain_network_is_a_chain_and_a_residual_one_is_not() -> None:
    plain = flow(count("plain34"), Level.LAYERS, fold=False)
    assert list(plain.edges) == [(index - 1, index) for index in range(len(plain.parts))]
    residual = flow(count("resnet34"), Level.LAYERS, fold=False)
    number = Counter(len(makers) for makers in reads(residual).values())
    assert number[2] == 16 and set(number) == {1, 2}  # one a block
    for reader, makers in reads(residual).items():
        assert (len(makers) == 2) is words(residual)[reader].startswith("+")


def test_branches_meet_where_they_are_joined() -> None:
    found = flow(count("googlenet"), Level.LAYERS)
    joined = {reader: makers for reader, makers in reads(found).items() if len(makers) > 1}
    assert len(joined) == 9 and all(len(makers) == 4 for makers in joined.values())
    assert {words(found)[reader] for reader in joined} == {"concatenate"}


def test_equal_blocks_are_one_with_their_number() -> None:
    found = flow(count("resnet34"), Level.BLOCKS)
    assert [fold.repeats for fold in found.folds] == [3, 3, 5, 2]
    assert all(fold.first == fold.last for fold in found.folds)
    layers = flow(count("resnet34"), Level.LAYERS)
    assert [fold.repeats for fold in layers.folds] == [3, 3, 5, 2]
    assert all(fold.last - fold.first >= 2 for fold in layers.folds)


class Twisted(nn.Module):
    """What is written in place, cut in two, and read again later."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.first(x))
        a, b = y.chunk(2, 1)
        z = self.second(a)
        z += y
        return torch.cat([z, b, x], 1)


def test_views_and_what_is_written_in_place_are_followed() -> None:
    trace = count(Twisted(), (3, 8, 8))
    sources = {op.operator: op.sources for op in trace.operators}
    names = [op.operator for op in trace.operators]
    assert names == ["conv2d", "relu", "conv2d", "add", "cat"], names
    assert trace.operators[0].sources == (-1,) and sources["relu"] == (0,)
    assert trace.operators[2].sources == (1,) and sources["add"] == (2, 1)
    assert sources["cat"] == (3, 1, -1)


def test_a_shared_activation_runs_where_it_is_called() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
            self.act = nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            x = self.act(self.a(x))
            return self.act(x + self.b(x))

    found = flow(count(Shared(), (3, 8, 8)), Level.LAYERS)
    assert words(found) == ["1x1 conv, 4, ReLU", "1x1 conv, 4", "add, ReLU"]
    assert reads(found) == {0: [-1], 1: [0], 2: [0, 1]}


class Beside(nn.Module):
    """Equal branches, of which none reads another, and constants that no operator makes."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.ModuleList(nn.Conv2d(3, 4, 1) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        grid = torch.arange(8.0).expand(1, 1, 8, 8)
        a, b, c = (head(x) for head in self.heads)
        return torch.cat([torch.relu(a), b, c, grid + 1], 1)


def test_equal_branches_are_not_one_after_another() -> None:
    trace = count(Beside(), (3, 8, 8))
    for level in Level:
        assert flow(trace, level).folds == ()
    found = flow(trace, Level.LAYERS)
    said = words(found)
    assert reads(found)[said.index("ReLU")] == [0]  # not the last that ran before it
    assert [reads(found)[place] for place in range(3)] == [[-1]] * 3
    assert len(reads(found)[len(said) - 1]) == 4


def test_what_no_operator_makes_has_no_maker() -> None:
    trace = count(Beside(), (3, 8, 8))
    (added,) = [op for op in trace.operators if op.operator == "add"]
    assert added.sources == ()
    for place, op in enumerate(trace.operators):
        assert all(source < place for source in op.sources)


def test_a_file_flows_as_its_network(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    path = tmp_path / "net.onnx"
    assert command("export", "resnet20", "--output", str(path)).returncode == 0
    for trace in (count("resnet20"), count(str(path))):
        found = flow(trace, Level.LAYERS, fold=False)
        assert sum(len(makers) == 2 for makers in reads(found).values()) == 9


class Skips(nn.Module):
    """Equal blocks, of which each is read again at the end; a head that is called on three maps."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.pool = nn.Conv2d(3, 8, 1), nn.MaxPool2d(2)
        self.blocks = nn.Sequential(*[nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU()) for _ in "abc"])
        self.head = nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 2, 1))

    def forward(self, x: Tensor) -> list[Tensor]:
        kept = [self.first(x)]
        for block in self.blocks:
            kept.append(block(kept[-1]))
        whole = kept[0] + kept[1] + kept[2] + kept[3]
        small = self.pool(whole)
        return [self.head(one) for one in (whole, small, self.pool(small))]


def test_blocks_that_a_skip_leads_from_stand_each() -> None:
    trace = count(Skips(), (3, 16, 16))
    for level in (Level.BLOCKS, Level.LAYERS):
        found = flow(trace, level)
        assert found.folds == ()
        said = words(found)
        sums = [place for place, one in enumerate(said) if one.startswith(("add", "+"))]
        assert [reads(found)[place][-1] for place in sums] and len(sums) == 3
        assert sum(one == "2x2 max pool /2" for one in said) == 2
    layers = flow(trace, Level.LAYERS)
    heads = [place for place, one in enumerate(words(layers)) if one == "1x1 conv, 2"]
    assert len(heads) == 3
    stages = flow(trace, Level.STAGES)
    assert [part.path for part in stages.parts].count("head") == 3


def test_each_input_has_its_readers() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.b(y) + self.a(x)

    found = flow(count(Two(), Given((Input((3, 8, 8)), Input((3, 8, 8))))), Level.LAYERS)
    assert reads(found) == {0: [-2], 1: [-1], 2: [0, 1]}


class Crossing(nn.Module):
    """Two maps that blocks hand on, each to the other's branch."""

    def __init__(self) -> None:
        super().__init__()
        self.c, self.d = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.c(x) + y, self.d(y) + x


class Crossings(nn.Module):
    """Five such blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 8, 1)
        self.blocks = nn.ModuleList([Crossing() for _ in range(5)])

    def forward(self, x: Tensor) -> Tensor:
        x, y = self.a(x), self.b(x)
        for block in self.blocks:
            x, y = block(x, y)
        return x


def test_a_fold_has_no_line_from_one_block_to_the_next() -> None:
    found = flow(count(Crossings(), (3, 8, 8)), Level.LAYERS)
    (fold,) = found.folds
    assert fold.repeats == 5 and fold.last - fold.first == 3
    within = [(a, b) for a, b in found.edges if a >= fold.first]
    assert within == [(fold.first, fold.first + 1), (fold.first + 2, fold.first + 3)]
    assert found.outputs == ((fold.first + 1, (1, 8, 8, 8)),)


class Interleaved(nn.Module):
    """Layers of one list between which others run, and an LSTM of which the states are unread."""

    def __init__(self) -> None:
        super().__init__()
        self.d = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)])
        self.memory = nn.LSTM(4, 6, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.d:
            x = F.max_pool2d(torch.relu(layer(x)), 2)
        y, _ = self.memory(x.flatten(2).transpose(1, 2))
        return y * 2


def test_a_part_has_its_layers_name_and_makes_what_others_read() -> None:
    trace = count(Interleaved(), (3, 32, 32))
    parts = flow(trace, Level.LAYERS).parts
    names = [part.path for part in parts if part.cost.macs]
    assert names[:2] == ["d.0", "d.1"] and set(names[2:]) == {"memory"}
    read = {source for op in trace.operators for source in op.sources}
    for part in parts[:-1]:
        made = {trace.operators[at].output for at in read if at >= 0}
        assert set(part.outputs) <= made
    lines = [describe(line) for node in tree(trace) for line in node.lines()]
    assert "2x2 max pool /2" in lines and not any("pool /2, ReLU" in line for line in lines)
