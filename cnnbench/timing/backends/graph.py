"""`graph`: the forward pass captured as a CUDA graph, one launch for all kernels."""

from __future__ import annotations

import torch

from cnnbench.devices.clocks import Run
from cnnbench.devices.device import Device
from cnnbench.errors import DeviceError
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.backends.eager import passing
from cnnbench.timing.setting import Setting


def check(setting: Setting, device: Device) -> None:
    """DeviceError for another device than CUDA's, and for training."""
    if device.kind != "cuda":
        raise DeviceError(
            f"the back end graph needs a CUDA device, not {device}; leave --graph out"
        )
    if setting.train:
        raise DeviceError(
            "the back end graph captures a forward pass; leave --train or --graph out"
        )


def prepare(network: Network, setting: Setting, given: Arguments) -> Run:
    """The replay of the captured pass."""
    run = passing(network.net, network.net, setting, given)
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

    replay()
    return replay
