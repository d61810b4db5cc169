"""How a network is run: everything beside the network itself that its time depends on."""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench.counting.count import read_dtype
from cnnbench.devices.cores import MOST_THREADS, Threads
from cnnbench.devices.device import Device
from cnnbench.errors import DeviceError
from cnnbench.models.inputs import batched


@dataclass(frozen=True)
class Setting:
    """One way to run a network.

    `dtype` is None for the network's own. `fuse` folds batch norm into the convolution before it,
    `graph` replays a CUDA graph, `train` takes a training step without loss and optimiser.
    """

    batch: int = 1
    dtype: str | None = None
    channels_last: bool = False
    compile: bool = False
    fuse: bool = False
    graph: bool = False
    train: bool = False


def check(setting: Setting, device: Device, threads: Threads) -> None:
    """DeviceError or ShapeError for what no network can do there."""
    batched((), setting.batch)
    if setting.dtype is not None:
        read_dtype(setting.dtype)
    if threads.number < 1:
        raise DeviceError(f"{threads.number} threads cannot compute; give at least 1")
    if threads.number > MOST_THREADS:
        raise DeviceError(f"{threads.number} threads are too many; give at most {MOST_THREADS}")
    if setting.graph and device.kind != "cuda":
        raise DeviceError(f"--graph replays a CUDA graph, which {device} has not; leave it out")
    if setting.graph and setting.train:
        raise DeviceError("--graph captures a forward pass; leave --train or --graph out")
    if setting.fuse and setting.train:
        raise DeviceError("--fuse folds batch norm, which training needs; leave one of them out")
    if device.kind == "mps" and setting.dtype == "float64":
        raise DeviceError("mps has no float64; use --dtype float32, or --device cpu")
