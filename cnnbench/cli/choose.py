"""`cnnbench choose`: the most accurate published network that keeps within a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.frame import Drawn, Measuring, command
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.models.inputs import batched
from cnnbench.studies.papers.accuracy import (
    IMAGENET,
    METRICS,
    SINGLE_CROP,
    WORDS,
    datasets,
    figures,
    protocols,
)
from cnnbench.studies.scaling.budget import parse_budget
from cnnbench.timing import backends
from cnnbench.timing.backends import check_predicted, predicted_as, profiled
from cnnbench.timing.setting import Setting, check

if TYPE_CHECKING:
    from cnnbench.roofline.profile import Profile


@command
def choose(
    budget: Annotated[
        list[str],
        typer.Option(
            "--budget",
            metavar="KEY=VALUE,…",
            help="What a pass may cost at most, the most important first: latency=30ms, "
            "params=10M, macs=400M, peak_activation_bytes=8MiB, activations=5M.",
        ),
    ],
    models: opt.Specs = None,
    metric: Annotated[
        str, typer.Option("--metric", metavar="NAME", help=f"{' or '.join(METRICS)} accuracy.")
    ] = METRICS[0],
    dataset: Annotated[
        str, typer.Option("--dataset", metavar="NAME", help="What was classified.")
    ] = IMAGENET,
    protocol: Annotated[
        str,
        typer.Option(
            "--protocol",
            metavar="TEXT",
            help="How test images were cropped. Figures of two ways are never ranked together.",
        ),
    ] = SINGLE_CROP,
    static: opt.Static = False,
    on: opt.On = None,
    batch: opt.Batch = 1,
    backend: opt.Backends = None,
    measuring: Measuring = Measuring(),
    written: Drawn = Drawn(),
) -> None:
    """Choose the most accurate network within a budget, of those whose accuracy is published.

    Every published variant is counted exactly and its time predicted; the most accurate that should
    keep within a latency are timed, in the same rounds. Accuracies are those that papers and
    releases print, tested alike; nothing is trained or estimated.

    The table has the networks that no other beats in both accuracy and the first limit's cost: what
    more of it buys, step by step.

    cnnbench choose --budget latency=30ms,params=10M

    cnnbench choose mobilenet_v1 mobilenet_v2 --budget macs=100M --static

    cnnbench choose --budget latency=10ms --backend onnxruntime

    cnnbench choose --budget macs=300M --static --output front.svg

    cnnbench choose resnet20 --budget params=500k --dataset cifar10 --protocol "test set" --static
    """
    wanted = parse_budget(",".join(budget))
    batched((), batch)
    reading.one_of("--metric", metric, METRICS)
    reading.one_of("--dataset", dataset, datasets())
    if protocol in {one.protocol for one in figures()} - set(protocols()):
        raise CnnbenchError(
            f"an accuracy of {protocol} took more than one pass an image, so its costs are not "
            f"those of one; use {', '.join(protocols())}"
        )
    reading.one_of("--protocol", protocol, protocols())
    if static and wanted.latency_s is not None:
        raise CnnbenchError("--static knows no times; leave it or latency out")
    timing = measuring.unless(static, on) and wanted.latency_s is not None
    if backend is not None and not (timing or on):
        raise CnnbenchError("without a latency in the budget nothing runs; leave --backend out")
    profile = reading.read_profile(on) if on else None
    names = _named(backend, measuring, batch, profile)
    if len(names) > 1:  # whose passes are told apart by what is predicted of them
        names = [check_predicted(name) for name in names]
    settings = {name: Setting(batch, backend=name) for name in names}
    if timing:
        measuring.begin()
    with heavy_imports():
        from cnnbench.reports.choose import page_of, report_of
        from cnnbench.roofline.predict import Predictor
        from cnnbench.studies.choosing.choose import choose as study
        from cnnbench.studies.choosing.published import known, published, run_by
        from cnnbench.studies.scaling.search import WINDOW, timer
        from cnnbench.timing.profiling import complete

        written.require()
    of = known(models or [], dataset, metric, protocol)
    with measuring.session(WINDOW) as session:
        shown, measure = session.progress, None
        standing = {name: predicted_as(name) for name in names}
        if timing:
            for setting in settings.values():
                check(setting, session.machine.device)
            needed = list(dict.fromkeys(standing.values()))
            profile = complete(session.machine, ["float32"], shown.say, names=needed)
            measure = timer(session, lambda one: settings[run_by(one)])
        predictors = {
            name: Predictor(profile, "float32", profiled(stands)) if profile else None
            for name, stands in standing.items()
        }
        counted = published(of, batch=batch, predictors=predictors, progress=shown.counted)
        shown.say("")
        done = study(counted, wanted, measure)
    report = measuring.told(report_of(done, wanted, settings[names[0]], profile, counted))

    def draw() -> Any:
        from cnnbench.reports.charts.choose import picture

        title = f"{WORDS[metric]} on {dataset}, {protocol}, by cost"
        if written.output is not None and written.output.suffix.lower() == ".html":
            return page_of(report, title, done, wanted, counted)
        return picture(report.results, title, wanted.limits)

    interrupted = done.fitting.interrupted
    written.hand_over(report, interrupted=interrupted, strict=measuring.strict, draw=draw)


def _named(
    text: str | None, measuring: Measuring, batch: int, profile: Profile | None
) -> list[str]:
    """The back ends that are asked for; of all those that run here, or that a device's file has."""
    if profile is not None:
        return reading.foretold(text, profile)
    if not reading.are_all(text):
        return reading.read_backends(text)
    device = measuring.machine().device
    settings = [Setting(batch, backend=name) for name in backends.PREDICTED]
    return [one.backend for one in settings if backends.can_run(one, device)]
