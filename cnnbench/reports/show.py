"""How an architecture reads: a tree of stages, blocks and layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from cnnbench.counting import views
from cnnbench.counting.cost import Trace
from cnnbench.counting.rules import convention
from cnnbench.counting.totals import conditions
from cnnbench.counting.tree import Node, tree
from cnnbench.reports import columns as col
from cnnbench.reports.architecture import describe
from cnnbench.reports.charts import sparks
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table

COLUMNS = (
    Column("branch", "layer", left=True),
    Column("description", "", left=True),
    Column("outputs", "output", left=True),
    col.PARAMS,
    col.MACS,
    Column("bar", "", left=True),
)


def report_of(model: str, trace: Trace, *, full: bool = False, depth: int | None = None) -> Report:
    """A line a stage, block and layer; with `full` every block, also where neighbours are equal.

    With `depth` no line lies deeper, and each has its share of the MACs.
    """
    summary = {"model": model, **views.summary(trace)}
    whole = trace.total.macs
    layers = [_record(node, whole, depth) for node in tree(trace, fold=not full)]
    output = list(trace.operators[-1].output if trace.operators else trace.input_shapes[0])
    root = {
        "name": model,
        "description": f"input {col.shapes(summary['input'])}",
        "output": output,
        "outputs": [output],
        "repeats": 1,
        "params": trace.total.params,
        "macs": whole,
        "macs_share": 1.0 if whole else 0.0,
    }
    lines = [{"depth": 0, "branch": model, **root}, *_lines(layers, "", 1)]
    most = max((line["macs_share"] for line in lines if "bar" in line), default=0.0) or 1.0
    for line in lines:
        line["bar"] = sparks.bar(line["macs_share"] / most, 3) if "bar" in line else ""
    notes = [convention.FOOTER]
    if any(line["repeats"] > 1 for line in lines):
        notes.insert(0, "x n: a line for n equal blocks, with the params and MACs of one")
    return Report(
        command="show",
        results=[{**summary, "layers": layers}],
        tables=[Table(_columns(trace, depth), lines)],
        findings=[
            *(f"{model}: {one.text}" for one in conditions(trace)),
            *([col.uncounted(model, trace.uncounted)] if trace.uncounted else []),
        ],
        notes=notes,
        environment=software([trace]),
        records=[{k: v for k, v in line.items() if k not in ("branch", "bar")} for line in lines],
    )


def _columns(trace: Trace, depth: int | None) -> tuple[Column, ...]:
    def maps(value: Any) -> str:
        return ", ".join(col.feature_map(one, trace.channels_last) for one in value)

    columns = (*COLUMNS, *((col.MACS_SHARE,) if depth else ()))
    return tuple(replace(one, show=maps) if one.key == "outputs" else one for one in columns)


def _record(node: Node, whole: int, depth: int | None) -> dict[str, Any]:
    left = None if depth is None else depth - 1
    below = () if left == 0 else node.children
    return {
        "name": node.name,
        "description": describe(node),
        "output": list(node.output),
        "outputs": [list(output) for output in node.outputs],
        "repeats": node.repeats,
        "params": node.cost.params,
        "macs": node.cost.macs,
        "macs_share": node.repeats * node.cost.macs / whole if whole else 0.0,
        "layers": [_record(child, whole, left) for child in below],
    }


def _lines(layers: list[dict[str, Any]], indent: str, depth: int) -> Iterator[dict[str, Any]]:
    """Draw the tree's guides in front of the names."""
    for index, layer in enumerate(layers):
        last = index == len(layers) - 1
        times = f" x {layer['repeats']}" if layer["repeats"] > 1 else ""
        branch = f"{indent}{'└─' if last else '├─'} {layer['name']}{times}"
        own = {key: value for key, value in layer.items() if key != "layers"}
        own |= {} if layer["layers"] else {"bar": ""}  # its length follows from all of them
        yield {"depth": depth, "branch": branch, **own}
        yield from _lines(layer["layers"], indent + ("   " if last else "│  "), depth + 1)
