"""`cnnbench show`: the architecture as one reads a paper's figure."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Written, command, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import InputError
from cnnbench.models.spec import parse


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
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = None,
    written: Written = Written(),
) -> None:
    """Show stages, blocks and layers as a tree: kernels, filters, dimensions, params, MACs.

    cnnbench show resnet50

    cnnbench show mobilenet_v2 --full

    cnnbench show resnet50 --depth 1

    cnnbench show package.module:build_net --input 3x96x96

    cnnbench show --diff released.onnx new.onnx
    """
    spec = parse(model)
    if diff is None:
        given = passed.given(batch, [spec])
        with heavy_imports():
            from cnnbench.counting.count import count, import_for
            from cnnbench.reports.show import report_of

            import_for([spec])
        with their_code():
            trace = count(spec, given, batch=batch, dtype=dtype)
        written.hand_over(report_of(str(spec), trace, full=full, depth=depth))
        return
    if full or depth:
        raise InputError("--diff lists the layers that differ; leave --full and --depth out")
    other = parse(diff)
    given = passed.given(batch, [other, spec])
    with heavy_imports():
        from cnnbench.counting.count import count, import_for
        from cnnbench.reports import difference

        import_for([other, spec])
    with their_code():
        before, after = (count(one, given, batch=batch, dtype=dtype) for one in (other, spec))
    written.hand_over(difference.report_of(str(other), str(spec), (before, after)))
