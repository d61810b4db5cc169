"""A back end: every pass twice."""

from __future__ import annotations

from cnnbench.devices.clocks import Run
from cnnbench.devices.device import Device
from cnnbench.errors import DeviceError
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.setting import Setting


def check(setting: Setting, device: Device) -> None:
    """DeviceError for training."""
    if setting.train:
        raise DeviceError("twice trains nothing; leave --train out")


def prepare(network: Network, setting: Setting, given: Arguments) -> Run:
    """Two forward passes."""

    def run() -> object:
        network.net(*given.positional, **given.named)
        return network.net(*given.positional, **given.named)

    run()
    return run
