"""Two networks side by side: which layers differ, and what in all."""

import json
from pathlib import Path

import pytest
from torch import nn

from cnnbench import count
from cnnbench.counting.cost import Trace
from cnnbench.guard.changes import Change
from cnnbench.guard.difference import differences

from ..commands import command
from ..zoo import costly


def net(*layers: nn.Module) -> Trace:
    return count(nn.Sequential(*layers), "8x8x8")


def test_a_network_differs_from_itself_in_nothing() -> None:
    trace = count("resnet20")
    assert differences(trace, trace) == []


def test_each_change_is_named_in_the_order_of_the_network() -> None:
    before = net(nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 1))
    after = net(nn.Conv2d(8, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 5), nn.Conv2d(8, 4, 1), nn.Tanh())
    found = differences(before, after)
    assert [(one.layer, one.change) for one in found] == [
        ("2", Change.RESHAPED),
        ("3", Change.RESHAPED),
        ("4", Change.ADDED),
    ]
    assert sum(one.macs() for one in found) == after.total.macs - before.total.macs
    assert sum(one.params() for one in found) == after.total.params - before.total.params


def test_a_layer_that_is_gone_stands_where_it_stood() -> None:
    before = net(nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 4, 3))
    after = nn.Sequential()
    after.add_module("0", nn.Conv2d(8, 8, 3))
    after.add_module("2", nn.Conv2d(8, 4, 3))
    found = differences(before, count(after, "8x8x8"))
    assert [one.layer for one in found] == ["0", "1", "2"]
    assert found[1].change is Change.REMOVED and found[1].params() == -16


@pytest.mark.parametrize("models", [("plain20", "resnet20"), ("mobilenet_v1", "mobilenet_v2")])
def test_what_layers_differ_by_is_what_the_totals_differ_by(models: tuple[str, str]) -> None:
    before, after = map(count, models)
    found = differences(before, after)
    assert sum(one.macs() for one in found) == after.total.macs - before.total.macs
    assert sum(one.params() for one in found) == after.total.params - before.total.params


@costly
def test_a_file_differs_from_its_network_by_what_its_exporter_folds(tmp_path: Path) -> None:
    command("export", "resnet20", "-o", "net.onnx", cwd=tmp_path)
    done = command("show", "--diff", "resnet20", "net.onnx", "-f", "json", cwd=tmp_path)
    (found,) = json.loads(done.stdout)["results"]
    changes = {one["layer"].rpartition(".")[2]: one["change"] for one in found["layers"]}
    assert "removed" in changes.values()
    assert all(one["macs_before"] == one["macs_after"] for one in found["layers"])
    assert "two formats" in command("show", "--diff", "resnet20", "net.onnx", cwd=tmp_path).stdout


def test_both_take_what_is_given(tmp_path: Path) -> None:
    line = ["show", "--diff", "plain20", "resnet20", "--batch", "4", "--input", "3x64x64"]
    done = command(*line, "-f", "json", cwd=tmp_path)
    (found,) = json.loads(done.stdout)["results"]
    assert found["costs"][0]["current"] == count("resnet20", "3x64x64", batch=4).total.macs
    refused = command("show", "--diff", "nosuch", "resnet20", cwd=tmp_path)
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1


def test_a_layer_of_as_many_macs_and_more_params_is_costlier() -> None:
    (found,) = differences(net(nn.Conv2d(8, 8, 1, bias=False)), net(nn.Conv2d(8, 8, 1)))
    assert (found.change, found.macs(), found.params()) == (Change.COSTLIER, 0, 8)
    (found,) = differences(net(nn.Conv2d(8, 8, 1)), net(nn.Conv2d(8, 8, 1, bias=False)))
    assert found.change is Change.CHEAPER


@pytest.mark.parametrize("more", [["--full"], ["--depth", "1"]])
def test_what_a_tree_takes_a_difference_does_not(more: list[str], tmp_path: Path) -> None:
    done = command("show", "--diff", "plain20", "resnet20", *more, cwd=tmp_path)
    assert done.returncode == 2 and "leave --full and --depth out" in done.stderr
