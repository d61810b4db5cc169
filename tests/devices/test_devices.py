"""Devices: those that are there, in one line those that are not; clocks that wait for them."""

from pathlib import Path

import pytest
import torch

from cnnbench.devices import clocks, device
from cnnbench.devices.device import find_device
from cnnbench.errors import DeviceError


def test_the_best_there_is() -> None:
    assert str(find_device()) == str(find_device(device.available()[-1]))
    assert device.available()[0] == "cpu"
    here = find_device("cpu")
    assert str(here) == "cpu" and here.name and here.cache_bytes >= 2**18
    assert (here.free_bytes() or 1) > 0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("cpuu", "unknown device 'cpuu' (did you mean cpu"),
        ("", "unknown device ''"),
        ("cuda:x", "unknown device 'cuda:x'"),
        ("cpu:1", "there is no cpu:1"),
        ("tpu", "here there is --device cpu"),
    ],
)
def test_no_such_device(name: str, words: str) -> None:
    with pytest.raises(DeviceError) as caught:
        find_device(name)
    assert words in str(caught.value) and "--device cpu" in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_no_gpu_says_why() -> None:
    with pytest.raises(DeviceError, match=r"(cuda|CUDA).*--device cpu"):
        find_device("cuda")


def test_several_gpus_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_numbers", lambda: {"cpu": 1, "cuda": 2, "mps": 0})
    assert device.available() == ["cpu", "cuda:1", "cuda:0"]
    assert str(find_device()) == "cuda:0" and str(find_device("cuda:1")) == "cuda:1"
    with pytest.raises(DeviceError, match=r"no cuda:2; here there is --device cpu, cuda:1, cuda:0"):
        find_device("cuda:2")


def test_free_memory_is_within_the_groups_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, text in {
        "memory.max": "1000000",
        "memory.current": "400000",
        "memory.stat": "anon 300000\ninactive_file 50000\n",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(device, "groups", lambda controller: [tmp_path])
    assert find_device("cpu").free_bytes() == 650000
    (tmp_path / "memory.max").write_text("max")
    assert (find_device("cpu").free_bytes() or 0) > 650000


class Asynchronous:
    """A device that returns at once and works on; the host's clock moves as it is waited for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.pending = 0.0, 0.0
        monkeypatch.setattr(clocks, "perf_counter", lambda: self.now)

    def launch(self) -> None:
        self.now += 1e-6
        self.pending += 0.01

    def wait(self) -> None:
        self.now += self.pending
        self.pending = 0.0


def test_the_waiting_clock_counts_what_the_device_does(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Asynchronous(monkeypatch)
    device.launch()  # somebody else's work must not be in the sample
    waiting = clocks.WaitingClock(device.wait)
    assert waiting.seconds(device.launch, 5) == pytest.approx(0.05 + 5e-6)
    naive = clocks.CpuClock()
    assert naive.seconds(device.launch, 5) == pytest.approx(5e-6), "what others read"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpus_events_see_its_kernels() -> None:
    device = torch.device("cuda")
    a = torch.randn(4096, 4096, device=device)
    events, wall = clocks.clock(device), clocks.WaitingClock(torch.cuda.synchronize)
    assert isinstance(events, clocks.CudaClock)
    events.seconds(lambda: a @ a)  # the first loads the library
    for watch in (events, wall):
        one, four = (watch.seconds(lambda: a @ a, repeats) for repeats in (1, 4))
        assert 0 < one < four
