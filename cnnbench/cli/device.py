"""`cnnbench device`: the device's measured ceilings and its noise floor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.completion import complete_backend
from cnnbench.cli.frame import Here, Written, command
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.files import write
from cnnbench.timing.backends import EAGER, PREDICTED
from cnnbench.timing.session import Session, StopRule


@dataclass(frozen=True)
class _Profile(Written):
    """How a device's profile is handed out."""

    output: Annotated[Path | None, opt.output("; .toml is for 'cnnbench predict --on'")] = None
    apart: ClassVar[dict[str, str]] = {".toml": "TOML"}


@command
def device(
    here: Here = Here(),
    max_time: Annotated[
        float,
        typer.Option(
            "--max-time",
            metavar="SECONDS",
            help="Measure the noise floor for this long; the ceilings take some seconds more.",
        ),
    ] = 10.0,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Measure again what is known from before.")
    ] = False,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="NAME[,NAME…]",
            help="Measure how fast these run each kind of operator, for predictions of them: "
            f"{', '.join(PREDICTED)}. A minute each.",
            autocompletion=complete_backend,
        ),
    ] = None,
    written: _Profile = _Profile(),
) -> None:
    """Measure what the device can do at most, and the smallest difference that can be told there.

    Ceilings: FLOP/s of matrix products, bandwidth of copies, the cost of one operator call.

    Noise floor: a network timed against itself. Why times differ: from pass to pass, from process
    to process, from run to run. What disturbs the device is looked at each time.

    What was measured is kept, with its date, in the user's cache folder.

    cnnbench device

    cnnbench device --refresh --threads 1

    cnnbench device --output device.toml

    cnnbench device --backend eager,onnxruntime --output device.toml
    """
    names = [] if backend is None else reading.read_predicted(backend)
    if written.is_apart and EAGER not in names:  # the file predicts eager passes by default
        names = [EAGER, *names]
    rule = StopRule(max_time=max_time)
    with heavy_imports():
        from cnnbench.devices.environment import environment
        from cnnbench.reports.device import report_of
        from cnnbench.roofline import profile_file
        from cnnbench.timing.samples import noise
        from cnnbench.timing.samples.history import History
    machine = here.machine()
    with bar(max_time) as shown:
        session = Session(machine, rule, shown)
        seen = noise.portrait(session, predicting=names, refresh=refresh)
    if written.is_apart and written.output is not None:
        write(written.output, profile_file.as_toml(seen.profile))
    report = report_of(seen, environment(machine), History.of(machine))
    written.hand_over(report, interrupted=seen.interrupted)
