"""`cnnbench predict`: latency from a device's ceilings, without the device."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.files import check_writable
from cnnbench.models.spec import parse
from cnnbench.reports import columns as col
from cnnbench.reports.charts import style as drawing
from cnnbench.reports.formats.emit import emit
from cnnbench.reports.report import Column, Report, Table

if TYPE_CHECKING:
    from cnnbench.roofline.profile import Profile
    from cnnbench.studies.predict import Forecast

FORECASTS = (
    col.MODEL,
    Column("batch", "batch", left=True, under=True),
    col.MACS,
    Column("predicted_s", "predicted", units.duration),
    Column("throughput_images_per_s", "images\n/s", units.speed),
    Column("bound", "bound", col.optional(str), left=True),
    Column("compute_share", "com-\npute", units.percent),
    Column("memory_share", "mem-\nory", units.percent),
    Column("overhead_share", "calls", units.percent),
    Column("measured_s", "measured", col.optional(units.duration)),
    Column("error", "error", col.optional(units.difference), under=True),
)


def predict(
    models: opt.SomeSpecs,
    on: opt.On = None,
    inputs: opt.InputOption = None,
    batches: opt.Batches = "1",
    dtype: opt.DtypeOption = None,
    device: opt.DeviceOption = None,
    threads: opt.Threads = None,
    form: opt.FormatOption = None,
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Predict latency from a device's ceilings, which a file or this machine's own device gives.

    Each operator takes max(FLOPs / peak, bytes / bandwidth) and the cost of a call; where the file
    has the speeds of kinds of operators, those like it say how far from that roof it is.

    Networks that were measured there stand beside their predictions, and say how wrong they are.

    cnnbench predict mobilenet_v2 resnet50 --on device.toml

    cnnbench predict efficientnet_b0 --batch 1,8
    """
    specs = [parse(text) for text in models]
    sizes = opt.read_batches(batches)
    opt.read_threads(threads)
    given = opt.read_inputs(inputs, max(sizes), specs)
    if on and (device or threads):
        raise CnnbenchError("--on is another device; leave --device and --threads out")
    check_writable(output)
    if output is not None and drawing.is_picture(output):
        raise CnnbenchError(f"predict draws no picture; write {output.with_suffix('.json')}")
    with heavy_imports():
        from cnnbench.devices import cores
        from cnnbench.devices.device import find_device
        from cnnbench.reports.environment import software
        from cnnbench.roofline import calibrate as profiling
        from cnnbench.roofline.predict import dtype_of
        from cnnbench.roofline.profile_file import read
        from cnnbench.studies import predict as study
    with opt.their_code():
        passes = study.count_models(specs, given, sizes, dtype)
        dtypes = list(dict.fromkeys(dtype_of(one.trace) for one in passes))
        if on:
            known = read(on)
        else:
            found, used = find_device(device), cores.threads(threads)
            with bar(0) as shown:
                known = profiling.complete(found, used, dtypes, shown.say)
        rows = study.forecasts(passes, known)
        checked = study.checks(known, dtypes)
    results = [study.record(row) for row in rows]
    report = Report(
        command="predict",
        results=results,
        tables=[Table(FORECASTS, results)],
        notes=_notes(known, dtypes, checked),
        environment={
            **software(),
            "ceilings": known.model_dump(mode="json", exclude={"operators"}),
            "checks": [study.record(check) for check in checked],
        },
    )
    emit(report, form, output)


def _notes(profile: Profile, dtypes: Sequence[str], checked: Sequence[Forecast]) -> list[str]:
    """Whose ceilings they are, what they rest on, and how wrong they were where it is known."""
    when = f", measured {profile.measured:%Y-%m-%d}" if profile.measured else ""
    plural = "s" if profile.threads > 1 else ""
    threads = f", {profile.threads} thread{plural}" if profile.operators else ""
    device = f"{profile.device}: " if profile.device else ""
    lines = [f"{device}{profile.name}{threads}{when}"]
    fine = [dtype for dtype in dtypes if dtype in profile.operators]
    plain = [dtype for dtype in dtypes if dtype not in profile.operators]
    if fine:
        lines.append(f"predicted from the speed of each kind of operator in {', '.join(fine)}")
    if plain:
        lines.append(
            f"predicted from max(FLOPs / peak, bytes / bandwidth) + call in {', '.join(plain)}, "
            "the least that it can take"
        )
    if fine and profile.operators_disturbed:
        lines.append("its operators were measured while something disturbed")
    errors = [abs(check.error) for check in checked if check.error is not None]
    if errors:
        networks = f"{len(errors)} network{'s' if len(errors) > 1 else ''}"
        lines.append(
            f"{networks} measured there: predictions are off by "
            f"{units.percent(median(errors))} (median), {units.percent(max(errors))} at most"
        )
    elif fine:
        lines.append("no network was measured there to hold predictions to")
    return lines
