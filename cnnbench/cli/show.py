"""`cnnbench show`: the architecture as one reads a paper's figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench.cli import columns as col
from cnnbench.cli import options as opt
from cnnbench.cli.startup import heavy_imports
from cnnbench.models.spec import parse
from cnnbench.reports.emit import check_writable, emit
from cnnbench.reports.report import Column, Report, Table

if TYPE_CHECKING:
    from cnnbench.counting.tree import Node

COLUMNS = (
    Column("branch", "layer", left=True),
    Column("description", "", left=True),
    Column("output", "output", col.feature_map, left=True),
    col.PARAMS,
    col.MACS,
)


def show(
    model: opt.OneSpec,
    full: Annotated[
        bool, typer.Option("--full", help="Every block, also where neighbours are equal.")
    ] = False,
    input_shape: opt.Input = None,
    batch: opt.Batch = 1,
    form: opt.FormatOption = None,
    output: opt.Output = None,
) -> None:
    """Show stages, blocks and layers as a tree: kernels, filters, dimensions, params, MACs.

    cnnbench show resnet50

    cnnbench show mobilenet_v2 --full
    """
    spec = parse(model)
    shape = opt.read_input(input_shape, batch, [spec])
    check_writable(output)

    with heavy_imports():
        from cnnbench.cli.environment import environment
        from cnnbench.counting import views
        from cnnbench.counting.count import count
        from cnnbench.counting.tree import tree
    trace = count(spec, shape, batch=batch)
    nodes = tree(trace, fold=not full)
    summary = {"model": str(spec), **views.summary(trace)}
    root = {
        "branch": str(spec),
        "name": str(spec),
        "depth": 0,
        "description": f"input {col.shapes(summary['input'])}",
        "output": list(trace.operators[-1].output),
        "repeats": 1,
        "params": trace.total.params,
        "macs": trace.total.macs,
    }
    rows = [root, *_lines(nodes, "", 1)]
    results = [{**summary, "layers": [_record(node) for node in nodes]}]
    note = "Where a line stands for several equal ones (x n), its params and MACs are one's."
    folded = any(row["repeats"] > 1 for row in rows)
    tables, notes = [Table(COLUMNS, rows)], [note] if folded else []
    emit(Report("show", results, tables, notes, environment()), form, output)


def _record(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "description": node.text,
        "output": list(node.output),
        "repeats": node.repeats,
        "params": node.cost.params,
        "macs": node.cost.macs,
        "layers": [_record(child) for child in node.children],
    }


def _lines(nodes: tuple[Node, ...], indent: str, depth: int) -> list[dict[str, Any]]:
    """Draw the tree's guides in front of the names."""
    rows = []
    for index, node in enumerate(nodes):
        last = index == len(nodes) - 1
        times = f"  x {node.repeats}" if node.repeats > 1 else ""
        record = _record(node)
        del record["layers"]
        rows.append(
            {
                "branch": f"{indent}{'└─' if last else '├─'} {node.name}{times}",
                "depth": depth,
                **record,
            }
        )
        rows.extend(_lines(node.children, indent + ("   " if last else "│  "), depth + 1))
    return rows
