"""How a network is run: everything beside the network and the machine that its time depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from cnnbench.errors import CnnbenchError, DeviceError, SettingError
from cnnbench.models.inputs import Dtype, NumberFormat, batched, check_dtype
from cnnbench.timing import backends
from cnnbench.timing.backends.calibration_folder import files_in

if TYPE_CHECKING:
    from cnnbench.devices.device import Device


@dataclass(frozen=True)
class Setting:
    """One way to run a network; the only list of what such a way is.

    `dtype` is None for the network's own. `fuse` folds batch norm into the convolution before it,
    `train` takes a training step without loss and optimiser. `backend` is a name of
    `timing.backends`. `calibrate` is a folder of inputs that int8's scales are found with.
    """

    batch: int = 1
    dtype: str | None = None
    channels_last: bool = False
    backend: str = backends.EAGER
    fuse: bool = False
    train: bool = False
    calibrate: str | None = None

    @property
    def plain(self) -> bool:
        """Whether it is a contiguous, eager, unfused forward pass, which predictions are of."""
        return self == Setting(self.batch, self.dtype)

    @property
    def weights(self) -> str | None:
        """The dtype that the network's weights are converted to; a runtime converts by itself."""
        if self.dtype not in list(Dtype) or backends.process_of(self.backend) != backends.TORCH:
            return None
        return self.dtype

    def predicted_in(self, dtype: str) -> str:
        """The number format of a prediction, of a pass whose trace has that one."""
        own = backends.profiled(self.backend) is None
        return dtype if own else self.dtype or dtype

    def record(self) -> dict[str, Any]:
        """Plain data, with the two back ends that had a key of their own before there were more.

        What came later is left out where it is None, so that older records are known by the same.
        """
        own = asdict(self)
        later = {name: own.pop(name) for name in _LATER}
        given = {name: value for name, value in later.items() if value is not None}
        return {**own, **given, **{name: self.backend == name for name in _FORMER}}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Setting:
        """The setting of a record; of an old one, which has `compile` and no `backend`, too."""
        known = {field.name: record[field.name] for field in fields(cls) if field.name in record}
        former = next((name for name in _FORMER if record.get(name)), backends.EAGER)
        return cls(**{"backend": former, **known})

    def words(self, *names: str, usual: bool = False) -> list[str]:
        """What people call it, of the fields `names` or all; what is usual is left out, or said."""
        plain = Setting()
        return [
            said
            for name, say in _WORDS.items()
            if not names or name in names
            if usual or name == "batch" or getattr(self, name) != getattr(plain, name)
            if (said := say(getattr(self, name)))
        ]


def names(settings: Sequence[Setting]) -> dict[Setting, str]:
    """What settings are called where they stand side by side: by what differs."""
    differ = [
        name
        for name in ("dtype", "backend")
        if len({getattr(setting, name) for setting in settings}) > 1
    ]
    return {setting: " ".join(setting.words(*differ, usual=True)) for setting in settings}


_FORMER = ("compile", "graph")
_LATER = ("calibrate",)
_WORDS: dict[str, Callable[[Any], str]] = {
    "batch": lambda value: f"batch {value}",
    "dtype": lambda value: str(value or ""),
    "channels_last": lambda value: "channels last" if value else "contiguous",
    "backend": str,
    "fuse": lambda value: "fused" if value else "",
    "train": lambda value: "train" if value else "inference",
    "calibrate": lambda value: "",
}
assert list(_WORDS) == [field.name for field in fields(Setting)]


def calibrated(
    dtypes: Sequence[str | None], folder: str | None
) -> list[tuple[str | None, str | None]]:
    """Each dtype with the folder of inputs, where it is int8; SettingError where none is."""
    if folder is not None and NumberFormat.INT8 not in dtypes:
        raise SettingError("--calibrate finds the scales of int8; give --dtype int8 with it")
    return [(dtype, folder if dtype == NumberFormat.INT8 else None) for dtype in dtypes]


def check(setting: Setting, device: Device) -> None:
    """DeviceError or ShapeError for what no network can do there."""
    batched((), setting.batch)
    if setting.dtype is not None and backends.process_of(setting.backend) == backends.TORCH:
        check_dtype(setting.dtype)
    if setting.fuse and setting.train:
        raise DeviceError("--fuse folds batch norm, which training needs; leave one of them out")
    if device.kind == "mps" and setting.dtype == "float64":
        raise DeviceError("mps has no float64; use --dtype float32, or --device cpu")
    if setting.calibrate is not None:
        files_in(setting.calibrate)
    backends.find(setting.backend).check(setting, device)


def check_some(settings: Iterable[Setting], device: Device) -> None:
    """What `check` raises of the first, where no network can do any of them there."""
    first: CnnbenchError | None = None
    for setting in settings:
        try:
            check(setting, device)
        except CnnbenchError as error:
            first = first or error
        else:
            return
    if first is not None:
        raise first
