"""Time networks operator by operator, each pass beside itself as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from cnnbench.counting.cost import Trace
from cnnbench.counting.division import names
from cnnbench.devices.cores import limited
from cnnbench.devices.disturbances import Disturbances
from cnnbench.devices.environment import environment
from cnnbench.devices.warnings import unusable
from cnnbench.errors import CnnbenchError, InputError
from cnnbench.models.arguments import Inputs
from cnnbench.models.network import Model, Network
from cnnbench.roofline.calibrate import calibrate, stored
from cnnbench.roofline.profile import Profile
from cnnbench.timing.backends import EAGER
from cnnbench.timing.history import History, What
from cnnbench.timing.latency import Latency, failed, key_of, latency
from cnnbench.timing.layers import ByOperator, OpTime
from cnnbench.timing.measure import Timing
from cnnbench.timing.prepared import Prepared, called, prepare, ready
from cnnbench.timing.sampling import take
from cnnbench.timing.session import Session
from cnnbench.timing.setting import Setting, check


@dataclass(frozen=True)
class LayerTimes:
    """A network's operators timed one by one, beside the pass as a whole; none where it failed."""

    whole: Latency
    operators: list[OpTime]

    def record(self) -> list[dict[str, Any]]:
        """One record an operator, in execution order; `share` is of the whole pass."""
        whole = self.whole.latency_s or 0.0
        called = names([op.cost for op in self.operators])
        return [
            {
                "layer": op.cost.path,
                "name": name,
                "operator": op.cost.operator,
                "kind": str(op.cost.kind),
                "output": list(op.cost.output),
                "time_s": op.time_s,
                "share": op.time_s / whole if whole else 0.0,
                "params": op.cost.cost.params,
                "macs": op.cost.cost.macs,
                "flops": op.cost.cost.flops,
                "elementwise_flops": op.cost.cost.elementwise_flops,
                "bytes_moved": op.cost.cost.bytes_moved,
                "live_bytes": op.cost.live_bytes,
                "intensity": op.cost.cost.intensity,
                "flops_per_s": op.flops_per_s,
                "bound": op.bound,
                "fraction_of_bound": op.fraction_of_bound,
            }
            for op, name in zip(self.operators, called, strict=True)
        ]

    @property
    def between_s(self) -> float | None:
        """What the whole pass takes longer than its operators: Python, dispatch, allocation.

        None where the operators took longer one by one: the machine was slower for them.
        """
        left = (self.whole.latency_s or 0.0) - sum(op.time_s for op in self.operators)
        return left if left >= 0 else None


@dataclass(frozen=True)
class LayerTiming(Timing):
    """What was timed operator by operator; `latencies` are of the passes as a whole."""

    networks: list[LayerTimes] = field(default_factory=list)


def timed_layers(
    asked: Sequence[tuple[Model | Network, Setting]],
    given: Inputs | None,
    session: Session,
    *,
    known: Sequence[Trace | None] | None = None,
) -> LayerTiming:
    """Time each network's pass as a whole and, in the same rounds, each of its operators.

    One that cannot run, or runs other operators than were counted, has an `error`; the others go
    on. Ctrl-C ends it with those that have been timed. `known` are traces that have been counted.
    """
    device, threads = session.machine.device, session.machine.threads.number
    seed, say = session.rule.seed, session.progress.say
    for _, setting in asked:
        check(setting, device)
        if setting.backend != EAGER:
            raise InputError("a compiled or captured pass has no operators; leave --layers out")
        if setting.train and device.kind != "cpu":
            raise InputError(f"--layers times a training step only on the CPU, not on {device}")
    before = Disturbances(device, threads)
    found: list[LayerTimes] = []
    interrupted = False
    kept, history = stored(device, threads), History.of(session.machine)
    with limited(threads), torch.random.fork_rng(devices=[]):
        now = environment(session.machine)
        if session.wait:
            before.settled(say)
        watch = Disturbances(device, threads)
        try:
            for (model, setting), trace in zip(asked, known or [None] * len(asked), strict=True):
                name, reason = called(model), ""
                try:
                    say(f"building {name}")
                    network = ready(model, given, setting, device, seed)
                    prepared = prepare(network, setting, device, seed, trace)
                    kept = calibrate(device, threads, [prepared.dtype], memory=True, say=say)
                    say("")
                    times, interrupted = _taken(prepared, session, kept, history)
                except CnnbenchError as error:
                    reason = str(error)
                if reason:
                    times = LayerTimes(failed(name, setting, session.machine, reason), [])
                    device.release()
                found.append(times)
                if interrupted:
                    break
        except KeyboardInterrupt:
            interrupted = True
            if not found:
                raise
        disturbed = watch.warnings()
    if unusable(disturbed):
        found = [replace(one, whole=replace(one.whole, reliable=False)) for one in found]
    wholes = [one.whole for one in found]
    return LayerTiming(wholes, now, kept, disturbed, interrupted, networks=found)


def _taken(
    prepared: Prepared, session: Session, kept: Profile, history: History
) -> tuple[LayerTimes, bool]:
    """Time one network; whether Ctrl-C ended it."""
    watched, rule = ByOperator(prepared), session.rule
    sampled = take([[prepared, watched]], rule, progress=session.progress)
    sampled.raise_failure()
    if not len(sampled.rows):
        raise KeyboardInterrupt
    between = history.between(What.LATENCY, key_of(prepared), 0)
    whole = latency(prepared, sampled, 0, rule, kept, between)
    return LayerTimes(whole, watched.times(kept)), sampled.interrupted
