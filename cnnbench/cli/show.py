"""`cnnbench show`: the architecture as one reads a paper's figure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.frame import Drawn, command, require_pictures, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.startup import heavy_imports
from cnnbench.cli.times import Times
from cnnbench.counting.division import Level
from cnnbench.errors import CnnbenchError, InputError
from cnnbench.models.spec import AnySpec, Spec, parse
from cnnbench.reports.pictures.shades import Shade

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace
    from cnnbench.timing.pass_times import PassTimes


@command
def show(
    model: opt.OneSpec,
    full: Annotated[
        bool, typer.Option("--full", help="Show every block, also where neighbours are equal.")
    ] = False,
    depth: Annotated[
        int | None,
        typer.Option(
            "--depth",
            min=1,
            metavar="N",
            help="Show no more than N levels, with shares of the MACs.",
            show_default=False,
        ),
    ] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            "--diff",
            metavar="MODEL",
            help="Show what differs from this one: costs, and the layers that do.",
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option(
            "--level",
            help="How fine a picture is. Default: blocks; stages where those are very many.",
            show_default=False,
        ),
    ] = None,
    shade: Annotated[
        Shade | None,
        typer.Option(
            "--color",
            help="The cost by which a picture is shaded. Time and bound are measured here, or "
            "with --on predicted. Default: macs; time with --on or --backend.",
            show_default=False,
        ),
    ] = None,
    times: Times = Times(),
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = None,
    written: Drawn = Drawn(),
) -> None:
    """Show stages, blocks and layers as a tree: kernels, filters, dimensions, params, MACs.

    With --output net.svg it draws the network: maps as boxes, and where data really goes, branches
    and shortcuts too; net.html is a page to look closer.

    cnnbench show resnet50

    cnnbench show mobilenet_v2 --full

    cnnbench show resnet50 --depth 1

    cnnbench show package.module:build_net --input 3x96x96

    cnnbench show --diff released.onnx new.onnx

    cnnbench show googlenet --output net.svg

    cnnbench show resnet18 --level layers --color params --output net.html

    cnnbench show mobilenet_v2 --backend onnxruntime --output net.svg
    """
    spec = parse(model)
    asked = {"--level": level, "--color": shade, "--on": times.on, "--backend": times.backend}
    if not written.is_apart and (option := next((o for o, v in asked.items() if v), None)):
        raise CnnbenchError(f"{option} is of a picture; give --output net.svg with it")
    of_time = times.on is not None or times.backend is not None
    shade = shade or (Shade.TIME if of_time else Shade.MACS)
    if of_time and not shade.is_of_time:
        raise CnnbenchError(f"--color {shade} is of no time; leave --on and --backend out")
    measure = shade.is_of_time and times.on is None
    times.check(measure, "--color time")
    if times.backend is not None:
        reading.read_backend(times.backend)
    if diff is not None and (full or depth):
        raise InputError("--diff lists the layers that differ; leave --full and --depth out")
    specs = [spec] if diff is None else [parse(diff), spec]
    given = passed.given(batch, specs)
    if measure:
        times.begin()
    with heavy_imports():
        from cnnbench.counting.count import count, import_for
        from cnnbench.reports import difference, time_notes
        from cnnbench.reports.show import report_of

        import_for(specs)
        if written.is_apart:
            require_pictures(written)
    with their_code():
        traces = [count(one, given, batch=batch, dtype=dtype) for one in specs]
    known = None
    if measure:
        known = times.measured(specs, traces, given, batch, dtype)
    elif times.on is not None:
        known = times.predicted(traces)

    def draw() -> Any:
        from cnnbench.reports.pictures import network

        passes = [one[0] for one in known.passes] if known else [None] * len(specs)
        sketches = map(partial(_sketch, level, shade, full), specs, traces, passes)
        return network.draw(*sketches) if diff is None else network.draw_both(*sketches)

    if diff is None:
        report = report_of(str(spec), traces[0], full=full, depth=depth)
    else:
        other, own = map(str, specs)
        report = difference.report_of(other, own, (traces[0], traces[1]))
    if known is not None and known.timing is not None:
        report = times.told(time_notes.beside(report, known.timing))
    written.hand_over(report, draw=draw)


def _sketch(
    level: Level | None,
    shade: Shade,
    full: bool,
    spec: AnySpec,
    trace: Trace,
    passes: PassTimes | None,
) -> Any:
    """A network as it is to be drawn: a block layer by layer, with its formulas."""
    from cnnbench.reports.pictures.labels import Sketch
    from cnnbench.reports.pictures.network import usual_level

    block = isinstance(spec, Spec) and spec.model.is_block
    fine = level or (Level.LAYERS if block else usual_level(trace))
    return Sketch(str(spec), trace, fine, shade, full, formulas=block, times=passes)
