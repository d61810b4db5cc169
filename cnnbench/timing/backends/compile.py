"""`compile`: the network compiled by torch.compile, for the shapes that it is given."""

from __future__ import annotations

import torch

from cnnbench.devices.clocks import Run
from cnnbench.devices.device import Device
from cnnbench.models.arguments import Arguments
from cnnbench.models.network import Network
from cnnbench.timing.backends.eager import passing
from cnnbench.timing.setting import Setting


def check(setting: Setting, device: Device) -> None:
    """Nothing: what cannot be compiled says so itself."""


def prepare(network: Network, setting: Setting, given: Arguments) -> Run:
    """The compiled pass."""
    return compiled(network, setting, given)


def compiled(
    network: Network, setting: Setting, given: Arguments, options: dict[str, bool] | None = None
) -> Run:
    """The compiled pass; compiled by its first run, never left eager in silence.

    torch gives up after eight shapes of one forward, of all its instances together.
    """
    import torch._dynamo.config as config

    # One shape a network: a graph for any shape would be slower.
    called = torch.compile(network.net, dynamic=False, options=options)  # type: ignore[arg-type]
    run = passing(called, network.net, setting, given)
    with config.patch(
        recompile_limit=2**16,
        accumulated_recompile_limit=2**16,
        fail_on_recompile_limit_hit=True,
    ):
        run()
    return run
