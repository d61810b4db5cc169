"""`cnnbench fit`: the variant of a network that fits a device and a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.frame import Measuring, Written, command
from cnnbench.cli.passed import read_inputs
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import BudgetError, CnnbenchError
from cnnbench.models.inputs import Dtype, NumberFormat
from cnnbench.models.scale import axes, scalable
from cnnbench.models.spec import parse
from cnnbench.studies.scaling.budget import Goal, Rule, parse_budget
from cnnbench.timing.setting import Setting, calibrated, check

if TYPE_CHECKING:
    from cnnbench.roofline.profile import Profile

_MOST = 100_000  # candidates: more would take many minutes


@command
def fit(
    models: opt.SomeSpecs,
    budget: Annotated[
        list[str],
        typer.Option(
            "--budget",
            metavar="KEY=VALUE,…",
            help="What a pass may cost at most: macs=400M, params=6M, activations=5M, "
            "peak_activation_bytes=8MiB, bytes_moved=100MiB, elementwise_flops=20M, latency=20ms.",
        ),
    ],
    goal: Annotated[Goal, typer.Option("--maximise", help="What to maximise.")] = Goal.MACS,
    number: Annotated[
        int, typer.Option("--candidates", metavar="N", help="Try about this many networks.")
    ] = 1000,
    rule: Annotated[
        Rule,
        typer.Option(
            "--rule",
            help="Try networks near published ones, those of the papers' compound or grid rule, "
            "or any.",
        ),
    ] = Rule.NEAR,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate",
            help="Estimate its accuracy from published variants, with what leaving each out "
            "was off by.",
        ),
    ] = False,
    static: opt.Static = False,
    on: opt.On = None,
    batch: opt.Batch = 1,
    dtype: opt.RunDtypeOption = None,
    calibrate: opt.Calibrate = None,
    backend: opt.Backend = None,
    measuring: Measuring = Measuring(),
    written: Written = Written(),
) -> None:
    """Find the variant with the most capacity that keeps within a budget, on this device.

    It counts about a thousand widths, depths and resolutions exactly and predicts their times. Then
    it times the largest that should fit, and its neighbours. An option that the spec writes down is
    kept: efficientnet@resolution=224.

    It says between which published variants the choice lies. Networks far from all of them are left
    out, as nothing is known of their accuracy; --rule any takes them in.

    cnnbench fit efficientnet --budget macs=400M,params=6M,latency=20ms

    cnnbench fit efficientnet --rule compound --estimate --budget latency=50ms

    cnnbench fit mobilenet_v1 mobilenet_v2 efficientnet --budget latency=10ms

    cnnbench fit resnet50@resolution=224 --budget params=10M --on device.toml
    """
    wanted = parse_budget(",".join(budget))
    named = [scalable(parse(text)) for text in models]
    specs = list({(spec, spec.written): spec for spec in named}.values())
    read_inputs(None, batch, specs)
    if not len(specs) <= number <= _MOST:
        raise CnnbenchError(
            f"--candidates {number} makes no sense; give from {len(specs)} to {_MOST}"
        )
    if static and wanted.latency_s is not None:
        raise CnnbenchError("--static knows no times; leave it or latency out")
    if estimate and dtype == NumberFormat.INT8:
        raise CnnbenchError("accuracies are published of float32; leave --estimate out")
    reading.check_predicts(dtype, on)
    timing = measuring.unless(static, on)
    (_, folder), *_ = calibrated([dtype], calibrate)
    setting = Setting(
        batch, dtype and str(dtype), backend=reading.read_backend(backend), calibrate=folder
    )
    if timing:
        measuring.begin()
    with heavy_imports():
        from cnnbench.models.arguments import read_dtype
        from cnnbench.reports.fit import Asked, report_of
        from cnnbench.roofline.predict import Predictor
        from cnnbench.roofline.profile_file import read
        from cnnbench.studies.choosing.neighbours import Neighbours
        from cnnbench.studies.scaling import fit as study
        from cnnbench.studies.scaling.rules import networks
        from cnnbench.studies.scaling.search import WINDOW, timer
        from cnnbench.studies.scaling.variants import variants
        from cnnbench.timing import backends
        from cnnbench.timing.profiling import complete
    number_format = str(setting.weights or "float32")
    predicted = backends.predicted_as(setting.backend)
    # what int8 takes is not predicted
    guide = setting.dtype if setting.dtype in list(Dtype) else number_format
    profile: Profile | None = read(on) if on else None
    known, each = Neighbours(batch), max(1, number // len(specs))
    tried = [
        network
        for spec in specs
        for network in networks(spec, rule, each, known.specs(spec), known.near(spec))
    ]
    with measuring.session(WINDOW) as session:
        shown, measure = session.progress, None
        if timing:
            check(setting, session.machine.device)
            profile = complete(session.machine, [guide], shown.say, names=[predicted])
            measure = timer(session, lambda _: setting)
        runtime = backends.profiled(predicted)
        predictor = Predictor(profile, guide, runtime) if profile else None
        of = variants(
            tried,
            batch=batch,
            dtype=read_dtype(number_format),
            predictor=predictor,
            progress=shown.counted,
        )
        shown.say("")
        try:
            done = study.fit(of, wanted, goal, measure)
        except BudgetError as error:
            free = [spec for spec in specs if set(axes(spec)) - set(spec.written)]
            if rule is Rule.ANY or not any(map(known.near, free)):
                raise
            raise BudgetError(f"{error}; --rule any tries other networks, too") from error
        if predictor is not None:
            done = study.foretold(done, wanted, predictor, batch, number_format)
    places = [known.place(choice.variant, estimated=estimate) for choice in done.choices]
    quantised = dtype == NumberFormat.INT8
    asked = Asked(wanted, goal, rule, estimated=estimate, quantised=quantised)
    report = measuring.told(report_of(done, places, asked, setting, profile))
    written.hand_over(report, interrupted=done.interrupted, strict=measuring.strict)
