"""`cnnbench time`: forward passes on the chosen device, with what makes them believable."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.frame import Divided, Measuring, Written, command
from cnnbench.cli.passed import Passed
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError, SomeFailed
from cnnbench.models.spec import parse


@command
def time(
    models: opt.SomeSpecs,
    batches: opt.Batches = "1",
    passed: Passed = Passed(),
    dtype: opt.RunDtypes = None,
    calibrate: opt.Calibrate = None,
    channels_last: opt.ChannelsLast = False,
    backend: opt.Backends = None,
    compiled: opt.Compile = False,
    fuse: Annotated[
        bool, typer.Option("--fuse", help="Fold batch norm into the convolution before it.")
    ] = False,
    graph: Annotated[
        bool,
        typer.Option(
            "--graph",
            help="Also time it as a CUDA graph: one launch for all kernels.",
        ),
    ] = False,
    train: opt.Train = False,
    measuring: Measuring = Measuring(),
    layers: Annotated[
        bool, typer.Option("--layers", help="Show each operator's time, and what bounds it.")
    ] = False,
    divided: Divided = Divided(),
    raw: Annotated[bool, typer.Option("--raw", help="Add every sample to the JSON.")] = False,
    sustain: Annotated[
        str | None,
        typer.Option(
            "--sustain",
            metavar="TIME",
            help="Run one row for so long (60s, 5m), and show its throughput over time: whether "
            "the device slows down as it gets hot.",
        ),
    ] = None,
    largest: Annotated[
        bool,
        typer.Option(
            "--largest-batch",
            help="Where a batch does not fit in memory, find the largest that does.",
        ),
    ] = False,
    written: Written = Written(),
) -> None:
    """Time forward passes: median latency and where a rerun's is expected, throughput, of the roof.

    Models and batches are interleaved round by round in random order, so that drift hits all alike.

    It stops when every interval is as narrow as asked, or time is up, which the row then says.

    cnnbench time mobilenet resnet50 --batch 1,8

    cnnbench time mobilenet --channels-last --precision 1%

    cnnbench time mobilenet --layers --sort time --top 10

    cnnbench time mobilenet --layers --by stage

    cnnbench time mobilenet --backend all

    cnnbench time mobilenet --sustain 60s
    """
    specs = [parse(text) for text in models]
    layers = layers or divided.named
    sizes, formats = reading.read_batches(batches), reading.read_dtypes(dtype)
    if layers and (raw or largest):
        raise CnnbenchError("--layers has neither --raw nor --largest-batch; leave them out")
    seconds = None if sustain is None else reading.read_seconds(sustain)
    given = passed.given(max(sizes), specs)
    measuring.begin()
    with heavy_imports():
        from cnnbench.reports.time import report_of
        from cnnbench.timing.measure import timed
        from cnnbench.timing.samples.ranking import ranked
        from cnnbench.timing.setting import Setting, calibrated
        from cnnbench.timing.sustained import sustained, sustaining, without_end
    asked = [
        (spec, Setting(size, number_format, channels_last, name, fuse, train, folder))
        for spec in specs
        for size in sizes
        for number_format, folder in calibrated(formats, calibrate)
        for name in reading.backends_of(spec, backend, compiled=compiled, graph=graph)
    ]
    if reading.are_all(backend):
        asked = reading.able(asked, measuring.machine().device, layers=layers)
    if seconds is not None:
        if measuring.quick:
            raise CnnbenchError("--sustain takes its time, --quick does not; give one of them")
        if len(asked) > 1 or layers:
            raise CnnbenchError(
                f"--sustain runs one row without --layers, not {len(asked)}; give one model, batch "
                "and back end"
            )
        measuring = replace(measuring, max_time=seconds)
    with measuring.session(len(asked) * (2 if layers else 1)) as session:
        if seconds is not None:
            session = replace(session, rule=sustaining(session.rule, seconds))
        timing = timed(asked, given, session, largest=largest, layers=layers, kept=seconds is None)
        timing = timing if seconds is None else without_end(timing)
        if reading.are_all(backend) and not timing.interrupted:
            timing = ranked(timing, session.progress.say)
    failed = [row.error for row in timing.latencies if row.error]
    if len(failed) == len(timing.latencies) and not timing.interrupted:
        raise SomeFailed(list(dict.fromkeys(failed)), exit_code=2)
    whole = sustained(timing.latencies[0]) if seconds is not None else None
    report = measuring.told(report_of(timing, raw=raw, division=divided, over_time=whole))
    strict = measuring.strict and not failed
    written.hand_over(report, interrupted=timing.interrupted, strict=strict)
    if failed:
        raise SomeFailed(list(dict.fromkeys(failed)))
