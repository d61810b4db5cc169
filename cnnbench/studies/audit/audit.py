"""Why other counters print other numbers: each one's convention, evaluated on our one trace."""

from __future__ import annotations

import importlib.util
import inspect
from collections import Counter as Tally
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.counting.network import count_network
from cnnbench.errors import InputError, reason_of
from cnnbench.models.arguments import Arguments
from cnnbench.models.build import surroundings
from cnnbench.models.foreign import quiet
from cnnbench.models.given import Inputs
from cnnbench.models.network import Model, load
from cnnbench.studies.audit import COUNTERS
from cnnbench.studies.audit.calls import home
from cnnbench.studies.audit.counter import OtherCounter, Pass, Term, What


@dataclass(frozen=True)
class Account:
    """What a counter prints, and what it is made of.

    `terms` are in MACs and start with ours; `explained` is their sum in the counter's unit, which
    `remaining` brings to `printed`; `layers` are those that differ, by how much. A counter that
    cannot count the network has a `failure` instead.
    """

    counter: OtherCounter
    terms: dict[What, int]
    printed: int | None = None
    layers: dict[str, int] = field(default_factory=dict)
    failure: str = ""

    @property
    def explained(self) -> int:
        """What it should print."""
        return self.counter.unit * sum(self.terms.values())

    @property
    def remaining(self) -> int | None:
        """What the terms leave unexplained: 0 where the account is exact."""
        return None if self.printed is None else self.printed - self.explained


def installed(
    counters: Sequence[OtherCounter] = COUNTERS,
) -> tuple[list[OtherCounter], list[str]]:
    """Counters that can be asked here, and the names of those that would have to be installed."""
    there = {one.name: importlib.util.find_spec(one.module or one.name) for one in counters}
    return (
        [counter for counter in counters if there[counter.name]],
        [name for name, found in there.items() if not found],
    )


def prepare(model: Model, given: Inputs | None, batch: int) -> Pass:
    """Build the network for real, and count an evaluation pass on real inputs."""
    with surroundings():
        network = load(model, given, own=False)
        trace = count_network(network, batch)
        return Pass(network.net, network.arguments(batch, torch.device("cpu")), trace)


def judge(counter: OtherCounter, done: Pass) -> Account:
    """Hold a counter's own number to its convention on our trace."""
    ours = {What.MACS: done.trace.total.macs}
    try:
        expected = list(counter.terms(done))
        given = positional(done.net, done.arguments)
        with quiet():  # several leave attributes, hooks or another mode behind
            printed, layers = counter.ask(deepcopy(done.net).eval(), given)
    except InputError:
        raise
    except Exception as error:  # whatever somebody else's counter may raise
        return Account(counter, ours, failure=f"{type(error).__name__}: {reason_of(error)}")
    return account(counter, done.trace, expected, printed, layers, home(done.net))


def account(
    counter: OtherCounter,
    trace: Trace,
    expected: list[Term],
    printed: int,
    layers: Mapping[str, int],
    first: Callable[[str], str] = str,
) -> Account:
    """What a counter prints, in all and by layer, beside what it is expected to.

    `first` says where a layer stands first that stands at several places. A counter without
    `layers` has one number for all.
    """
    by_layer = Tally[str]()
    for path, number in layers.items():
        by_layer[first(path)] += number
    for term in expected if layers else ():
        by_layer[first(term.op.path)] -= counter.unit * term.amount  # type: ignore[assignment]
    differing = {path: round(n) for path, n in by_layer.items() if round(n)}
    terms = {What.MACS: trace.total.macs, **_differences(trace, expected)}
    return Account(counter, terms, printed, differing)


def _differences(ours: Trace, expected: list[Term]) -> dict[What, int]:
    """Sums of terms beside the MACs; where a counter's MACs are not ours, by why."""
    macs: dict[int, float] = {}
    sums: dict[What, float] = {}
    for term in expected:
        if term.what is What.MACS:
            macs[id(term.op)] = macs.get(id(term.op), 0) + term.amount
        else:
            sums[term.what] = sums.get(term.what, 0) + term.amount
    for op in ours.operators:
        theirs = macs.get(id(op), 0)
        if theirs != op.cost.macs:
            why = _why(op, theirs)
            sums[why] = sums.get(why, 0) + theirs - op.cost.macs
    return {what: round(sums[what]) for what in What if round(sums.get(what, 0))}


def _why(op: OpCost, theirs: float) -> What:
    if not theirs:
        return What.UNSEEN
    return What.TRANSPOSED if "transpose" in op.operator.lower() else What.OTHERWISE


def positional(net: nn.Module, arguments: Arguments) -> tuple[Tensor, ...]:
    """All inputs in the order of the forward's arguments: most counters take no keywords."""
    if not arguments.named:
        return tuple(arguments.positional)
    bound = inspect.signature(net.forward).bind(*arguments.positional, **arguments.named)
    if bound.kwargs:
        keywords = ", ".join(bound.kwargs)
        raise InputError(f"other counters pass arguments by position, which {keywords} cannot be")
    return bound.args
