"""`cnnbench show`: the architecture as one reads a paper's figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli.startup import heavy_imports
from cnnbench.files import check_writable
from cnnbench.models.spec import parse
from cnnbench.reports import columns as col
from cnnbench.reports.formats.emit import emit
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
    inputs: opt.InputOption = None,
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = None,
    form: opt.FormatOption = None,
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Show stages, blocks and layers as a tree: kernels, filters, dimensions, params, MACs.

    cnnbench show resnet50

    cnnbench show mobilenet_v2 --full

    cnnbench show package.module:build_net --input 3x96x96
    """
    spec = parse(model)
    given = opt.read_inputs(inputs, batch, [spec])
    check_writable(output)

    with heavy_imports():
        from cnnbench.counting import views
        from cnnbench.counting.count import count
        from cnnbench.counting.rules import convention
        from cnnbench.counting.tree import tree
        from cnnbench.reports.environment import software
    with opt.their_code():
        trace = count(spec, given, batch=batch, dtype=dtype)
    summary = {"model": str(spec), **views.summary(trace)}
    layers = [_record(node) for node in tree(trace, fold=not full)]
    root = {
        "name": str(spec),
        "description": f"input {col.shapes(summary['input'])}",
        "output": list(trace.operators[-1].output if trace.operators else trace.input_shapes[0]),
        "repeats": 1,
        "params": trace.total.params,
        "macs": trace.total.macs,
    }
    lines = [{"depth": 0, "branch": str(spec), **root}, *_lines(layers, "", 1)]
    notes = [convention.FOOTER]
    if any(line["repeats"] > 1 for line in lines):
        notes.insert(0, "A line that stands for n equal ones (x n) has one's params and MACs.")
    report = Report(
        command="show",
        results=[{**summary, "layers": layers}],
        tables=[Table(COLUMNS, lines)],
        notes=notes,
        environment=software(),
        records=[{k: v for k, v in line.items() if k != "branch"} for line in lines],
    )
    emit(report, form, output)


def _record(node: Node) -> dict[str, Any]:
    from cnnbench.reports.architecture import describe

    return {
        "name": node.name,
        "description": describe(node),
        "output": list(node.output),
        "repeats": node.repeats,
        "params": node.cost.params,
        "macs": node.cost.macs,
        "layers": [_record(child) for child in node.children],
    }


def _lines(layers: list[dict[str, Any]], indent: str, depth: int) -> Iterator[dict[str, Any]]:
    """Draw the tree's guides in front of the names."""
    for index, layer in enumerate(layers):
        last = index == len(layers) - 1
        times = f" x {layer['repeats']}" if layer["repeats"] > 1 else ""
        branch = f"{indent}{'└─' if last else '├─'} {layer['name']}{times}"
        own = {key: value for key, value in layer.items() if key != "layers"}
        yield {"depth": depth, "branch": branch, **own}
        yield from _lines(layer["layers"], indent + ("   " if last else "│  "), depth + 1)
