"""`cnnbench show`: the architecture as one reads a paper's figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Drawn, command, require_pictures, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.startup import heavy_imports
from cnnbench.cli.times import Counted, TimesOfOne
from cnnbench.counting.division import Level
from cnnbench.errors import CnnbenchError, InputError
from cnnbench.models.spec import Spec, parse
from cnnbench.reports.pictures.shades import Shade

if TYPE_CHECKING:
    pass


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
    times: TimesOfOne = TimesOfOne(),
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
    if not written.is_apart:
        asked = {"--level": level, "--color": shade, "--on": times.on, "--backend": times.backend}
        if option := next((name for name, value in asked.items() if value), None):
            raise CnnbenchError(f"{option} is of a picture; give --output net.svg with it")
    if diff is not None and (full or depth):
        raise InputError("--diff lists the layers that differ; leave --full and --depth out")
    of_time = times.on is not None or times.backend is not None
    shade = shade or (Shade.TIME if of_time else Shade.MACS)
    if of_time and not shade.is_of_time:
        raise CnnbenchError(f"--color {shade} is of no time; leave --on and --backend out")
    specs = [spec] if diff is None else [parse(diff), spec]
    given = passed.given(batch, specs)
    measure = shade.is_of_time and times.on is None
    profile = times.begin_with(specs, "--color time", measure=measure)
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
    if shade.is_of_time:
        known = times.known(Counted(specs, traces, given, batch, dtype), profile)

    def draw() -> Any:
        from cnnbench.reports.pictures.labels import Sketch
        from cnnbench.reports.pictures.network import draw, draw_both, usual_level

        sketches = []
        for place, (one, trace) in enumerate(zip(specs, traces, strict=True)):
            block = isinstance(one, Spec) and one.model.is_block
            fine = level or (Level.LAYERS if block else usual_level(trace))
            shown = known.passes[place][0] if known else None
            sketches.append(Sketch(str(one), trace, fine, shade, full, block, shown))
        return draw(*sketches) if diff is None else draw_both(*sketches)

    if diff is None:
        report = report_of(str(spec), traces[0], full=full, depth=depth)
    else:
        other, own = map(str, specs)
        report = difference.report_of(other, own, (traces[0], traces[1]))
    if known is not None and known.timing is not None:
        report = times.told(time_notes.beside(report, known.timing))
    written.hand_over(report, draw=draw, strict=times.strict)
