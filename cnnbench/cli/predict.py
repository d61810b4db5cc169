"""`cnnbench predict`: latency from a device's ceilings, without the device."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.completion import complete_backend
from cnnbench.cli.frame import Here, Written, command, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.models.spec import parse
from cnnbench.timing.backends import EAGER, PREDICTED


@command
def predict(
    models: opt.SomeSpecs,
    on: opt.On = None,
    passed: Passed = Passed(),
    batches: opt.Batches = "1",
    dtype: opt.DtypeOption = None,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="NAME[,NAME…]",
            help=f"What runs the networks: {', '.join(PREDICTED)}, a row each. What the file or "
            f"this machine's profile does not know is measured first. Default: {EAGER}.",
            autocompletion=complete_backend,
        ),
    ] = None,
    here: Here = Here(),
    written: Written = Written(),
) -> None:
    """Predict latency from a device's ceilings, which a file or this machine's own device gives.

    Each operator takes max(FLOPs / peak, bytes / bandwidth) and the cost of a call; where the file
    has the speeds of kinds of operators, those like it say how far from that roof it is. A runtime
    has speeds of its own, and runs what it fuses in one.

    Networks that were measured there stand beside their predictions, and say how wrong they are.

    cnnbench predict mobilenet_v2 resnet50 --on device.toml

    cnnbench predict efficientnet_b0 --batch 1,8

    cnnbench predict mobilenet_v2 --backend eager,onnxruntime
    """
    names = [EAGER] if backend is None else reading.read_predicted(backend)
    specs = [parse(text) for text in models]
    reading.check_runs_files(specs, names)
    sizes = reading.read_batches(batches)
    given = passed.given(max(sizes), specs)
    if on and here.named:
        raise CnnbenchError("--on is another device; leave --device and --threads out")
    with heavy_imports():
        from cnnbench.reports.predict import report_of
        from cnnbench.roofline.predict import dtype_of
        from cnnbench.roofline.profile_file import read
        from cnnbench.studies import predict as study
        from cnnbench.timing.profiling import complete
    with their_code():
        passes = study.count_models(specs, given, sizes, dtype)
        dtypes = list(dict.fromkeys(dtype_of(one.trace) for one in passes))
        if on:
            known = read(on)
        else:
            with bar() as shown:
                known = complete(here.machine(), dtypes, shown.say, names=names)
        rows = study.forecasts(passes, known, names)
        checks = study.checks(known, dtypes, names)
    written.hand_over(report_of(rows, known, dtypes, names, checks))
