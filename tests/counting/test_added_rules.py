"""Rules that are added from outside, in this process; tests/extensions does it as a package."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest
import torch
from torch import Tensor, nn

from cnnbench import count
from cnnbench.counting.cost import Kind
from cnnbench.counting.rules import added as added_rules
from cnnbench.counting.rules import register, table
from cnnbench.counting.rules.work import Work
from cnnbench.errors import RuleError


@torch.library.custom_op("cnnbench_test::scaled", mutates_args=())
def scaled(x: Tensor, factor: float) -> Tensor:
    return x * factor


@scaled.register_fake
def _(x: Tensor, factor: float) -> Tensor:
    return torch.empty_like(x)


class Scaled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return scaled(x, 2.0)


def rule(out: Tensor, x: Tensor, factor: float) -> Work:
    return Work(Kind.ACTIVATION, elementwise_flops=3 * out.numel())


@pytest.fixture
def added() -> Iterator[None]:
    register("cnnbench_test::scaled", rule)
    yield
    del table.RULES["cnnbench_test::scaled"]


def test_without_a_rule_it_is_named() -> None:
    trace = count(Scaled(), (4, 6, 6))
    assert trace.uncounted == {"cnnbench_test::scaled": 1} and not trace.total.elementwise_flops


def test_with_one_it_is_counted(added: None) -> None:
    trace = count(Scaled(), (4, 6, 6), batch=2)
    assert trace.uncounted == {} and trace.total.elementwise_flops == 3 * 2 * 4 * 6 * 6
    assert trace.operators[0].kind is Kind.ACTIVATION


@pytest.mark.parametrize("name", ["aten::conv2d", "relu", "aten::squeeze", "cnnbench_test::scaled"])
def test_what_is_known_has_no_second_rule(added: None, name: str) -> None:
    with pytest.raises(RuleError, match="has a rule already"):
        register(name, rule)


RULES = {"cnnbench_test::first": rule}
AGAIN = {"cnnbench_test::first": rule}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("nowhere_at_all:RULES", "nowhere_at_all:RULES cannot be imported"),
        (f"{__name__}:rule", "is no table of rules"),
        (f"{__name__}:AGAIN", "cnnbench_test::first has a rule already"),
    ],
)
def test_a_broken_package_is_the_same_error_each_time(
    second: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = (f"{__name__}:RULES", second)
    points = [EntryPoint(value, value, added_rules.GROUP) for value in values]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: points)
    monkeypatch.setattr(added_rules, "load", added_rules.load.__wrapped__)
    for _ in range(2):
        with pytest.raises(RuleError, match=message):
            added_rules.load()
    assert "cnnbench_test::first" not in table.RULES
