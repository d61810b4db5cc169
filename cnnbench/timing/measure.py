"""Time forward passes of any networks in any settings, interleaved in rounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from cnnbench.counting.cost import Trace
from cnnbench.counting.totals import Totals
from cnnbench.devices import cores
from cnnbench.devices.device import Device
from cnnbench.devices.disturbances import Disturbances
from cnnbench.devices.environment import Environment, environment
from cnnbench.devices.machine import Machine
from cnnbench.devices.warnings import Warning
from cnnbench.errors import CnnbenchError, InputError, MemoryShortage, SpecError
from cnnbench.models.arguments import Inputs
from cnnbench.models.nesting import room
from cnnbench.models.network import Model, Network
from cnnbench.roofline import calibrate as profiling
from cnnbench.roofline.profile import Profile
from cnnbench.timing.backends import EAGER
from cnnbench.timing.latency import Latency, failed, latency
from cnnbench.timing.prepared import Prepared, called, prepare, ready
from cnnbench.timing.sampling import Rounds, Width, take, widest
from cnnbench.timing.session import Session, StopRule
from cnnbench.timing.setting import Setting, check

_STEP = 8  # the search for the largest batch ends within an eighth


@dataclass(frozen=True)
class Timing:
    """What was timed, where, and what disturbed it: `latencies` in the order asked for."""

    latencies: list[Latency]
    environment: Environment
    profile: Profile
    warnings: list[Warning]
    interrupted: bool = False


def measure(
    models: Model | Sequence[Model],
    input_shape: Inputs | None = None,
    *,
    batch: int | Sequence[int] = 1,
    device: str | None = None,
    dtype: str | None = None,
    channels_last: bool = False,
    backend: str | Sequence[str] = EAGER,
    fuse: bool = False,
    train: bool = False,
    threads: int | None = None,
    precision: float = 0.02,
    max_time: float = 10.0,
    seed: int = 0,
) -> list[Latency]:
    """Time one forward pass of each model at each batch, interleaved in rounds of random order.

    `models` are specs or modules, which are copied and not touched; `input_shape` as for `count`.
    Stops when every 95% interval of a median is within `precision`, or after `max_time` seconds
    for each; `converged` says which. The rest is named as `cnnbench time` names its options.
    DeviceError where there is no such device; a model that cannot run has an `error` in its own
    latency.
    """
    rule = StopRule(precision, max_time, seed)
    one = isinstance(models, (str, nn.Module)) or not isinstance(models, Sequence)
    several: Sequence[Model] = [models] if one else models  # type: ignore[assignment,list-item]
    if not several:
        raise SpecError("name at least one model; cnnbench.models.registry.MODELS has ours")
    settings = [
        Setting(size, dtype, channels_last, name, fuse, train)
        for size in ([batch] if isinstance(batch, int) else batch)
        for name in ([backend] if isinstance(backend, str) else backend)
    ]
    asked = [(model, setting) for model in several for setting in settings]
    return timed(asked, input_shape, Session(Machine.find(device, threads), rule)).latencies


@room()
def timed(
    asked: Sequence[tuple[Model | Network, Setting]],
    given: Inputs | None,
    session: Session,
    *,
    known: Sequence[Trace | Totals | None] | None = None,
    largest: bool = False,
    width: Width = widest,
) -> Timing:
    """Prepare every network, sample all in rounds, derive their latencies.

    `known` is what has been counted of each already. `largest` looks for the largest batch that
    fits where the one asked for does not; `width` is what sampling waits for.
    """
    device, threads = session.machine.device, session.machine.threads.number
    for _, setting in asked:
        check(setting, device)
    with cores.limited(threads), torch.random.fork_rng(devices=[]):
        now = environment(session.machine)
        found = _prepared(asked, known or [None] * len(asked), given, session, largest)
        entries = [one for one in found if isinstance(one, Prepared)]
        dtypes = [prepared.dtype for prepared in entries]
        ceilings = profiling.calibrate(device, threads, dtypes, say=session.progress.say)
        watch = Disturbances(device, threads)
        session.progress.say("")
        sampled = take(entries, session.rule, width=width, progress=session.progress)
        disturbed = watch.warnings()
    timed = _latencies(entries, sampled, session, ceilings)
    latencies = [next(timed) if isinstance(one, Prepared) else one for one in found]
    return Timing(latencies, now, ceilings, disturbed, sampled.interrupted)


def _prepared(
    asked: Sequence[tuple[Model | Network, Setting]],
    known: Sequence[Trace | Totals | None],
    given: Inputs | None,
    session: Session,
    largest: bool,
) -> list[Prepared | Latency]:
    """Each made ready to be timed; one that cannot run is a failed row."""
    device, seed, say = session.machine.device, session.rule.seed, session.progress.say
    found: list[Prepared | Latency] = []
    networks: dict[tuple[int | str, Setting], Network] = {}
    for (model, setting), cost in zip(asked, known, strict=True):
        name = called(model)
        alike = replace(setting, batch=1, backend=EAGER)
        key = (id(model) if isinstance(model, (nn.Module, Network)) else name, alike)
        reason, short = "", False
        try:
            if key not in networks:
                say(f"building {name}")
                networks[key] = ready(model, given, setting, device, seed)
            verb = "compiling" if setting.backend == "compile" else "preparing"
            say(f"{verb} {name} at batch {setting.batch}")
            found.append(prepare(networks[key], setting, device, seed, cost))
        except CnnbenchError as error:
            reason, short = str(error), isinstance(error, MemoryShortage)
        if reason:  # the failed pass's tensors have gone with its error
            device.release()
            if short and largest and key in networks:
                say(f"looking for the largest batch of {name}")
                reason += f"; {largest_batch(networks[key], setting, device, seed)}"
            found.append(failed(name, setting, session.machine, reason))
    return found


def _latencies(
    entries: Sequence[Prepared], sampled: Rounds, session: Session, ceilings: Profile
) -> Iterator[Latency]:
    """One an entry; a failed one where it failed later, or has no sample."""
    for index, one in enumerate(entries):
        column = sampled.rows[:, index] if len(sampled.rows) else sampled.rows.reshape(-1)
        if index in sampled.failures or not len(column):
            error = str(sampled.failures.get(index, "interrupted before its first sample"))
            yield failed(one.network.name, one.setting, session.machine, error)
        else:
            repeats, seconds = sampled.repeats[index], sampled.seconds
            yield latency(one, column, repeats, session.rule, ceilings, seconds)


def largest_batch(network: Network, setting: Setting, device: Device, seed: int = 0) -> str:
    """Halve the batch until one pass runs, then close in; say what did fit.

    Every batch is really run, but for those of which the count says that they cannot fit. One that
    fails for another reason fits no more than one that is too large.
    """
    failed, fits = setting.batch, 0
    size = failed // 2
    while size >= 1 and not fits:
        if _runs(network, replace(setting, batch=size), device, seed):
            fits = size
        else:
            failed, size = size, size // 2
    if not fits:
        return "not even batch 1 fits"
    while failed - fits > max(1, fits // _STEP):
        middle = (fits + failed) // 2
        if _runs(network, replace(setting, batch=middle), device, seed):
            fits = middle
        else:
            failed = middle
    return f"the largest batch that did fit is {fits} ({failed} did not)"


def _runs(network: Network, setting: Setting, device: Device, seed: int) -> bool:
    try:
        prepare(network, setting, device, seed).seconds(1)
    except (MemoryShortage, InputError):
        return False
    finally:
        device.release()
    return True
