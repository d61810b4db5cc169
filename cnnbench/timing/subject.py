"""What is timed: a network with its input on a device, run as the setting says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cnnbench import units
from cnnbench.counting.cost import Trace
from cnnbench.counting.count import hint
from cnnbench.counting.tracing.running import outputs_of, trainable
from cnnbench.counting.tracing.trace import trace, uncompiled
from cnnbench.devices.clocks import Run, clock
from cnnbench.devices.device import Device
from cnnbench.devices.warnings import Warning
from cnnbench.errors import InputError, MemoryShortage
from cnnbench.models import arguments as args
from cnnbench.models.arguments import Arguments
from cnnbench.models.foreign import failing
from cnnbench.models.inputs import Dtype
from cnnbench.timing.network import Network
from cnnbench.timing.setting import Setting
from cnnbench.timing.values import inspect


@dataclass
class Prepared:
    """A network on its device with an input, its cost, and what calls it."""

    network: Network
    setting: Setting
    device: Device
    trace: Trace
    run: Run
    warnings: list[Warning] = field(default_factory=list)

    @property
    def dtype(self) -> str:
        """What it computes in; of an input of indices, what its weights are."""
        given = self.trace.dtype
        real = str(args.real_dtype(self.network.net)).removeprefix("torch.")
        return given if given in list(Dtype) else real

    def __post_init__(self) -> None:
        """Take the device's clock."""
        self._clock = clock(self.device.torch)

    def seconds(self, repeats: int = 1, counts: bool = True) -> float:
        """Seconds that so many passes take; MemoryShortage or InputError where one fails."""
        with self.running():
            return self._clock.seconds(self.run, repeats)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The mode, the device and the errors of a pass."""
        inference = torch.inference_mode(not self.setting.train)
        with failing(self.network.name), self.device.active(), inference:
            yield


def fitting(network: Network, setting: Setting, device: Device) -> Trace:
    """Count it, and see that it fits.

    InputError where it cannot take its input, MemoryShortage where the device has less than it
    holds.
    """
    shapes = args.shapes_of(network.inputs, setting.batch, args.real_dtype(network.net))
    shapes = _laid_out(shapes, setting)
    try:
        counted = trace(network.net, shapes.positional, shapes.named, train=setting.train)
    except InputError as error:
        taken = " ".join(map(str, network.inputs))
        help = hint(network.name, network.inputs, setting.batch, error)
        raise InputError(f"{network.name} cannot take {taken}: {error}{help}") from error
    free, needed = device.free_bytes(), counted.peak_activation_bytes
    if free is not None and needed > free:
        raise MemoryShortage(
            f"{network.name} holds {units.size(needed)} of activations at batch {setting.batch}; "
            f"{device} has {units.size(free)} free"
        )
    return counted


def prepare(network: Network, setting: Setting, device: Device, seed: int = 0) -> Prepared:
    """Count it, see that it fits, run it once and look at its values, compile or capture it.

    MemoryShortage where the device has less than the pass holds; InputError where it cannot run.
    """
    counted = fitting(network, setting, device)
    device.settle()
    with failing(network.name), device.active():
        few = network.arguments(min(setting.batch, 2), device.torch, seed)
        with torch.no_grad(), uncompiled():
            found = inspect(network.net, few, denormals=device.kind == "cpu")
        given = _laid_out(network.arguments(setting.batch, device.torch, seed), setting)
        run = _runner(network, setting, given)
        with torch.inference_mode(not setting.train), _compiling(setting):
            run()
    return Prepared(network, setting, device, counted, run, found)


def _compiling(setting: Setting) -> AbstractContextManager[object]:
    """Within it, what is compiled is compiled by its first run, never left eager in silence.

    torch gives up after eight shapes of one forward, of all its instances together.
    """
    if not setting.compile:
        return nullcontext()
    import torch._dynamo.config as config

    return config.patch(  # type: ignore[no-any-return]
        recompile_limit=2**16,
        accumulated_recompile_limit=2**16,
        fail_on_recompile_limit_hit=True,
    )


def _runner(network: Network, setting: Setting, given: Arguments) -> Run:
    """What one timed pass calls."""
    net: Callable[..., object] = network.net
    if setting.compile:
        # One shape a subject: a graph for any shape would be slower.
        net = torch.compile(network.net, dynamic=False)
    positional, named = given.positional, given.named
    if setting.train:
        return _step(network, net, given)
    if setting.graph:
        return _graph(lambda: net(*positional, **named))
    return lambda: net(*positional, **named)


def _step(network: Network, net: Callable[..., object], given: Arguments) -> Run:
    """Forward, and backward from every output; no loss, no optimiser."""
    parameters = [p for p in network.net.parameters() if p.requires_grad]

    def step() -> None:
        for parameter in parameters:
            parameter.grad = None
        targets = trainable(outputs_of(net(*given.positional, **given.named)))
        torch.autograd.backward(targets, [torch.ones_like(t) for t in targets])

    return step


def _graph(run: Run) -> Run:
    """Capture the pass as a CUDA graph: one launch for all kernels."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side), torch.inference_mode():
        for _ in range(3):  # algorithms are chosen and memory is taken outside the capture
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(side), torch.inference_mode(), torch.cuda.graph(graph, stream=side):
        output = run()

    def replay(kept: Run = run) -> object:  # with its input, which the graph reads at its address
        graph.replay()
        return output

    return replay


def _laid_out(given: Arguments, setting: Setting) -> Arguments:
    """Arguments in the layout asked for: channels last for images, [N, C, H, W]."""
    if not setting.channels_last:
        return given

    def converted(x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x

    return given.each(converted)
