"""`cnnbench compare`: cost ratios, the speed-up predicted, the speed-up measured, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench.cli import INTERRUPTED
from cnnbench.cli import options as opt
from cnnbench.cli.completion import complete_spec
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.files import check_writable
from cnnbench.models.spec import parse_together
from cnnbench.reports.charts import style as drawing
from cnnbench.reports.formats.emit import emit
from cnnbench.studies.comparison.division import By

OutChannels = Annotated[
    int | None,
    typer.Option("--out-channels", min=1, help="That come out of the blocks.", show_default=False),
]
Kernel = Annotated[
    int | None,
    typer.Option("--kernel", min=1, help="Side of the blocks' window.", show_default=False),
]
Stride = Annotated[
    int | None, typer.Option("--stride", min=1, help="Of the blocks.", show_default=False)
]
MidChannels = Annotated[
    int | None,
    typer.Option(
        "--mid-channels", min=1, help="After a bottleneck's reduction.", show_default=False
    ),
]


def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="A B…",
            help="Blocks, or models from any source; the first is the reference.",
            autocompletion=complete_spec,
        ),
    ],
    shape: Annotated[
        str | None,
        typer.Option(
            "--shape",
            metavar="HxWxC",
            help="The map that comes into the blocks: 28x28x192. Default: the papers' own stages.",
            show_default=False,
        ),
    ] = None,
    out_channels: OutChannels = None,
    kernel: Kernel = None,
    stride: Stride = None,
    mid_channels: MidChannels = None,
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            help="How to divide the difference of networks; default: by stage where they share "
            "their stages.",
            show_default=False,
        ),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Count alone: no times, the same everywhere.")
    ] = False,
    on: opt.On = None,
    inputs: opt.InputOption = None,
    batch: opt.Batch = 1,
    device: opt.DeviceOption = None,
    dtype: opt.DtypeOption = None,
    channels_last: opt.ChannelsLast = False,
    compiled: opt.Compile = False,
    threads: opt.Threads = None,
    precision: opt.Precision = "2%",
    max_time: opt.MaxTime = 10.0,
    seed: opt.Seed = 0,
    form: opt.FormatOption = None,
    output: opt.OutputOrPicture = None,
    debug: opt.Debug = False,
) -> None:
    """Compare costs and times: what is saved, how much faster it is, and why not as much.

    Blocks: conv, separable (depthwise), plain, bottleneck, residual, residual_bottleneck,
    inverted_residual, inception_naive, inception. They differ only in what they are named after.

    Times are taken in interleaved pairs; the ratio's interval says what can be told.

    cnnbench compare conv depthwise

    cnnbench compare plain bottleneck --shape 28x28x192 --out-channels 32 --kernel 5

    cnnbench compare vgg16 resnet50 mobilenet_v2 --batch 8 --output compare.svg

    cnnbench compare plain34 resnet34 --static
    """
    specs = parse_together(models)
    plan_of = opt.read_plan(precision, max_time, seed)
    opt.read_threads(threads)
    opt.nothing_measured(static, on, device, threads)
    given = opt.read_inputs(inputs, batch, specs)
    check_writable(output)
    picture = opt.is_picture(output, form)
    block = {
        key: value
        for key, value in {
            "shape": shape,
            "out_channels": out_channels,
            "kernel": kernel,
            "stride": stride,
            "mid_channels": mid_channels,
        }.items()
        if value is not None
    }
    with heavy_imports():
        from cnnbench.devices import cores
        from cnnbench.devices.device import find_device
        from cnnbench.reports.compare import report_of
        from cnnbench.roofline.profile_file import read
        from cnnbench.studies.comparison import compare as study
        from cnnbench.studies.comparison.cases import cases
        from cnnbench.studies.comparison.comparison import Comparing
        from cnnbench.timing.sampling import StopRule
        from cnnbench.timing.setting import Setting, check

        if picture:
            drawing.require_altair()
            from cnnbench.reports.charts.comparison import comparison
    asked = cases(specs, block)
    if by is not None and asked[0].label:
        raise CnnbenchError("--by divides networks, which blocks are not; leave it out")
    setting = Setting(batch, dtype, channels_last, "compile" if compiled else "eager")
    profile = read(on) if on else None
    with opt.their_code():
        rows = study.count_rows(asked, given, setting, values=not static and on is None)
        if profile is not None:
            done = Comparing(study.predict_rows(rows, profile), profile)
        elif static:
            done = Comparing(rows)
        else:
            found, used, plan = find_device(device), cores.threads(threads), StopRule(*plan_of)
            check(setting, found, used)
            with bar(plan.max_time * (len(specs) - 1), plan.precision) as shown:
                done = study.time_rows(
                    rows,
                    setting,
                    found,
                    used,
                    plan,
                    layers=picture and not compiled,
                    say=shown.say,
                    progress=shown.rounds,
                )
    report = report_of(done, by, setting)
    if picture and output is not None:
        drawing.save(comparison(done), output)
    emit(report, form, None if picture else output)
    if done.interrupted:
        raise typer.Exit(INTERRUPTED)
