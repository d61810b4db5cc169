"""Rules of operators that other packages add."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Mapping
from functools import cache
from typing import Any

from cnnbench.counting.cost import Kind
from cnnbench.counting.rules import convention
from cnnbench.counting.rules.backward import GRADIENTS
from cnnbench.counting.rules.table import RULES
from cnnbench.counting.rules.work import Rule, Work
from cnnbench.errors import RuleError, reason_of

GROUP = "cnnbench.operators"


def register(name: str, rule: Rule) -> None:
    """Count an operator by a rule: `register("mylib::op", rule)`, before anything is counted.

    A rule is called with the operator's output and its own arguments, tensors that have shapes
    alone, and returns its `Work`: its kind, multiply-accumulates and elementwise FLOPs. Overloads
    and the in-place form share it. RuleError where the operator has a rule or is a view already.
    """
    _check(name)
    RULES[_own(name)] = rule


def formula(func: Any) -> Callable[..., Work] | None:
    """The rule that an operator's author has registered with torch, which counts FLOPs; else None.

    `torch.utils.flop_counter.register_flop_formula` is how.
    """
    counter = sys.modules.get("torch.utils.flop_counter")  # whoever has registered has imported it
    found = counter.flop_registry.get(func._overloadpacket) if counter else None
    if found is None:
        return None

    def rule(out: object, *args: object, **kwargs: object) -> Work:
        return Work(Kind.OTHER, macs=int(found(*args, **kwargs, out_val=out)) // 2)

    return rule


def _own(name: str) -> str:
    return name.removeprefix("aten::")


def _check(name: str, others: Container[str] = ()) -> None:
    """RuleError where the operator has a rule, of ours or among `others`."""
    own = _own(name)
    if own in RULES or own in GRADIENTS or own in convention.VIEWS or own in others:
        raise RuleError(f"{name} has a rule already; leave yours out")


@cache
def load() -> None:
    """Register what other packages have, once: entry points that name a table of rules by operator.

        [project.entry-points."cnnbench.operators"]
        mylib = "mypackage.costs:RULES"

    RuleError where one cannot be imported, or is no table; then none is registered, so that the
    next network to be counted meets the same error.
    """
    from importlib.metadata import entry_points

    rules: dict[str, Rule] = {}
    for point in entry_points(group=GROUP):
        try:
            table = point.load()
        except (Exception, SystemExit) as error:  # whatever another package does as it is imported
            reason = reason_of(error)
            raise RuleError(f"the rules of {point.value} cannot be imported: {reason}") from error
        if not isinstance(table, Mapping):
            raise RuleError(f"{point.value} is no table of rules by operator")
        for name, rule in table.items():
            _check(name, rules)
            rules[_own(name)] = rule
    RULES.update(rules)
