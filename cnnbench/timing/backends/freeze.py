"""`freeze`: the network compiled by torch.compile with its weights as constants.

So they are packed once, where a usual pass of PyTorch packs them anew, and batch norm is folded.
"""

from __future__ import annotations

from cnnbench.devices.clocks import Run
from cnnbench.devices.device import Device
from cnnbench.errors import DeviceError
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.backends.compile import compiled
from cnnbench.timing.setting import Setting


def check(setting: Setting, device: Device) -> None:
    """DeviceError for a training step, which changes weights."""
    if setting.train:
        raise DeviceError("freeze does not train; leave --train out")


def prepare(network: Network, setting: Setting, given: Arguments) -> Run:
    """The compiled pass."""
    return compiled(network, setting, given, {"freezing": True})
