"""`cnnbench show`: the architecture as one reads a paper's figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Drawn, command, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.startup import heavy_imports
from cnnbench.counting.division import Level
from cnnbench.errors import CnnbenchError, InputError
from cnnbench.models.spec import AnySpec, Spec, parse
from cnnbench.reports.pictures.shades import Shade

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace


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
            help="The cost by which a picture is shaded. Default: macs; with --on time.",
            show_default=False,
        ),
    ] = None,
    on: opt.On = None,
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
    """
    spec = parse(model)
    if (level or shade or on) and not written.is_apart:
        option = "--level" if level else "--color" if shade else "--on"
        raise CnnbenchError(f"{option} is of a picture; give --output net.svg with it")
    shade = shade or (Shade.TIME if on else Shade.MACS)
    if shade.is_predicted is not (on is not None):
        instead = "leave --on out" if on else "give --on device.toml"
        raise CnnbenchError(
            f"--color {shade} is {'not ' if on else ''}predicted of a device; {instead}"
        )
    profile = None
    if on is not None:
        from cnnbench.roofline.profile_file import read

        profile = read(on)

    def sketch(of: AnySpec, trace: Trace) -> Any:
        from cnnbench.reports.pictures.labels import Sketch
        from cnnbench.reports.pictures.network import usual_level
        from cnnbench.roofline.predict import Predictor, dtype_of

        foretold = Predictor(profile, dtype_of(trace))(trace) if profile else None
        block = isinstance(of, Spec) and of.model.is_block
        fine = level or (Level.LAYERS if block else usual_level(trace))
        return Sketch(str(of), trace, fine, shade, full, formulas=block, predicted=foretold)

    if diff is not None and (full or depth):
        raise InputError("--diff lists the layers that differ; leave --full and --depth out")
    specs = [spec] if diff is None else [parse(diff), spec]
    given = passed.given(batch, specs)
    with heavy_imports():
        from cnnbench.counting.count import count, import_for
        from cnnbench.reports import difference
        from cnnbench.reports.pictures import layout
        from cnnbench.reports.show import report_of

        import_for(specs)
        if written.is_apart:
            written.require()
            layout.require()
    with their_code():
        traces = [count(one, given, batch=batch, dtype=dtype) for one in specs]

    def draw() -> Any:
        from cnnbench.reports.pictures import network

        sketches = map(sketch, specs, traces)
        return network.draw(*sketches) if diff is None else network.draw_both(*sketches)

    if diff is None:
        report = report_of(str(spec), traces[0], full=full, depth=depth)
    else:
        other, own = map(str, specs)
        report = difference.report_of(other, own, (traces[0], traces[1]))
    written.hand_over(report, draw=draw)
