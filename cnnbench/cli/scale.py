"""`cnnbench scale`: a family by the rule that makes it, and what each way of scaling costs."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.frame import Drawn, Measuring, command
from cnnbench.cli.passed import read_inputs
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import SomeFailed
from cnnbench.models.scale import Compound, Way, scalable
from cnnbench.models.spec import parse
from cnnbench.studies.scaling.target import read, without_target

_PAPER = Compound()


@command
def scale(
    model: opt.OneSpec,
    phi: Annotated[
        list[str] | None,
        typer.Option("--phi", metavar="PHI[,PHI…]", help="Scale by these phi. Default: 0 to 7."),
    ] = None,
    alpha: Annotated[
        float, typer.Option("--alpha", help="How much deeper a unit of phi makes it.")
    ] = _PAPER.alpha,
    beta: Annotated[
        float, typer.Option("--beta", help="How much wider a unit of phi makes it.")
    ] = _PAPER.beta,
    gamma: Annotated[
        float, typer.Option("--gamma", help="How much larger a unit of phi makes its input.")
    ] = _PAPER.gamma,
    by: Annotated[
        list[Way] | None,
        typer.Option(
            "--by",
            help="Spend what --to asks for in this way; may be given several times. "
            "Default: all ways that the network has.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="2x|800M",
            help="How many MACs to reach: 2x, 0.5x, 800M. Default with --by: 2x.",
        ),
    ] = None,
    static: opt.Static = False,
    on: opt.On = None,
    batch: opt.Batch = 1,
    dtype: opt.RunDtypeOption = None,
    calibrate: opt.Calibrate = None,
    backend: opt.Backend = None,
    measuring: Measuring = Measuring(),
    written: Drawn = Drawn(),
) -> None:
    """Scale a network: the family that its paper's rule makes, or ways to spend so many MACs.

    Without --to and --by: EfficientNet's released B0 to B7 beside compound scaling's formula, of
    other networks widths by resolutions. Nothing is measured.

    With them: the network scaled by depth, width, resolution, or all three, until it has so many
    MACs; what that does to parameters, memory and activations, and to latency, timed in the same
    rounds. Of the family, published accuracies are shown.

    Options that the spec writes down are where scaling starts; widths by resolutions keep to them.

    cnnbench scale efficientnet

    cnnbench scale efficientnet --phi 0.5,1.5 --alpha 1.3

    cnnbench scale mobilenet_v1

    cnnbench scale efficientnet_b0 --to 2x --output ways.svg

    cnnbench scale resnet50 --by width --to 0.5x --static
    """
    spec = scalable(parse(model))
    asked = read(spec, ",".join(phi) if phi else None, Compound(alpha, beta, gamma), by, to)
    read_inputs(None, batch, [spec])
    reading.check_predicts(dtype, on)
    timed = measuring.unless(static, on)
    without_target(asked, measuring.named or backend is not None, written.is_apart)
    if timed and asked.target is not None:
        measuring.begin()
    with heavy_imports():
        from cnnbench.models.arguments import read_dtype
        from cnnbench.reports.scale import report_of_family, report_of_ways
        from cnnbench.roofline.predict import Predictor
        from cnnbench.roofline.profile_file import read as read_profile
        from cnnbench.studies.comparison import compare
        from cnnbench.studies.comparison.comparison import Comparing
        from cnnbench.studies.scaling.family import Family
        from cnnbench.studies.scaling.spend import rows, spend
        from cnnbench.timing.setting import Setting, calibrated, check

        written.require()
    name = reading.read_backend(backend)
    if on and backend is not None:
        reading.read_predicted(backend)
    (_, folder), *_ = calibrated([dtype], calibrate)
    setting = Setting(batch, dtype, backend=name, calibrate=folder)
    profile = read_profile(on) if on else None
    number_format = str(setting.weights or "float32")
    predictor = Predictor(profile, number_format) if profile and asked.target is None else None
    family = Family(spec, batch, read_dtype(number_format), predictor)
    if asked.target is None:
        written.hand_over(report_of_family(family, asked, setting, profile))
        return
    macs = asked.target.macs(family.macs)
    found = [spend(family, way, macs, asked.compound) for way in asked.ways]
    compared = rows(
        spec, found, setting, values=timed and not measuring.rule().processes, seed=measuring.seed
    )
    compared = compare.in_setting(compared, setting)
    if not timed:
        compared = compare.predict_rows(compared, profile) if profile else compared
        done = Comparing(compared, profile)
    else:
        with measuring.session(len(found)) as session:
            check(setting, session.machine.device)
            done = compare.time_rows(compared, session)
    report = measuring.told(report_of_ways(done, found, asked, setting))

    def draw() -> Any:
        from cnnbench.reports.charts.comparison import ways

        return ways(report.results)

    strict = measuring.strict and not done.failures
    written.hand_over(report, interrupted=done.interrupted, strict=strict, draw=draw)
    if done.failures:
        raise SomeFailed(done.failures)
