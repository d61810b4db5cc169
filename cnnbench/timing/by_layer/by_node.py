"""A runtime's pass timed node by node, joined with the nodes of its file that were counted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from time import perf_counter

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.files.count import count_file
from cnnbench.counting.files.graph import bytes_of
from cnnbench.models.given import Given
from cnnbench.models.inputs import Input
from cnnbench.models.spec import SourceSpec
from cnnbench.roofline.runtimes.nodes import CHANGED, in_one
from cnnbench.timing.backends.runtime import Pass
from cnnbench.timing.backends.watches.nodes import NodeTime, Watch
from cnnbench.timing.by_layer.by_operator import ByOperator, Medians
from cnnbench.timing.by_layer.threads import Threads
from cnnbench.timing.preparing.prepared import Prepared

_ADDED = "(added)"  # where rows stand of what is not in the file, and changes no layout
LAYOUTS = re.compile("reorder|transpose|permute", re.IGNORECASE)
_USUAL_BYTES = 4


class ByNode:
    """A pass that a runtime watches; an entry of rounds like any other."""

    def __init__(self, prepared: Prepared, watch: Watch) -> None:
        """Nothing is timed yet."""
        self._prepared, self._watch = prepared, watch
        self._begun = False

    def seconds(self, repeats: int = 1, counts: bool = True) -> float:
        """Seconds that so many passes took; what their nodes took is kept where they count."""
        self._begun = self._begun or counts
        with self._prepared.running():
            start = perf_counter()
            for _ in range(repeats):
                self._watch(counts)
            return perf_counter() - start

    def reorders(self) -> None:
        """Nothing: a runtime's layout changes are nodes."""

    def threads(self) -> Threads | None:
        """What the runtime says that its threads waited in each node; None where it does not."""
        nodes = self._watch.nodes()
        if any(node.waited is None for node in nodes):
            return None
        waited = [node.waited or 0.0 for node in nodes]
        return Threads(waited=[*waited, *[0.0] * (len(self.medians()) - len(nodes))])

    def medians(self) -> Medians:
        """What each node took, with the cost of what it holds."""
        if not self._begun:
            return []
        return join(self._trace, self._watch.nodes())

    @cached_property
    def _trace(self) -> Trace:
        """What the file that ran costs: counted before, where it ran as it stands."""
        prepared, file = self._prepared, str(self._watch.file)
        if prepared.trace is not None and file == prepared.model:
            return prepared.trace
        spec, batch = SourceSpec(file, ""), prepared.setting.batch
        if prepared.network is not None:  # an export has its shapes built in
            return count_file(spec, batch=batch)
        sides = tuple(Input(shape[1:]) for shape in prepared.totals.input)
        return count_file(spec, Given(sides), batch=batch)


def join(trace: Trace, nodes: Sequence[NodeTime]) -> Medians:
    """Each node that ran with the costs of those that it holds; without any, none.

    What multiplies and is in none, as what stands in a loop, has a row without a time.
    """
    costs: dict[str, list[OpCost]] = {}
    for op in trace.operators:
        costs.setdefault(op.node, []).append(op)
    found: Medians = []
    for node in nodes:
        held = [op for name in node.holds for op in costs.pop(name, [])]
        kernel = node.kernel if held else ""
        found.append((_fused(held, node, trace.dtype), node.seconds, kernel))
    left = (op for ops in costs.values() for op in ops if op.cost.macs)
    return [*found, *((op, 0.0, "") for op in left)]


def _fused(held: Sequence[OpCost], node: NodeTime, dtype: str) -> OpCost:
    """The cost of one pass through operators whose values between them stay in the processor."""
    if not held:
        where = CHANGED if LAYOUTS.search(node.kernel) else _ADDED
        return OpCost(where, node.kernel, Kind.OTHER, (), (), Cost(), 0)
    return in_one(held, bytes_of(1, dtype) or _USUAL_BYTES)


def watched(prepared: Prepared) -> ByOperator | ByNode:
    """The same pass timed operator by operator, by a runtime's own clock where one runs it."""
    watch = prepared.run.watch() if isinstance(prepared.run, Pass) else None
    return ByOperator(prepared) if watch is None else ByNode(prepared, watch)
