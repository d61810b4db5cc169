"""Ceilings and their cache: measured once, kept with a date, measured again where in doubt."""

from pathlib import Path

import pytest

from cnnbench.counting.cost import Cost
from cnnbench.devices.device import Device, find_device
from cnnbench.devices.warnings import warning
from cnnbench.errors import DeviceError
from cnnbench.roofline import calibrate as profiling
from cnnbench.roofline import ceilings, profile
from cnnbench.roofline.bound import Bound, bound, least_seconds
from cnnbench.roofline.probes import apart, hold, probes
from cnnbench.roofline.profile import Profile

CPU = find_device("cpu")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(profiling, "user_cache_path", lambda name: tmp_path / name)
    return tmp_path / "cnnbench"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is measured, without measuring it."""
    log: list[str] = []

    def flops(device: Device, dtype: str) -> float:
        log.append(dtype)
        if dtype == "float64":
            raise DeviceError("none")
        return 1e11

    def copied(device: Device, size: int) -> float:
        log.append(f"copy {size > device.cache_bytes}")
        return 1e10

    monkeypatch.setattr(ceilings, "flops_per_s", flops)
    monkeypatch.setattr(ceilings, "bytes_per_s", copied)
    monkeypatch.setattr(ceilings, "call_s", lambda device: 1e-6)
    monkeypatch.setattr(ceilings, "working_sets", lambda device: [1, 2 * device.cache_bytes])
    monkeypatch.setattr(profiling.Disturbances, "warnings", lambda watch: [])
    return log


def test_what_is_kept_is_not_measured_again(asked: list[str], cache: Path) -> None:
    first = profiling.calibrate(CPU, 2, ["float32", "int64", "float32"])
    assert asked == ["float32"] and first.flops_per_s == {"float32": 1e11}
    again = profiling.calibrate(CPU, 2, ["float32", "float16"], memory=True)
    assert asked == ["float32", "float16", "copy False", "copy True"]
    assert again.measured == first.measured and again.ridge_point("float16") == 10.0
    assert profiling.calibrate(CPU, 2, ["float16"], memory=True) == again and len(asked) == 4
    profiling.calibrate(CPU, 1, ["float32"])
    assert len(asked) == 5, "another number of threads is another profile"
    profiling.calibrate(CPU, 2, ["float32"], start=profiling.stored(CPU, 2, refresh=True))
    assert len(asked) == 6
    assert len(list(cache.rglob("*.json"))) == 2


def test_a_dtype_without_a_product_is_left_out(asked: list[str]) -> None:
    assert profiling.calibrate(CPU, 2, ["float64", "float32"]).flops_per_s == {"float32": 1e11}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "null", '{"device": "cpu"}', "\x00\xff", '{"flops_per_s": {"float32": -1}}'],
)
def test_a_cache_that_cannot_be_read_is_none(asked: list[str], content: str) -> None:
    profiling.calibrate(CPU, 2, ["float32"])
    file = profiling.path(CPU, 2)
    file.write_bytes(content.encode("latin-1"))
    assert profiling.calibrate(CPU, 2, ["float32"]).flops_per_s == {"float32": 1e11}
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [('"torch":"', '"torch":"0'), ("100000000000.0", "NaN"), ("100000000000.0", "-1.0")],
)
def test_another_torchs_or_an_absurd_one_is_none(asked: list[str], old: str, new: str) -> None:
    profiling.calibrate(CPU, 2, ["float32"])
    file = profiling.path(CPU, 2)
    text = file.read_text().replace('": ', '":')
    assert old in text
    file.write_text(text.replace(old, new))
    assert profiling.calibrate(CPU, 2, ["float32"]).flops_per_s == {"float32": 1e11}
    assert len(asked) == 2


def test_a_folder_that_cannot_be_written_is_no_failure(asked: list[str], cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    assert profiling.calibrate(CPU, 2, ["float32"]).flops_per_s == {"float32": 1e11}


def test_what_was_measured_while_disturbed_is_not_kept(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        profiling.Disturbances, "warnings", lambda watch: [warning("other_load", cores=1.0)]
    )
    assert profiling.calibrate(CPU, 2, ["float32"]).flops_per_s == {"float32": 1e11}
    assert profiling.calibrate(CPU, 2, ["float32"]).flops_per_s and len(asked) == 2
    monkeypatch.setattr(profiling.Disturbances, "warnings", lambda watch: [warning("battery")])
    assert profiling.calibrate(CPU, 2, ["float32"]).flops_per_s and len(asked) == 3
    assert profiling.calibrate(CPU, 2, ["float32"]).flops_per_s and len(asked) == 3


def test_a_profile_that_no_longer_holds_is_measured_anew(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {"product_s": 1e-3, "copy_s": 1e-4}
    busy = False
    monkeypatch.setattr(profiling, "hold", hold)
    monkeypatch.setattr(profiling, "probes", lambda device: dict(state))
    monkeypatch.setattr(profiling.Disturbances, "warnings", lambda watch: [])
    monkeypatch.setattr(profiling.Disturbances, "busy", lambda watch: busy)

    def times_measured() -> int:
        profiling.calibrate(CPU, 2, ["float32"])
        return len(asked)

    assert times_measured() == times_measured() == 1
    state["product_s"] *= 1.4
    assert times_measured() == 1, "machines differ by so much from minute to minute"
    state["copy_s"] *= 2
    busy = True
    assert times_measured() == 1, "another measurement would be no better"
    busy = False
    assert times_measured() == 2, "it was measured in another state"
    assert times_measured() == 2
    kept = profiling.stored(CPU, 2).model_copy(update={"operators_disturbed": True})
    profiling.keep(kept, CPU)
    assert times_measured() == 3, "its operators were disturbed"


def test_probes_are_of_this_machine() -> None:
    found = probes(CPU)
    assert len(found) == 4 and all(1e-8 < seconds < 1 for seconds in found.values())
    assert apart(found, found) == 1.0 and hold(found, {})
    assert apart({"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 1.0}) == pytest.approx(1 / 3)


def test_working_sets_grow_to_beyond_the_cache() -> None:
    sizes = ceilings.working_sets(CPU)
    assert sizes == sorted(set(sizes)) and len(sizes) >= 2
    assert sizes[-1] > sizes[-2] and sizes[0] == 2**20


def test_real_ceilings_are_of_a_computer() -> None:
    assert 1e8 < ceilings.flops_per_s(CPU, "float32") < 1e16
    assert 1e8 < ceilings.bytes_per_s(CPU, 2**22) < 1e14
    assert 1e-8 < ceilings.call_s(CPU) < 1e-2


ROOFS = Profile(
    device="cpu",
    name="x",
    torch="x",
    threads=1,
    measured="2026-01-01T00:00:00Z",  # type: ignore[arg-type]
    flops_per_s={"float32": 1e12},
    copies=[
        profile.Copy(working_set=10**4, bytes_per_s=1e12),
        profile.Copy(working_set=5 * 10**5, bytes_per_s=1e11),
        profile.Copy(working_set=10**7, bytes_per_s=1e10),
    ],
    cache_bytes=10**6,
    call_s=1e-5,
)


@pytest.mark.parametrize(
    ("cost", "held_by", "seconds"),
    [
        (Cost(macs=10**9, bytes_moved=10**6), Bound.COMPUTE, 2e-3),
        (Cost(macs=10**6, bytes_moved=10**8), Bound.MEMORY, 1e-2),
        (Cost(macs=10**3, bytes_moved=5 * 10**5), Bound.OVERHEAD, 1e-5),  # 5 us from the cache
        (Cost(macs=10**3, bytes_moved=6 * 10**5), Bound.MEMORY, 6e-5),  # from memory
        (Cost(elementwise_flops=10**9), Bound.COMPUTE, 1e-3),
        (Cost(), Bound.OVERHEAD, 1e-5),
    ],
)
def test_the_bound_is_what_takes_longest(cost: Cost, held_by: Bound, seconds: float) -> None:
    least = least_seconds(cost, ROOFS, "float32")
    assert bound(least) is held_by
    assert least[held_by] == pytest.approx(seconds)


def test_ceilings_that_were_not_measured_bound_nothing() -> None:
    bare = ROOFS.model_copy(update={"copies": [], "call_s": None})
    assert list(least_seconds(Cost(bytes_moved=10**8), bare, "float16")) == []
    assert bound({}) is None
