"""Compare blocks or networks: cost ratios, the speed-up a roofline predicts, the one measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import groupby

import numpy as np

from cnnbench.devices.disturbances import slowing
from cnnbench.devices.machine import Machine
from cnnbench.devices.warnings import Warning
from cnnbench.errors import SomeFailed
from cnnbench.models.given import Inputs
from cnnbench.models.model import Value
from cnnbench.models.network import Model
from cnnbench.models.spec import parse_together
from cnnbench.roofline.predict import Predictor, dtype_of
from cnnbench.roofline.profile import Profile
from cnnbench.studies.comparison.cases import cases
from cnnbench.studies.comparison.comparison import Comparing, Comparison, Side
from cnnbench.studies.comparison.rows import count_rows, elsewhere
from cnnbench.studies.comparison.stages import CHAIN
from cnnbench.timing import backends, profiling
from cnnbench.timing.backends import EAGER
from cnnbench.timing.by_layer.causes import causes
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing, timed
from cnnbench.timing.samples.history import RunValue, What
from cnnbench.timing.samples.pairing import Verdict, ratio, verdict, widest
from cnnbench.timing.samples.reruns import expected
from cnnbench.timing.samples.sampling import FIRST_LOOK
from cnnbench.timing.session import Session, StopRule, stop_rule
from cnnbench.timing.setting import Setting, calibrated

_LAYERS_S = 0.5  # of timing one side's operators


def compare(
    *models: Model,
    input_shape: Inputs | None = None,
    static: bool = False,
    on: Profile | None = None,
    batch: int = 1,
    device: str | None = None,
    dtype: str | Sequence[str] | None = None,
    calibrate: str | None = None,
    channels_last: bool = False,
    backend: str | Sequence[str] = EAGER,
    threads: int | None = None,
    precision: float = 0.02,
    max_time: float = 10.0,
    seed: int = 0,
    processes: int | None = None,
    **block: Value,
) -> list[Comparison]:
    """Compare each model with the first: blocks at their papers' shapes, or networks.

    `block` are options of blocks, such as shape="28x28x192", out_channels=32, kernel=5. `static`
    leaves times out; `on` predicts them for the device of that profile and measures nothing. The
    rest as for `measure`, but that modules keep their dtype; a pair is sampled until its ratio is
    within `precision`, or for `max_time` seconds. CnnbenchError says in one line what cannot be
    compared.
    """
    rule = stop_rule(precision, max_time, seed, processes)
    texts = [model for model in models if isinstance(model, str)]
    specs = iter(parse_together(texts))
    dtypes = [dtype] if dtype is None or isinstance(dtype, str) else dtype
    settings = [
        Setting(batch, number_format, channels_last, name, calibrate=folder)
        for name in ([backend] if isinstance(backend, str) else backend)
        for number_format, folder in calibrated(dtypes, calibrate)
    ]
    timing = not static and on is None
    asked = cases(
        [next(specs) if isinstance(m, str) else m for m in models],
        block,
        chain=CHAIN if timing and elsewhere(settings) else 1,
        alone=timing and len(settings) > 1,
    )
    here = len(texts) < len(models) or not rule.processes  # a module is timed in this process
    rows = count_rows(asked, input_shape, settings, values=here and timing, seed=seed)
    if on is not None:
        return predict_rows(rows, on)
    if static:
        return rows
    return time_rows(rows, Session(Machine.find(device, threads), rule)).rows


def predict_rows(rows: Sequence[Comparison], profile: Profile) -> list[Comparison]:
    """The rows with what the profile says that both sides take.

    DeviceError where it knows nothing of their dtype or back end, and nothing was measured instead.
    """
    predictor = cache(partial(Predictor, profile))

    def predicted(side: Side) -> Side:
        latency, backend = side.latency, backends.profiled(side.run_in.backend)
        if latency and latency.error:
            return side
        dtype = latency.dtype if latency else side.run_in.predicted_in(dtype_of(side.trace))
        if latency and not (dtype and profile.knows(dtype, backend)):
            return side
        if backend is not None and not latency:
            backends.check_predicted(backend)
        return replace(side, predicted=predictor(dtype, backend)(side.trace))

    return _each_side(rows, predicted)


def _each_side(rows: Sequence[Comparison], change: Callable[[Side], Side]) -> list[Comparison]:
    """The rows with each side changed; those of one reference go on sharing it."""
    sides = {id(side): side for row in rows for side in (row.a, row.b)}
    changed = {key: change(side) for key, side in sides.items()}
    return [replace(row, a=changed[id(row.a)], b=changed[id(row.b)]) for row in rows]


def in_setting(rows: Sequence[Comparison], setting: Setting) -> list[Comparison]:
    """The rows with both sides run so."""
    return _each_side(rows, lambda side: replace(side, setting=setting))


def time_rows(rows: Sequence[Comparison], session: Session) -> Comparing:
    """The rows with predicted and measured times: rows of one reference in the same rounds.

    Each side's operators are timed then, which says what its time goes into; the device's own last,
    where they are not known. Rows of a side that cannot run have a `failure`; SomeFailed where all
    have. Ctrl-C ends it with the rows so far.
    """
    done: list[Comparison] = []
    timing, interrupted = None, False
    warnings: dict[tuple[str, bool], Warning] = {}
    try:
        for _, group in groupby(rows, key=lambda row: row.case):
            together = list(group)
            sides = {id(side): side for row in together for side in (row.a, row.b)}
            places = {key: place for place, key in enumerate(sides)}
            pairs = [(places[id(row.a)], places[id(row.b)]) for row in together]
            timing = timed(
                [(side.running, side.run_in) for side in sides.values()],
                None,
                _for_sides(session, together, len(sides)),
                known=[side.trace for side in sides.values()],
                width=partial(widest, pairs=pairs),
            )
            warnings |= {(w.name, w.unusable): w for w in timing.warnings}
            latencies = dict(zip(sides, timing.latencies, strict=True))
            done += [_judged(row, timing, session.rule) for row in _timed(together, latencies)]
            if timing.interrupted:
                raise KeyboardInterrupt
        done = _with_layers(done, session)
        profile = _profile(done, session)
    except KeyboardInterrupt:
        if timing is None:
            raise
        interrupted, profile = True, timing.profile
    assert timing is not None
    if not interrupted and all(row.failure for row in done):
        raise SomeFailed([row.failure for row in done[:1]], exit_code=2)
    done = [*done, *rows[len(done) :]]
    done = done if interrupted else _with_causes(predict_rows(done, profile), profile)
    return Comparing(done, profile, timing.environment, list(warnings.values()), interrupted)


def _timed(rows: Sequence[Comparison], latencies: dict[int, Latency]) -> list[Comparison]:
    """The rows with their sides' latencies."""
    return _each_side(rows, lambda side: replace(side, latency=latencies[id(side)]))


def _profile(rows: Sequence[Comparison], session: Session) -> Profile:
    """What the device can do in the rows' dtypes, measured where it is not known."""
    latencies = [side.latency for row in rows for side in (row.a, row.b) if side.latency]
    dtypes = [latency.dtype for latency in latencies if latency.dtype]
    return profiling.complete(session.machine, dtypes, session.progress.say)


def _for_sides(session: Session, together: Sequence[Comparison], sides: int) -> Session:
    """The session of rows that share a side: each row has `max_time`, and says its label."""
    label, said, rule = together[0].label, session.progress.say, session.rule

    def say(text: str) -> None:
        said(f"{label}: {text}" if label and text else text)

    seconds = rule.max_time * len(together) / sides  # of each side
    return replace(
        session,
        rule=replace(rule, max_time=seconds),
        progress=replace(session.progress, say=say),
    )


def _with_layers(rows: Sequence[Comparison], session: Session) -> list[Comparison]:
    """The rows with each side's operators timed one by one, where its back end can."""
    rule = session.rule
    rule = replace(rule, precision=0.1, max_time=min(rule.max_time, _LAYERS_S))
    silent = Session(session.machine, rule, wait=False)
    sides = {id(side): side for row in rows for side in (row.a, row.b) if _has_layers(side)}
    if not sides:
        return list(rows)
    session.progress.say("timing operators")
    asked = [(side.running, side.run_in) for side in sides.values()]
    traces = [side.trace for side in sides.values()]
    timing = timed(asked, None, silent, known=traces, layers=True, kept=False)
    if timing.interrupted:
        raise KeyboardInterrupt
    found = dict(zip(sides, timing.networks or [], strict=True))
    return _each_side(rows, lambda side: replace(side, layers=found.get(id(side))))


def _has_layers(side: Side) -> bool:
    return bool(side.latency_s) and backends.has_layers(side.run_in.backend)


def _with_causes(rows: Sequence[Comparison], profile: Profile) -> list[Comparison]:
    """The rows with what each side's time goes into."""

    def caused(side: Side) -> Side:
        found = causes(side.layers, profile) if side.layers else None
        return replace(side, causes=found.of(side.latency_s or 0.0) if found else None)

    return _each_side(rows, caused)


def _judged(row: Comparison, timing: Timing, rule: StopRule) -> Comparison:
    """A row with the ratio of its latencies by rounds, and what that says of another run."""
    a, b, history = row.a.latency, row.b.latency, timing.history
    if not (a and b and a.samples_s and b.samples_s and history):
        return row
    ratios = np.array(a.samples_s) / np.array(b.samples_s)
    run, name = ratio(a.samples_s, b.samples_s), f"{a.key} / {b.key}"
    rerun = expected(ratios, history.between(What.RATIO, name, a.processes))
    if not slowing(timing.warnings) and len(ratios) >= FIRST_LOOK:
        history.keep([RunValue.of(What.RATIO, name, ratios, a.processes)])
    converged = math.isfinite(run.precision) and run.precision <= rule.precision
    said = Verdict.NOT_USABLE if timing.unusable else verdict(run, rerun, converged)
    return replace(row, measured=rerun, run=run, verdict=said)
