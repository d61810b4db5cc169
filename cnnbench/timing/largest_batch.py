"""How large a batch fits: tried, not guessed."""

from __future__ import annotations

from dataclasses import replace

from cnnbench.devices.device import Device
from cnnbench.errors import InputError, MemoryShortage
from cnnbench.models.network import Network
from cnnbench.timing.prepared import prepare
from cnnbench.timing.setting import Setting

_STEP = 8  # the search ends within an eighth


def largest_batch(network: Network, setting: Setting, device: Device, seed: int = 0) -> str:
    """Halve the batch until one pass runs, then close in; say what did fit.

    Every batch is really run, but for those of which the count says that they cannot fit. One that
    fails for another reason fits no more than one that is too large.
    """
    failed, fits = setting.batch, 0
    size = failed // 2
    while size >= 1 and not fits:
        if _runs(network, replace(setting, batch=size), device, seed):
            fits = size
        else:
            failed, size = size, size // 2
    if not fits:
        return "not even batch 1 fits"
    while failed - fits > max(1, fits // _STEP):
        middle = (fits + failed) // 2
        if _runs(network, replace(setting, batch=middle), device, seed):
            fits = middle
        else:
            failed = middle
    return f"the largest batch that did fit is {fits} ({failed} did not)"


def _runs(network: Network, setting: Setting, device: Device, seed: int) -> bool:
    try:
        prepare(network, setting, device, seed).seconds(1)
    except (MemoryShortage, InputError):
        return False
    finally:
        device.release()
    return True
