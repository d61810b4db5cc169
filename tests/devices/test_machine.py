"""A machine: the device and the threads that are asked for, or the best there are."""

import pytest

from cnnbench.devices.cores import MOST_THREADS, Threads, threads
from cnnbench.devices.device import find_device
from cnnbench.devices.machine import Machine
from cnnbench.errors import DeviceError


def test_the_best_machine_there_is() -> None:
    found = Machine.find()
    assert str(found.device) == str(find_device()) and found.threads == threads()


def test_a_machine_as_asked() -> None:
    found = Machine.find("cpu", 2)
    assert found.threads == Threads(2, "as asked") and str(found) == "cpu, 2 threads"
    assert str(Machine.find("cpu", 1)) == "cpu, 1 thread"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "--threads 0 cannot compute; give at least 1"),
        (-3, "--threads -3 cannot compute"),
        (MOST_THREADS + 1, f"are too many; give at most {MOST_THREADS}"),
    ],
)
def test_threads_have_bounds(number: int, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        Machine.find("cpu", number)


def test_a_variable_is_held_against_the_bounds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(MOST_THREADS + 1))
    with pytest.raises(DeviceError, match="too many"):
        Machine.find("cpu")


def test_no_such_device() -> None:
    with pytest.raises(DeviceError, match="unknown device 'tpu'"):
        Machine.find("tpu")
