"""Time forward passes of any networks in any settings, interleaved in rounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import nn

from cnnbench.devices import cores
from cnnbench.devices.disturbances import Disturbances, slowing
from cnnbench.devices.environment import Environment, environment
from cnnbench.devices.machine import Machine
from cnnbench.devices.warnings import Warning, unusable
from cnnbench.errors import CnnbenchError, SpecError
from cnnbench.models.given import Inputs
from cnnbench.models.nesting import room
from cnnbench.models.network import Model
from cnnbench.roofline import calibrate as profiling
from cnnbench.roofline.profile import Profile
from cnnbench.timing import backends
from cnnbench.timing.backends import EAGER
from cnnbench.timing.by_layer.by_operator import check as check_layers
from cnnbench.timing.by_layer.layers import LayerTimes, op_times
from cnnbench.timing.latency import Latency, failed, key_of, latency
from cnnbench.timing.lineup import Asked, Known, Lineup, lineup
from cnnbench.timing.samples.history import History, RunValue, What
from cnnbench.timing.samples.sampling import FIRST_LOOK, Rounds, Width, take, widest
from cnnbench.timing.session import Session, stop_rule
from cnnbench.timing.setting import Setting, calibrated, check_some


@dataclass(frozen=True)
class Timing:
    """What was timed, where, and what disturbed it: `latencies` in the order asked for.

    `history` is what was known of the device's runs before this one; `networks` are the same passes
    by operator, where that was asked for.
    """

    latencies: list[Latency]
    environment: Environment
    profile: Profile
    warnings: list[Warning]
    interrupted: bool = False
    history: History | None = None
    networks: list[LayerTimes] | None = None

    @property
    def unusable(self) -> str:
        """Why its times are not usable; nothing where they are."""
        return unusable(self.warnings)


def measure(
    models: Model | Sequence[Model],
    input_shape: Inputs | None = None,
    *,
    batch: int | Sequence[int] = 1,
    device: str | None = None,
    dtype: str | None = None,
    calibrate: str | None = None,
    channels_last: bool = False,
    backend: str | Sequence[str] = EAGER,
    fuse: bool = False,
    train: bool = False,
    threads: int | None = None,
    precision: float = 0.02,
    max_time: float = 10.0,
    seed: int = 0,
    processes: int | None = None,
) -> list[Latency]:
    """Time one forward pass of each model at each batch, interleaved in rounds of random order.

    `models` are specs or modules, which are copied and not touched; `input_shape` as for `count`.
    Specs are timed in fresh processes (`processes`, by default three); with a module among them all
    are timed in this one.
    Stops when every 95% interval of a median is within `precision`, or after `max_time` seconds
    for each; `converged` says which. The rest is named as `cnnbench time` names its options.
    DeviceError where there is no such device; a model that cannot run has an `error` in its own
    latency.
    """
    rule = stop_rule(precision, max_time, seed, processes)
    one = isinstance(models, (str, nn.Module)) or not isinstance(models, Sequence)
    several: Sequence[Model] = [models] if one else models  # type: ignore[assignment,list-item]
    if not several:
        raise SpecError("name at least one model; cnnbench.models.registry.MODELS has ours")
    settings = [
        Setting(size, number_format, channels_last, name, fuse, train, folder)
        for size in ([batch] if isinstance(batch, int) else batch)
        for number_format, folder in calibrated([dtype], calibrate)
        for name in ([backend] if isinstance(backend, str) else backend)
    ]
    asked = [(model, setting) for model in several for setting in settings]
    return timed(asked, input_shape, Session(Machine.find(device, threads), rule)).latencies


@room()
def timed(
    asked: Asked,
    given: Inputs | None,
    session: Session,
    *,
    known: Known | None = None,
    largest: bool = False,
    layers: bool = False,
    width: Width = widest,
    kept: bool = True,
) -> Timing:
    """Make every network ready, sample all in rounds, derive their latencies.

    `known` is what has been counted of each already. `largest` looks for the largest batch that
    fits where the one asked for does not; `layers` times, in the same rounds, each pass operator by
    operator too; `width` is what sampling waits for; `kept` adds its values to the
    device's history.
    """
    device, threads = session.machine.device, session.machine.threads.number
    check_some((setting for _, setting in asked), device)
    for _, setting in asked:
        if layers:
            check_layers(setting, device)
    before = Disturbances(device, threads)
    with (
        cores.limited(threads),
        torch.random.fork_rng(devices=[]),
        lineup(
            asked, known or [None] * len(asked), given, session, largest=largest, layers=layers
        ) as found,
    ):
        runtimes = {
            backends.process_of(name): version
            for name in {setting.backend for _, setting in asked}
            if (version := backends.version(name))
        }
        now = environment(session.machine, kept=found.processes > 0, runtimes=runtimes)
        dtypes = [subject.dtype for subject in found.subjects]
        ceilings = profiling.calibrate(
            device, threads, dtypes, memory=layers, say=session.progress.say
        )
        if session.wait:
            before.settled(session.progress.say)
        watch = Disturbances(device, threads)
        session.progress.say("")
        sampled = take(found.teams, session.rule, width=width, progress=session.progress)
        disturbed = watch.warnings()
        history, usable = History.of(session.machine), not unusable(disturbed)
        timed = _latencies(found, sampled, session, ceilings, history, usable)
        latencies = [row if isinstance(row, Latency) else next(timed) for row in found.rows]
        networks = None
        if layers:
            session.progress.say("what threads wait")
            networks = _by_layer(latencies, found, sampled, session.machine, ceilings)
            session.progress.say("")
            latencies = [network.whole for network in networks]
    if kept and not slowing(disturbed):
        history.keep(
            [
                RunValue.of(What.LATENCY, key_of(subject), sampled.rows[:, index], found.processes)
                for index, subject in enumerate(found.subjects)
                if index not in sampled.failures and len(sampled.rows) >= FIRST_LOOK
            ]
        )
    return Timing(latencies, now, ceilings, disturbed, sampled.interrupted, history, networks)


def _latencies(
    found: Lineup,
    sampled: Rounds,
    session: Session,
    ceilings: Profile,
    history: History,
    usable: bool,
) -> Iterator[Latency]:
    """One a subject; a failed one where it failed later, or has no sample."""
    for index, one in enumerate(found.subjects):
        column = sampled.rows[:, index] if len(sampled.rows) else sampled.rows.reshape(-1)
        if index in sampled.failures or not len(column):
            error = str(sampled.failures.get(index, "interrupted before its first sample"))
            yield failed(one.model, one.setting, session.machine, error)
        else:
            between = history.between(What.LATENCY, key_of(one), found.processes)
            made = latency(one, sampled, index, session.rule, ceilings, between, found.processes)
            yield replace(made, reliable=usable)


def _by_layer(
    latencies: Sequence[Latency],
    found: Lineup,
    sampled: Rounds,
    machine: Machine,
    profile: Profile,
) -> list[LayerTimes]:
    """Each network's operators; one that ran others than were counted has failed."""
    number, places = len(found.watched), count()
    networks = []
    for row, whole in zip(found.rows, latencies, strict=True):
        operators, reorders, threads = [], None, None
        if not isinstance(row, Latency):
            index = next(places)
            try:
                if index + number in sampled.failures:
                    raise sampled.failures[index + number]
                medians = [] if whole.error else found.watched[index].medians()
                operators = op_times(medians, profile, row.dtype)
                reorders = found.watched[index].reorders() if medians else None
                if medians and not sampled.interrupted:
                    threads = found.watched[index].threads()
            except CnnbenchError as error:
                whole = failed(row.model, row.setting, machine, str(error))
        networks.append(LayerTimes(whole, operators, reorders, threads))
    return networks
