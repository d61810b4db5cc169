"""Predictions are the arithmetic they claim to be, and files of ceilings are read or refused."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench.counting.cost import Kind, Trace
from cnnbench.counting.count import count
from cnnbench.devices.device import find_device
from cnnbench.errors import DeviceError
from cnnbench.models import registry
from cnnbench.roofline import grid, operators, profile, profile_file
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.kriging import Kriging
from cnnbench.roofline.predict import Predictor
from cnnbench.roofline.profile import Allocation, Profile
from cnnbench.roofline.sizes import Elementwise, Product, sampled_as, sizes_of

from .test_profile import ROOFS

CPU = find_device("cpu")
PLAIN = Profile(
    name="a datasheet",
    flops_per_s={"float32": 1e12},
    copies=[profile.Copy(working_set=0, bytes_per_s=1e10)],
    call_s=1e-5,
)


@pytest.mark.parametrize("model", ["lenet5", "resnet20", "mobilenet_v2", "conv", "separable"])
def test_a_datasheet_gives_the_roofline(model: str) -> None:
    trace = count(model)
    found = Predictor(PLAIN, "float32")(trace)
    least = [
        max((op.cost.flops + op.cost.elementwise_flops) / 1e12, op.cost.bytes_moved / 1e10) + 1e-5
        for op in trace.operators
    ]
    assert [op.seconds for op in found.operators] == pytest.approx(least)
    assert found.seconds == pytest.approx(sum(least))
    assert sum(found.share(bound) for bound in Bound) == pytest.approx(1.0)
    assert found.bound is not None
    assert found.share(found.bound) == max(found.share(bound) for bound in Bound)


def test_nothing_runs_in_no_time() -> None:
    nothing = Trace((), ((1, 3, 8, 8),), 768, "float32")
    found = Predictor(PLAIN, "float32")(nothing)
    assert found.seconds == 0 and found.bound is None and found.share(Bound.MEMORY) == 0


def test_new_memory_costs_as_the_next_smaller_one_measured() -> None:
    known = [Allocation(size=1000, seconds=0.0), Allocation(size=10_000, seconds=1e-3)]
    paged = PLAIN.model_copy(update={"allocations": known})
    assert [paged.allocation_s(size) for size in (10, 1000, 9999)] == [0, 0, 0]
    assert paged.allocation_s(20_000) == pytest.approx(2e-3)
    trace = count("conv")
    more = Predictor(paged, "float32")(trace).seconds - Predictor(PLAIN, "float32")(trace).seconds
    # convolution and batch norm write a new map, the ReLU does not
    assert more == pytest.approx(2 * 4 * 56 * 56 * 128 / 10_000 * 1e-3)


def sampled(**kinds: list[list[float]]) -> Profile:
    names = {name.replace("_x_", " x ").replace("__", " "): rows for name, rows in kinds.items()}
    return ROOFS.model_copy(update={"operators": {"float32": names}})


def test_an_operator_like_one_that_was_timed_takes_as_long() -> None:
    trace = count("conv@shape=28x28x64")
    size = sizes_of(trace.operators[0])
    assert size == Product(1, 64, 64, 784, 1, 3, 1, 1)
    others = [[*size._replace(channels=16 * n, filters=16 * n), 1e-3 * n] for n in (1, 2, 8, 16)]
    known = sampled(k_x_k__convolution=[*others, [*size, 0.25]])
    found = Predictor(known, "float32")(trace).operators[0]
    # a sample counts a little less than itself, as one of several
    assert 0.1 < found.seconds < 0.25
    alone = sampled(k_x_k__convolution=[[*size, 0.25]])
    assert Predictor(alone, "float32")(trace).operators[0].seconds == pytest.approx(0.25)


def test_in_place_is_another_operator() -> None:
    trace = count("conv@shape=28x28x64")
    number = 28 * 28 * 64
    known = sampled(relu=[[number, number, 1, 0.5]], relu_=[[number, number, 1, 0.125]])
    assert trace.operators[2].operator == "relu"
    assert Predictor(known, "float32")(trace).operators[2].seconds == pytest.approx(0.125)


def test_a_dtype_without_a_ceiling_is_told() -> None:
    with pytest.raises(DeviceError, match="a datasheet has no ceiling in float16, but in float32"):
        Predictor(PLAIN, "float16")


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.floats(0, 20), st.floats(-3, 3)), min_size=1, max_size=30
    )
)
def test_kriging_returns_the_median_far_away(rows: list[tuple[float, float, float]]) -> None:
    values = [value for *_, value in rows]
    between = Kriging([row[:2] for row in rows], values)
    assert between([(1e6, -1e6)])[0] == pytest.approx(float(np.median(values)))
    spread = max(values) - min(values) + 1e-9
    found = between([row[:2] for row in rows])
    assert all(min(values) - spread <= value <= max(values) + spread for value in found)


def test_kriging_returns_lonely_samples() -> None:
    positions, values = [(0.0,), (40.0,), (80.0,)], [1.0, 2.0, 4.0]
    assert list(Kriging(positions, values)(positions)) == pytest.approx(values, abs=0.1)


def test_the_grid_is_what_networks_are_made_of() -> None:
    samples = grid.grid()
    assert len(samples) < 1500
    kinds = {sample.kind for sample in samples}
    assert {str(Kind.CONVOLUTION), str(Kind.POINTWISE), str(Kind.DEPTHWISE), "linear"} <= kinds
    ran = {op.operator for model in registry.MODELS for op in count(model.name).operators}
    assert {"batch_norm", "relu", "silu", "max_pool2d", "add", "cat"} <= ran & kinds


@pytest.mark.parametrize("sample", grid.grid()[::9], ids=lambda sample: sample.kind)
def test_a_sample_is_found_where_its_operator_is(sample: grid.GridPoint) -> None:
    """The sizes under which it is kept are those that a trace of it has."""

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            shape = sample.weight or sample.shape
            self.more = torch.nn.Parameter(torch.empty(shape)) if sample.takes_two else None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            given = (x * 1, *([self.more] if self.more is not None else []))
            return sample.function(*given)

    batch, *shape = sample.shape
    first, *_, op = count(Net().eval(), tuple(shape), batch=batch).operators
    assert first.operator == "mul"
    in_place = sample.kind.endswith("_")
    assert sample.kind in sampled_as(op, in_place=in_place)
    known, sizes = sizes_of(op), sample.sizes
    assert known.outputs == sizes.outputs and known.macs == sizes.macs
    # weights and a second map, which is a parameter here, are no inputs of the trace
    distance = sum(abs(a - b) for a, b in zip(known.position, sizes.position, strict=True))
    assert distance <= 1.01


def test_a_few_operators_are_really_timed() -> None:
    wanted = ("1x1 convolution", "depthwise convolution", "linear", "max_pool2d", "relu_", "add")
    few = [next(sample for sample in grid.grid() if sample.kind == kind) for kind in wanted]
    sampling = operators.GridTimes(CPU, "float32", few)
    for _ in range(3):
        sampling.round()
    found = sampling.medians()
    assert set(found) == set(wanted)
    assert all(seconds > 0 for rows in found.values() for _, seconds in rows)
    sampling.forget()
    assert sampling.medians() == {}


def test_an_operator_that_the_device_has_not_is_left_out() -> None:
    def fails(x: object) -> object:
        raise RuntimeError("no kernel")

    sample = grid.GridPoint("odd", Elementwise(16, 16), (1, 1, 4, 4), fails)  # type: ignore[arg-type]
    sampling = operators.GridTimes(CPU, "float32", [sample])
    sampling.round()
    assert sampling.medians() == {}


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    rows = [[1, 64, 64, 28, 28, 3, 1, 1, 1.25e-4], [8, 3, 64, 112, 112, 7, 2, 1, 0.5]]
    timed = profile.Timed(model="lenet5", batch=1, dtype="float32", latency_s=1e-3)
    whole = sampled(k_x_k__convolution=rows, relu=[[10, 10, 1, 1e-6]]).model_copy(
        update={
            "networks": [timed],
            "allocations": [Allocation(size=8, seconds=0.0)],
            "disturbed": True,
        }
    )
    file = tmp_path / "device.toml"
    file.write_text(profile_file.as_toml(whole), "utf-8")
    assert profile_file.read(file) == whole
    assert file.read_text("utf-8").count("\n") < 120


def test_a_datasheet_can_be_typed(tmp_path: Path) -> None:
    file = tmp_path / "phone.toml"
    file.write_text("flops_per_s = { float32 = 1e12 }\nbytes_per_s = 1e10\ncall_s = 1e-5\n")
    assert profile_file.read(file) == PLAIN.model_copy(update={"name": "phone"})
    assert math.isclose(profile_file.read(file).ridge_point("float32") or 0, 100)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("flops_per_s = {", "is no TOML"),
        ("\x00", "is no TOML"),
        ("flops = 3", "flops: extra inputs are not permitted"),
        ("flops_per_s = 3", "flops_per_s: input should be a valid dictionary"),
        (
            "[flops_per_s]\nfloat32 = -1",
            "flops_per_s.float32: input should be greater than or equal to 1",
        ),
        ("[flops_per_s]\nfloat32 = inf", "flops_per_s.float32: input should be a finite number"),
        ("[flops_per_s]\nfloat32 = 'fast'", "flops_per_s.float32: input should be a valid number"),
        ("bytes_per_s = 0", "bytes_per_s: input should be greater than or equal to 1"),
        ("layer_s = nan", "layer_s"),
        ("", "has no flops_per_s; write flops_per_s = { float32 = 2.4e10 }"),
        ("flops_per_s = { float32 = 1e9 }", "has no bytes_per_s"),
        ("flops_per_s = { float32 = 1e9 }\nbytes_per_s = 1e9", "has no call_s"),
        ("call_s = 1e308", "call_s: input should be less than or equal to"),
        ("flops_per_s = { float32 = true }", "flops_per_s.float32: input should be a valid number"),
        ("bytes_per_s = 1" + "0" * 5000, "is no TOML"),
        ("a = " + "[" * 5000, "is no TOML"),
        ("[operators.float32]\nrelu = []", "float32 relu: a row is 4 numbers"),
        ("[operators.float32]\nrelu = [[1.0, 2.0, 3.0]]", "float32 relu: a row is 4 numbers"),
        ("[operators.float32]\nlinear = [[1, 1, 1, 1]]", "float32 linear: a row is 9 numbers"),
        ("[operators.float32]\nrelu = [[0.5, 1, 1, 1]]", "a row is 4 numbers: sizes from 1"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "device.toml"
    file.write_text(content)
    with pytest.raises(DeviceError) as error:
        profile_file.read(file)
    assert complaint in str(error.value) and str(error.value).startswith(str(file))


def test_a_name_is_whatever_the_file_says(tmp_path: Path) -> None:
    file = tmp_path / "device.toml"
    numbers = "flops_per_s = { float32 = 1e12 }\nbytes_per_s = 1e10\ncall_s = 1e-5\n"
    file.write_text(f'\ufeffname = "\\u001b[31mred\\nline\\u202e"\n{numbers}', "utf-8")
    assert profile_file.read(file).name == "\x1b[31mred\nline\u202e"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="'cnnbench device --output"):
        profile_file.read(tmp_path / "none.toml")
