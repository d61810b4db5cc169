"""What a back end is: something that runs a network on a device. A module can be one."""

from __future__ import annotations

from typing import Protocol

from cnnbench.devices.clocks import Run
from cnnbench.devices.device import Device
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.setting import Setting


class Backend(Protocol):
    """A way to run a network on a device."""

    def check(self, setting: Setting, device: Device) -> None:
        """DeviceError for a setting that it cannot run there."""
        ...

    def prepare(self, network: Network, setting: Setting, given: Arguments) -> Run:
        """What one timed pass calls, which has run once.

        The network is on its device, converted, fused and in its mode; the arguments lie there
        in their layout. Whatever it raises becomes one line that names the network. Of a runtime
        that is not torch the call has an `output_error`, the largest difference of its outputs
        from eager's over the largest value.
        """
        ...
