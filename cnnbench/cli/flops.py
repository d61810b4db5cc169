"""`cnnbench flops`: params, MACs, FLOPs, activations, memory of models, layers or kinds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench import units
from cnnbench.cli import columns as col
from cnnbench.cli import options as opt
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.models import registry
from cnnbench.models.spec import Dtype, Shape, Spec, parse
from cnnbench.reports.emit import check_writable, emit
from cnnbench.reports.report import Column, Report, Table

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace

SUMMARY = (
    *(col.MODEL, col.INPUT, col.PARAMS, col.MACS, col.FLOPS, col.ELEMENTWISE),
    *(col.ACTIVATIONS, col.PEAK, col.BYTES, col.INTENSITY),
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
    input_shape: opt.Input = None,
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = Dtype.FLOAT32,
    form: opt.FormatOption = None,
    output: opt.Output = None,
) -> None:
    """Count params, MACs, FLOPs, activations and memory, exactly, without running the network.

    cnnbench flops mobilenet

    cnnbench flops resnet50 vgg16 mobilenet_v2@width_mult=0.5 --batch 8

    cnnbench flops mobilenet --operators --format json
    """
    if everything == bool(models):
        raise CnnbenchError(
            "name at least one model, or --all, not both; 'cnnbench list' shows all"
        )
    if layers and operators:
        raise CnnbenchError("give --layers or --operators, not both")
    specs = [parse(text) for text in (models or [m.name for m in registry.MODELS])]
    shape = opt.read_input(input_shape, batch, specs)
    check_writable(output)

    with heavy_imports():
        from cnnbench.cli.environment import environment
        from cnnbench.counting import convention, count, views  # noqa: F401
    traces = list(_counted(specs, shape, batch, dtype))
    results, tables = _results(specs, traces, layers, operators)
    report = Report(
        command="flops",
        results=results,
        tables=tables,
        notes=[convention.FOOTER, *_remarks(specs, traces)],
        environment=environment(),
    )
    emit(report, form, output)


def _counted(specs: list[Spec], shape: Shape | None, batch: int, dtype: Dtype) -> Iterator[Trace]:
    from cnnbench.counting.count import count

    for spec in _progress(specs):
        yield count(spec, shape, batch=batch, dtype=dtype)


def _progress(specs: list[Spec]) -> Iterable[Spec]:
    """Show a bar on a terminal where the work may take over a second."""
    if len(specs) < 8:
        return specs
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(
        specs, "counting", console=console, transient=True, disable=not console.is_terminal
    )


def _results(
    specs: list[Spec], traces: list[Trace], layers: bool, operators: bool
) -> tuple[list[dict[str, Any]], list[Table]]:
    """JSON records and tables: one table of models, or one a model of its layers or kinds."""
    from cnnbench.counting import views

    rows = [
        {"model": str(spec), **views.summary(trace)}
        for spec, trace in zip(specs, traces, strict=True)
    ]
    if not layers and not operators:
        return rows, [Table(SUMMARY, rows)]
    key, view, columns = (
        ("layers", views.layers, LAYERS) if layers else ("kinds", views.kinds, KINDS)
    )
    results, tables = [], []
    for row, trace in zip(rows, traces, strict=True):
        parts = view(trace)
        results.append({**row, key: parts})
        shown = [{"model": row["model"], **(_layer(part) if layers else part)} for part in parts]
        title = f"{row['model']}  {col.shapes(row['input'])}"
        tables.append(Table(columns, shown, title, _total(row, columns, parts)))
    return results, tables


def _layer(part: dict[str, Any]) -> dict[str, Any]:
    """A layer's record with what its table merges into one cell."""
    kernel, stride, groups = part["kernel"], part["stride"], part["groups"]
    window = units.kernel(tuple(kernel)) if kernel else ""
    window += f" /{units.stride(tuple(stride))}" if set(stride) - {1} else ""
    window += f" g{groups}" if groups > 1 else ""
    first = part["inputs"][0] if part["inputs"] else []
    return {**part, "input": col.feature_map(first), "window": window}


def _total(
    row: dict[str, Any], columns: tuple[Column, ...], parts: list[dict[str, Any]]
) -> dict[str, Any]:
    """The last row: sums where they add up, the whole network's input and output."""
    last: dict[str, Any] = {c.key: row.get(c.key, "") for c in columns}
    for column in columns:
        if column.key.endswith("_share"):
            last[column.key] = 1.0
    last["weights"] = sum(part.get("weights", 0) for part in parts)
    last["operators"] = sum(part.get("operators", 0) for part in parts)
    last["input"] = ""
    last["output"] = parts[-1]["output"] if parts and "output" in parts[-1] else []
    last[columns[0].key] = "total"
    return last


def _remarks(specs: list[Spec], traces: list[Trace]) -> list[str]:
    """What a reader must know about single rows."""
    remarks = []
    for spec, trace in zip(specs, traces, strict=True):
        if trace.unread_params:
            names = ", ".join(sorted(trace.unread_params))
            number = units.count(sum(trace.unread_params.values()))
            remarks.append(f"{spec}: {number} more params do not run in evaluation: {names}")
        if trace.uncounted:
            names = ", ".join(f"{name} ({n}x)" for name, n in trace.uncounted.items())
            remarks.append(f"{spec}: not in the convention, counted as no work: {names}")
    return remarks
