"""`cnnbench compare`: cost ratios, the speed-up predicted, the speed-up measured, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.blocks import Block
from cnnbench.cli.completion import complete_spec
from cnnbench.cli.frame import Drawn, Measuring, command, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.startup import heavy_imports
from cnnbench.counting.division import By
from cnnbench.errors import CnnbenchError, SomeFailed
from cnnbench.models.spec import parse_together
from cnnbench.studies.comparison.stages import CHAIN
from cnnbench.studies.papers.given import take
from cnnbench.timing.backends import EAGER


@command
def compare(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="A B…",
            help="Blocks, or models from any source; the first is the reference.",
            autocompletion=complete_spec,
        ),
    ],
    block: Block = Block(),
    by: Annotated[
        By | None,
        typer.Option(
            "--by",
            help="Divide the difference of networks by this. Default: by stage where they share "
            "their stages, else by kind of operator.",
        ),
    ] = None,
    static: Annotated[
        bool,
        typer.Option("--static", help="Only count: the same numbers on every machine, no times."),
    ] = False,
    on: opt.On = None,
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    dtype: opt.RunDtypes = None,
    calibrate: opt.Calibrate = None,
    channels_last: opt.ChannelsLast = False,
    backend: opt.Backends = None,
    compiled: opt.Compile = False,
    accuracy: opt.AccuracyTable = None,
    measuring: Measuring = Measuring(),
    written: Drawn = Drawn(),
) -> None:
    """Compare costs and times: what is saved, how much faster it is, and why not as much.

    Blocks: conv, separable (depthwise), plain, bottleneck, residual, residual_bottleneck,
    inverted_residual, inception_naive, inception. Compared blocks differ only in the
    feature that names them.

    Times are taken in interleaved pairs; the ratio's interval says what can be told. One model in
    several back ends or dtypes is compared with itself in the first of them.

    cnnbench compare conv depthwise

    cnnbench compare plain bottleneck --shape 28x28x192 --out-channels 32 --kernel 5

    cnnbench compare vgg16 resnet50 mobilenet_v2 --batch 8 --output compare.svg

    cnnbench compare plain34 resnet34 --static

    cnnbench compare conv depthwise --backend eager,onnxruntime

    cnnbench compare mobilenet_v2 --backend onnxruntime --dtype float32,int8
    """
    specs = parse_together(models)
    if accuracy is not None:
        take(accuracy, specs)
    formats = reading.read_dtypes(dtype)
    timed = measuring.unless(static, on)
    if not timed and len(formats) > 1:
        raise CnnbenchError("--static and --on run nothing; leave all but one dtype out")
    if static and backend is not None:
        raise CnnbenchError("--static runs nothing; leave --backend out")
    if on and backend is not None:
        backend, *more = reading.read_predicted(backend)
        if more:
            raise CnnbenchError(f"--on predicts in one back end at a time: --backend {backend}")
        reading.check_runs_files(specs, [backend])
    given = passed.given(batch, specs)
    if timed:
        measuring.begin()
    with heavy_imports():
        from cnnbench.reports.compare import report_of
        from cnnbench.roofline.profile_file import read
        from cnnbench.studies.comparison import compare as study
        from cnnbench.studies.comparison.cases import cases
        from cnnbench.studies.comparison.comparison import Comparing
        from cnnbench.studies.comparison.rows import count_rows, elsewhere
        from cnnbench.timing import backends
        from cnnbench.timing.setting import Setting, calibrated, check_some

        written.require()
    names = [EAGER]  # of which a file's costs are predicted that names no runtime
    if not on or backend is not None or compiled:
        names = reading.backends_of_all(specs, backend, compiled=compiled)
    settings = [
        Setting(batch, number_format, channels_last, name, calibrate=folder)
        for name in names
        for number_format, folder in calibrated(formats, calibrate)
    ]
    if reading.are_all(backend):
        device = measuring.machine().device
        files = all(map(backends.is_run_as_it_stands, specs))
        able = [one for one in settings if backends.can_run(one, device, files=files)]
        settings = able or settings
    asked = cases(
        specs,
        block.given(),
        chain=CHAIN if timed and elsewhere(settings) else 1,
        alone=timed and len(settings) > 1,
    )
    if by is not None and asked[0].label:
        raise CnnbenchError("--by divides networks, which blocks are not; leave it out")
    if not timed:
        profile = read(on) if on else None
        with their_code():
            rows = count_rows(asked, given, settings, values=False)
        done = Comparing(study.predict_rows(rows, profile) if profile else rows, profile)
    else:
        with measuring.session(max(1, len(specs) - 1) * len(settings)) as session:
            check_some(settings, session.machine.device)
            values = not session.rule.processes  # it is timed in this process
            rows = count_rows(asked, given, settings, values=values, seed=measuring.seed)
            done = study.time_rows(rows, session)

    def draw() -> Any:
        from cnnbench.reports.charts.comparison import comparison

        return comparison(done)

    report = measuring.told(report_of(done, by, settings[0]))
    strict = measuring.strict and not done.failures
    written.hand_over(report, interrupted=done.interrupted, strict=strict, draw=draw)
    if done.failures:
        raise SomeFailed(done.failures)
