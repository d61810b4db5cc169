"""What a device can do at most, measured: arithmetic, memory, and the cost of asking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.devices.clocks import Run, clock
from cnnbench.devices.device import Device
from cnnbench.errors import DeviceError, reason_of
from cnnbench.models.zoo.layers import relu, sequence

DTYPES = ("float32", "float16", "bfloat16", "float64")
_SECONDS = 0.4  # of samples, after the speed has settled
_SAMPLE_S = 0.02
_SIDE = {"cpu": 2048, "cuda": 8192, "mps": 4096}  # of the matrices
_CALLS = 1000


def flops_per_s(device: Device, dtype: str) -> float:
    """Sustained FLOP/s of a square matrix product, 2 n³ each.

    On CUDA, float32 uses the tensor cores' TF32 where torch's convolutions do, which is their
    default. DeviceError where the device has no such product.
    """
    side = _SIDE[device.kind]
    if device.kind == "cpu" and dtype in ("float16", "bfloat16"):
        side //= 2  # without instructions for them a product takes seconds
    try:
        a, b = (_normal(device, dtype, side, side) for _ in range(2))
        out = torch.empty_like(a)
        with _tensor_cores(device):
            seconds = sustained(device, lambda: torch.matmul(a, b, out=out))
    except (RuntimeError, TypeError) as error:
        raise DeviceError(f"{device} has no {dtype} product: {reason_of(error)}") from error
    return float(2 * side**3 / seconds)


def bytes_per_s(device: Device, working_set: int) -> float:
    """Bytes read and written per second by a copy whose two ends take `working_set` bytes."""
    elements = max(1, working_set // 8)
    source = torch.ones(elements, device=device.torch)
    target = torch.zeros_like(source)
    return 2 * 4 * elements / sustained(device, lambda: target.copy_(source))


def working_sets(device: Device) -> list[int]:
    """Working sets from 1 MiB by 8 within the last-level cache, what it holds, and four times that.

    At most an eighth of the free memory.
    """
    free, cache = device.free_bytes(), device.cache_bytes
    most = 4 * cache if free is None else max(2**20, free // 8)
    within = [2**20 * 8**n for n in range(8) if 2**20 * 8**n <= cache // 2]
    return sorted({min(size, most) for size in (*within, cache, 4 * cache)})


def call_s(device: Device) -> float:
    """Seconds that one operator costs whatever it computes: of many, on one element."""
    x = torch.zeros(1, device=device.torch)

    def calls() -> None:
        for _ in range(_CALLS):
            torch.add(x, x)

    return sustained(device, calls) / _CALLS


def layer_s(device: Device) -> float:
    """Seconds that a layer costs beside its operator: the Python around it.

    Units of a convolution, batch norm and ReLU, nested as networks nest them (a unit in a block in
    a stage), against the same operators, all on one element.
    """
    x = torch.zeros(1, 1, 1, 1, device=device.torch)
    conv, norm = nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1)
    unit = sequence(conv=conv, norm=norm, act=relu())
    block = sequence(stage=sequence(block=unit)).eval().to(device.torch)
    given = (norm.running_mean, norm.running_var, norm.weight, norm.bias)

    def layers() -> None:
        for _ in range(_CALLS // 10):
            block(x)

    def operators() -> None:
        for _ in range(_CALLS // 10):
            torch.relu_(F.batch_norm(F.conv2d(x, conv.weight), *given))

    return max(sustained(device, layers) - sustained(device, operators), 0.0) / (3 * _CALLS // 10)


def allocation_s(device: Device, size: int) -> float:
    """Seconds that writing `size` bytes takes longer where the memory is new: it is paged in."""
    elements = size // 4
    kept = torch.empty(elements, device=device.torch)
    new = sustained(device, lambda: torch.empty(elements, device=device.torch).fill_(1.0))
    return max(new - sustained(device, lambda: kept.fill_(1.0)), 0.0)


def allocations(device: Device) -> list[int]:
    """Sizes of tensors below and beyond what an allocator keeps; none on a GPU, which keeps all."""
    if device.kind != "cpu":
        return []
    free = device.free_bytes() or 2**30
    return [size for size in (2**23, 2**25, 2**27) if size <= free // 4]


def sustained(device: Device, run: Run) -> float:
    """Seconds of one run, after a third of the time has warmed the device up.

    On a GPU the median, since a clock's burst is not what it sustains; on a processor the fastest
    sample of 20 ms, since others' load is not what it can do at most.
    """
    watch = clock(device.torch)
    with torch.inference_mode(), device.active():
        watch.seconds(run)
        once = max(watch.seconds(run), 1e-7)
        repeats = max(1, round(_SAMPLE_S / once))
        taken: list[float] = []
        start = perf_counter()
        while perf_counter() - start < 1.5 * _SECONDS or len(taken) < 4:
            taken.append(watch.seconds(run, repeats) / repeats)
        settled = taken[len(taken) // 3 :]
    return float(min(settled) if device.kind == "cpu" else np.median(settled))


def _normal(device: Device, dtype: str, *shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    made = torch.randn(*shape, generator=generator)
    return made.to(device.torch, getattr(torch, dtype))


@contextmanager
def _tensor_cores(device: Device) -> Iterator[None]:
    """Let matrix products round as the device's convolutions do."""
    if device.kind != "cuda":
        yield
        return
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before
