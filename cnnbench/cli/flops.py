"""`cnnbench flops`: params, MACs, FLOPs, activations, memory of models, layers or kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.files import check_writable
from cnnbench.models import registry
from cnnbench.models.spec import AnySpec, parse
from cnnbench.reports import columns as col
from cnnbench.reports.formats.emit import emit
from cnnbench.reports.report import Column, Report, Table

SUMMARY = (
    *(col.MODEL, col.INPUT, col.PARAMS, col.MACS, col.FLOPS, col.ELEMENTWISE),
    *(col.ACTIVATIONS, col.PEAK, col.ARENA, col.BYTES, col.INTENSITY),
)
LAYERS = (
    Column("layer", "layer", left=True),
    Column("operator", "operator", left=True, under=True),
    Column("input", "input", left=True),
    Column("output", "output", col.feature_map, left=True, under=True),
    Column("window", "kernel", left=True),
    col.PARAMS,
    col.MACS,
    Column("macs_share", "share", units.share),
    Column("memory", "memory"),
)
KINDS = (
    Column("kind", "kind", left=True),
    Column("operators", "oper-\nators"),
    col.MACS,
    Column("macs_share", "% MACs", units.share, under=True),
    Column("weights", "weights", units.count),
    Column("weights_share", "% weights", units.share, under=True),
    col.PARAMS,
    Column("params_share", "% params", units.share, under=True),
    col.ELEMENTWISE,
    Column("bytes_share", "% bytes", units.share),
)
_FEW = 2  # models of which each may have a line of its own
_HELD, _PEAK = "● ", "▶ "
_LEGEND = ("memory: activations alive while the operator runs, most at ▶; ● made one of those",)


def flops(
    models: opt.Specs = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every model of the registry.", show_default=False)
    ] = False,
    layers: Annotated[
        bool, typer.Option("--layers", help="One row an operator, in execution order.")
    ] = False,
    operators: Annotated[
        bool, typer.Option("--operators", help="One row a kind of operator, with shares.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 2 where an operator is not in the convention.")
    ] = False,
    train: opt.Train = False,
    inputs: opt.InputOption = None,
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = None,
    form: opt.FormatOption = None,
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Count params, MACs, FLOPs, activations and memory, exactly, without running the network.

    cnnbench flops mobilenet

    cnnbench flops resnet50 vgg16 mobilenet_v2@width_mult=0.5 --batch 8

    cnnbench flops mobilenet --operators --format json

    cnnbench flops package.module:build_net@num_classes=10 --input 3x96x96
    """
    if everything == bool(models):
        raise CnnbenchError(
            "name at least one model, or --all, not both; 'cnnbench list' shows all"
        )
    if layers and operators:
        raise CnnbenchError("give --layers or --operators, not both")
    specs = [parse(text) for text in (models or [m.name for m in registry.MODELS])]
    given = opt.read_inputs(inputs, batch, specs)
    check_writable(output)

    with heavy_imports():
        from cnnbench.counting import views
        from cnnbench.counting.count import count
        from cnnbench.counting.rules import convention
        from cnnbench.reports.environment import software
    with opt.their_code():
        traces = [
            count(spec, given, batch=batch, dtype=dtype, train=train) for spec in _progress(specs)
        ]
    rows = [
        {"model": str(spec), **views.summary(trace)}
        for spec, trace in zip(specs, traces, strict=True)
    ]
    if strict and (unknown := [row for row in rows if row["uncounted"]]):
        raise CnnbenchError("; ".join(map(col.uncounted, unknown)))
    results, records, tables = rows, rows, [Table(SUMMARY, rows)]
    if layers or operators:
        view, columns = (views.layers, LAYERS) if layers else (views.kinds, KINDS)
        parts = [view(trace) for trace in traces]
        key = "layers" if layers else "kinds"
        results = [{**row, key: part} for row, part in zip(rows, parts, strict=True)]
        records = [
            {"model": row["model"], **record}
            for row, part in zip(rows, parts, strict=True)
            for record in part
        ]
        tables = [_table(row, part, columns) for row, part in zip(rows, parts, strict=True)]
    report = Report(
        command="flops",
        results=results,
        tables=tables,
        notes=[*_remarks(rows), *(_LEGEND if layers else ()), convention.FOOTER],
        environment=software(),
        records=records,
    )
    emit(report, form, output)


def _progress(specs: list[AnySpec]) -> Iterable[AnySpec]:
    """Show a bar on a terminal where the work may take over a second."""
    if len(specs) < 8:
        return specs
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(
        specs, "counting", console=console, transient=True, disable=not console.is_terminal
    )


def _table(row: dict[str, Any], parts: list[dict[str, Any]], columns: tuple[Column, ...]) -> Table:
    """One model's layers or kinds, with what they add up to."""
    title = f"{row['model']}  {col.shapes(row['input'])}"
    if not parts:
        return Table(columns, [], f"{title}: no operator runs")
    shown = [_layer(part) if columns is LAYERS else part for part in parts]
    blank = {"operator": "", "input": "", "window": ""}
    blank["memory"] = units.size(row["peak_activation_bytes"])
    sums = {
        column.key: sum(part[column.key] for part in parts)
        for column in columns
        if isinstance(parts[0].get(column.key), (int, float))
    }
    last = {**blank, "output": parts[-1].get("output", []), **sums, columns[0].key: "total"}
    return Table(columns, shown, title, last)


def _layer(part: dict[str, Any]) -> dict[str, Any]:
    """A layer's record with the cells that its table makes of it."""
    window = units.window(tuple(part["kernel"]), tuple(part["stride"]))
    groups = f" g{part['groups']}" if part["groups"] > 1 else ""
    first = part["inputs"][0] if part["inputs"] else []
    mark = _PEAK if part["is_peak"] else _HELD if part["held_at_peak"] else ""
    memory = mark + units.size(part["live_bytes"])
    shown = {"input": col.feature_map(first), "window": window + groups, "memory": memory}
    return {**part, **shown}


def _remarks(rows: list[dict[str, Any]]) -> list[str]:
    """What a reader must know about single rows."""
    remarks = []
    for row in rows:
        if len(rows) <= _FEW and row["peak_operator"]:
            place = row["peak_operator"]
            layer = place["layer"] or "the network"
            remarks.append(f"{row['model']}: peak memory at {layer} ({place['operator']})")
        if row["training"]:
            forward, backward = (units.count(row[key]["macs"]) for key in ("forward", "backward"))
            remarks.append(f"{row['model']}: MACs forward {forward}, backward {backward}")
        if row["unread_params"]:
            names = ", ".join(sorted(row["unread_params"]))
            number = units.count(sum(row["unread_params"].values()))
            remarks.append(f"{row['model']}: {number} more params do not run: {names}")
        if row["uncounted"]:
            remarks.append(col.uncounted(row))
    return remarks
