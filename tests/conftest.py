"""What several tests share: the accepted zoo, a library, a machine."""

from __future__ import annotations

import csv
import os
import signal
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import pytest
import torch
from hypothesis import HealthCheck, settings

from cnnbench.devices import disturbances
from cnnbench.devices.disturbances import Disturbances
from cnnbench.roofline import calibrate
from cnnbench.timing.samples.history import History

from . import machines
from .commands import ROOT
from .libraries import operators_for_torchvision
from .zoo import EVERY, skipped

if find_spec("torchvision"):
    operators_for_torchvision()

# A busy machine makes no example wrong.
settings.register_profile(
    "cnnbench",
    deadline=None,
    max_examples=60 if EVERY else 30,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("cnnbench")


keep, settled = History.keep, Disturbances.settled  # which other tests than theirs do without


def pytest_configure(config: pytest.Config) -> None:
    # In the background of a shell Ctrl-C is ignored, also by what tests start and interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)  # the tests run side by side
    os.environ["OMP_NUM_THREADS"] = "1"  # what they measure and start, too
    os.environ["CNNBENCH_PROCESSES"] = "0"  # few of them are about workers
    # Other tests are what disturbs, and no test's runs are another's.
    Disturbances.settled = lambda watch, say: None  # type: ignore[method-assign]
    calibrate.hold = lambda now, before: True  # type: ignore[assignment]
    disturbances._UNUSABLE = disturbances._UNUSABLE_STOLEN = 1e9
    History.keep = lambda history, values: None  # type: ignore[method-assign]
    # The user's own is none of theirs, and few of them measure the machine.
    os.environ.update(machines.calibrated(ROOT / ".pytest_cache"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("costly") and not EVERY:
            item.add_marker(skipped)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: some tests wait for Slurm, a browser, a killed process."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else 2


def library(name: str) -> ModuleType:
    """timm or torchvision; the test is skipped where it is not there or does not import."""
    try:
        return import_module(name)
    except Exception as error:  # torchvision's import fails in many ways beside another torch
        if os.environ.get("CNNBENCH_LIBRARIES"):  # CI has installed them
            raise
        pytest.skip(f"{name} cannot be imported: {error}")


def zoo() -> list[dict[str, str]]:
    """The accepted numbers: one row a model, from the papers and two independent counters."""
    with open(ROOT / "tests/counting/zoo.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def quick_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is measured in a second, and that nothing disturbs."""
    machines.quick(monkeypatch)
