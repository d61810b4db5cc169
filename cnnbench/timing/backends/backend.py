"""What a back end is: something that runs a network on a device. A module can be one."""

from __future__ import annotations

from typing import Protocol

from cnnbench.devices.clocks import Run
from cnnbench.devices.device import Device
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.setting import Setting


class Backend(Protocol):
    """A way to run a network on a device.

    A module may also have `PROCESS`, the runtime in whose processes it runs, `PACKAGE`, what that
    is installed as where its name is another, `LAYERS`, whether its nodes are timed, `opened`,
    which runs a file as it stands, `check_export`, which raises MissingError where nothing here
    makes such files.
    """

    def check(self, setting: Setting, device: Device) -> None:
        """DeviceError for a setting that it cannot run there."""
        ...

    def prepare(self, network: Network, setting: Setting, given: Arguments) -> Run:
        """What one timed pass calls, which has run once.

        The network is on its device, converted, fused and in its mode; the arguments lie there
        in their layout. Whatever it raises becomes one line that names the network. Of a runtime
        that is not torch the call is a `runtime.Pass`: it has a `ran`, what was made of the
        network, and may have a `watch`, which times its nodes.
        """
        ...
