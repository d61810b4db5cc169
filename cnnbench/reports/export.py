"""How an export reads: the network's cost beside its file's, and what differs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnbench import units
from cnnbench.counting import views
from cnnbench.counting.cost import Trace
from cnnbench.counting.rules import convention
from cnnbench.counting.totals import conditions
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.flops import SUMMARY
from cnnbench.reports.report import Report, Table


@dataclass(frozen=True)
class Pair:
    """A network and the file that it was written to, both counted at one batch."""

    model: str
    network: Trace
    file: Path
    written: Trace
    batch: int
    is_open: bool


def report_of(pair: Pair) -> Report:
    """Two rows, and a line for what the file has more or less of."""
    named = ((pair.model, pair.network), (str(pair.file), pair.written))
    rows = [{"model": name, **views.summary(trace)} for name, trace in named]
    return Report(
        command="export",
        results=rows,
        tables=[Table(SUMMARY, rows)],
        findings=[*_findings(pair), *(one.text for one in conditions(pair.written))],
        notes=[convention.FOOTER],
        environment=software([pair.written]) | {"open_batch": pair.is_open},
    )


def _findings(pair: Pair) -> list[str]:
    before, after = pair.network.total, pair.written.total
    size = units.size(pair.file.stat().st_size)
    batch = "any batch" if pair.is_open else f"a batch of {pair.batch} alone"
    told = [f"{pair.file}: {size}, for {batch}; its weights are random"]
    if before.macs != after.macs:
        more = units.count(abs(after.macs - before.macs))
        how = "more" if after.macs > before.macs else "fewer: constants are computed beforehand"
        told.append(f"the file has {more} MACs {how}")
    if before.params != after.params:
        told.append(_of_params(before.params - after.params, pair))
    if pair.written.uncounted:
        told.append(col.uncounted(str(pair.file), pair.written.uncounted))
    return told


def _of_params(fewer: int, pair: Pair) -> str:
    """Why there are fewer or more."""
    number = units.count(abs(fewer))
    norms = any(op.operator == "batch_norm" for op in pair.network.operators)
    if fewer < 0:
        return f"the file has {number} params more: its constants of real numbers are all params"
    equal = "equal tensors are stored once"
    why = f"batch norm is folded into convolutions, and {equal}" if norms else equal
    return f"the file has {number} params fewer: {why}"
