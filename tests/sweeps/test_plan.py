"""A plan: the product of its axes, from TOML or from options."""

from pathlib import Path

import pytest

from cnnbench.errors import CnnbenchError, ConfigError
from cnnbench.sweeps.plan import Configuration, planned, read
from cnnbench.timing.setting import Setting


def test_a_plan_is_the_product_of_its_axes(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(
        'models = ["mobilenet", "lenet5"]\nbatch = [1, 8]\ndtype = "bfloat16"\n'
        "channels_last = [false, true]\n"
    )
    of = read(file).configurations()
    assert len(of) == 8
    assert of[0] == Configuration("mobilenet_v1", Setting(1, "bfloat16"))
    assert of[-1] == Configuration("lenet5", Setting(8, "bfloat16", channels_last=True))


def test_a_point_stands_once() -> None:
    of = planned({"models": ["mobilenet", "mobilenet_v1"], "batch": [1, 1]}, "x").configurations()
    assert of == [Configuration("mobilenet_v1")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("models = [", "no TOML"),
        ("batch = 1", "it has no models; write models: names of networks, or all"),
        ("models = []", "models"),
        ('models = "nosuch"', "unknown model 'nosuch'"),
        ('models = "lenet5"\nbatches = 2', "no 'batches'; it takes models, batch"),
        ('models = "lenet5"\nbatch = 0', "batch cannot be 0; it takes numbers from 1"),
        ('models = "lenet5"\nbatch = 1.5', "batch cannot be 1.5"),
        ('models = "lenet5"\ndtype = "float8"', "dtype cannot be 'float8'; it takes float"),
        ('models = "lenet5"\nthreads = 0', "threads"),
        ('models = "lenet5"\ninput = "3x"', "malformed shape '3x'"),
        ('models = "lenet5"\nset = 1', "set cannot be 1; it takes a table of keywords"),
        (
            'models = "lenet5"\nchannels_last = "both"',
            "channels_last cannot be 'both'; it takes false, true or both",
        ),
    ],
)
def test_a_plan_that_is_wrong_says_where(text: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read(file)


def test_a_plan_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(CnnbenchError, match=r"cannot read .*none.toml: No such file"):
        read(tmp_path / "none.toml")
