"""Networks made ready to be timed: each is built once, whatever batches and back ends it has."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from cnnbench.counting.cost import Trace
from cnnbench.counting.files import file_of
from cnnbench.counting.totals import Totals
from cnnbench.devices.device import Device
from cnnbench.errors import CnnbenchError, InputError, MemoryShortage
from cnnbench.models.given import Inputs
from cnnbench.models.network import Model, Network
from cnnbench.progress import SILENT, Progress
from cnnbench.timing.backends import EAGER
from cnnbench.timing.preparing.prepared import Prepared, called, prepare, prepare_file, ready
from cnnbench.timing.setting import Setting, check

_STEP = 8  # the search for the largest batch ends within an eighth


class Builder:
    """Builds networks on a device, with weights and inputs of one seed."""

    def __init__(
        self, device: Device, seed: int, progress: Progress = SILENT, *, settle: bool = True
    ) -> None:
        """Nothing is built yet; `settle` as `prepare` has it."""
        self._device, self._seed, self._say = device, seed, progress.say
        self._settle = settle
        self._networks: dict[tuple[object, ...], Network] = {}

    def prepared(
        self,
        model: Model | Network,
        given: Inputs | None,
        setting: Setting,
        known: Trace | Totals | None = None,
        *,
        largest: bool = False,
    ) -> Prepared:
        """The network in that setting, which has run once.

        CnnbenchError says why it cannot; with `largest`, also which batch fits in memory.
        """
        check(setting, self._device)
        short: MemoryShortage | None = None
        if (file := file_of(model)) is not None:
            self._say(doing(str(file), setting))
            return prepare_file(
                file, given, setting, self._device, self._seed, known, settle=self._settle
            )
        network = self._network(model, given, setting)
        self._say(doing(called(model), setting))
        try:
            return prepare(network, setting, self._device, self._seed, known, settle=self._settle)
        except MemoryShortage as error:
            short = MemoryShortage(str(error))  # the failed pass's tensors go with the first
        except CnnbenchError:
            self._device.release()
            raise
        self._device.release()
        if largest:
            self._say(f"looking for the largest batch of {called(model)}")
            fits = largest_batch(network, setting, self._device, self._seed)
            short = MemoryShortage(f"{short}; {fits}")
        raise short

    def _network(self, model: Model | Network, given: Inputs | None, setting: Setting) -> Network:
        name = called(model)
        one = id(model) if isinstance(model, (nn.Module, Network)) else name
        key = (one, replace(setting, batch=1, backend=EAGER, dtype=setting.weights))
        if key not in self._networks:
            self._say(f"building {name}")
            self._networks[key] = ready(model, given, setting, self._device, self._seed)
        return self._networks[key]


def doing(name: str, setting: Setting) -> str:
    """What is being done as a network is made ready."""
    verb = "compiling" if setting.backend in ("compile", "freeze") else "preparing"
    where = "" if setting.backend == EAGER else f" in {setting.backend}"
    return f"{verb} {name} at batch {setting.batch}{where}"


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
