"""What is timed: a network with its input on a device, run as the setting says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch

from cnnbench import units
from cnnbench.counting.cost import Trace
from cnnbench.counting.files.count import count_file
from cnnbench.counting.network import count_network
from cnnbench.counting.totals import Totals, conditions, totals
from cnnbench.counting.tracing.trace import uncompiled
from cnnbench.devices.clocks import Run, clock
from cnnbench.devices.device import Device
from cnnbench.devices.passes import Passes, since, used
from cnnbench.devices.warnings import Warning, warning
from cnnbench.errors import MemoryShortage
from cnnbench.models.arguments import read_dtype
from cnnbench.models.foreign import failing
from cnnbench.models.given import Inputs
from cnnbench.models.inputs import Dtype
from cnnbench.models.network import Model, Network, load, name_of
from cnnbench.models.sources.building import converted
from cnnbench.models.sources.source import file_in
from cnnbench.models.spec import SourceSpec
from cnnbench.timing import backends
from cnnbench.timing.preparing.fuse import fused
from cnnbench.timing.preparing.ran import Ran, most_error
from cnnbench.timing.preparing.values import inspect
from cnnbench.timing.setting import Setting


@dataclass
class Prepared:
    """A network on its device with an input, its cost, and what calls it.

    There is no `network` of a file, which a runtime runs as it stands.
    `trace` is None where only its totals were given; `passes` are the timed ones so far; `ran` is
    what another runtime than torch made of it.
    """

    model: str
    network: Network | None
    setting: Setting
    device: Device
    totals: Totals
    trace: Trace | None
    run: Run
    warnings: list[Warning] = field(default_factory=list)
    passes: Passes = field(default_factory=Passes)
    ran: Ran = field(default_factory=Ran)

    @property
    def dtype(self) -> str:
        """What it computes in; of an input of indices, what its weights are."""
        if self.setting.weights != self.setting.dtype:
            return str(self.setting.dtype)
        if self.network is None:
            return self.ran.computed_in or self.totals.dtype
        if self.totals.dtype in list(Dtype):
            return self.totals.dtype
        return str(self.network.dtype).removeprefix("torch.")

    def __post_init__(self) -> None:
        """Take the device's clock."""
        self._clock = clock(self.device.torch)

    def seconds(self, repeats: int = 1, counts: bool = True) -> float:
        """Seconds that so many passes take; MemoryShortage or InputError where one fails."""
        with self.running():
            if not counts:
                return self._clock.seconds(self.run, repeats)
            before = used()
            seconds = self._clock.seconds(self.run, repeats)
        self.passes += since(before, repeats, seconds)
        return seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """The mode, the device and the errors of a pass."""
        inference = torch.inference_mode(not self.setting.train)
        with failing(self.model), self.device.active(), inference:
            yield


def ready(
    model: Model | Network, given: Inputs | None, setting: Setting, device: Device, seed: int = 0
) -> Network:
    """The network found, unless it is, and placed; a network that was found is not copied."""
    found = model if isinstance(model, Network) else load(model, given, seed=seed)
    return placed(found, setting, device, seed)


def called(model: Model | Network) -> str:
    """How the output calls it."""
    return model.name if isinstance(model, Network) else name_of(model)


def placed(network: Network, setting: Setting, device: Device, seed: int = 0) -> Network:
    """The network converted as the setting says, whose batch does not matter, on its device.

    InputError where it cannot be converted, fused, or moved there.
    """
    name = network.name
    dtype = None if setting.weights is None else read_dtype(setting.weights)
    with failing(name, f"be moved to {device}"):  # torch follows modules without an end to it
        net = converted(network.net, dtype)
        net.train(setting.train)
        if setting.fuse:
            net = fused(replace(network, net=net), seed)
        net = net.to(device.torch)
        if setting.channels_last:
            net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return replace(network, net=net)


def fitting(
    network: Network,
    setting: Setting,
    device: Device,
    known: Trace | Totals | None = None,
    seed: int = 0,
) -> Trace | Totals:
    """The cost of a pass that fits: what is known of it, or counted now.

    InputError where it cannot take its input, MemoryShortage where the device has less free than
    it holds.
    """
    if known is None:
        layout = setting.channels_last
        known = count_network(
            network, setting.batch, train=setting.train, channels_last=layout, seed=seed
        )
    needed, free = known.peak_activation_bytes, device.free_bytes()
    if free is not None and needed > free:
        raise MemoryShortage(
            f"{network.name} holds {units.size(needed)} of activations at batch {setting.batch}; "
            f"{device} has {units.size(free)} free"
        )
    return known


def prepare(
    network: Network,
    setting: Setting,
    device: Device,
    seed: int = 0,
    known: Trace | Totals | None = None,
    *,
    settle: bool = True,
) -> Prepared:
    """See that it fits, run it once and look at its values, hand it to its back end.

    `known` is what has been counted of this pass already; without it, it is counted now. `settle`
    brings the host's allocator into a state that it keeps. MemoryShortage where the device has less
    than the pass holds; InputError where it cannot run.
    """
    known = fitting(network, setting, device, known, seed)
    trace, cost = (known, totals(known)) if isinstance(known, Trace) else (None, known)
    if settle:
        device.settle()
    with failing(network.name), device.active():
        few = network.arguments(min(setting.batch, 2), device.torch, seed)
        with torch.no_grad(), uncompiled():
            warnings = inspect(network.net, few, denormals=device.kind == "cpu")
        given = network.arguments(setting.batch, device.torch, seed)
        given = given.channels_last() if setting.channels_last else given
        with torch.inference_mode(not setting.train):
            run = backends.find(setting.backend).prepare(network, setting, given)
    ran: Ran = getattr(run, "ran", Ran())
    told = [*conditions(known), *warnings, *_different(ran, setting)]
    return Prepared(network.name, network, setting, device, cost, trace, run, told, ran=ran)


def prepare_file(
    file: SourceSpec,
    given: Inputs | None,
    setting: Setting,
    device: Device,
    seed: int = 0,
    known: Trace | Totals | None = None,
    *,
    settle: bool = True,
) -> Prepared:
    """Have a runtime open a file as it stands, and run it once; the rest as for `prepare`.

    SourceError where the back end runs no files of its format.
    """
    known = known or count_file(
        file, given, batch=setting.batch, dtype=setting.weights, train=setting.train
    )
    trace, cost = (known, totals(known)) if isinstance(known, Trace) else (None, known)
    if settle:
        device.settle()
    with failing(str(file)):
        run = backends.opener(setting.backend, file)(
            file_in(file), setting, cost.input, seed, False
        )
    told = [*conditions(known), *(_different(run.ran, setting) if setting.dtype else ())]
    return Prepared(str(file), None, setting, device, cost, trace, run, told, ran=run.ran)


def _different(ran: Ran, setting: Setting) -> Iterator[Warning]:
    """Warnings of outputs that are others than eager's, and of kernels than asked for."""
    asked = (setting.dtype or "float32").removesuffix("-dynamic")
    if ran.computed_in is not None and ran.computed_in != asked:
        yield warning("other_dtype", asked=setting.dtype or "float32", ran=ran.computed_in)
    most = most_error(setting.dtype)
    if ran.output_error is not None and ran.output_error > most:
        yield warning("output_error", error=ran.output_error, most=most)
