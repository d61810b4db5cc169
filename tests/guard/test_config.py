"""The configuration: what it takes, and that what it does not take is one line."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnbench import units
from cnnbench.counting.metrics import Metric
from cnnbench.errors import ConfigError
from cnnbench.guard import config
from cnnbench.guard.fields import Tolerance
from cnnbench.reports.guide import DOCS

GOOD = """
[tool.cnnbench]
baseline = "costs.json"
tolerance = { macs = "0%", peak_activation_bytes = "1%", bytes_moved = "64KiB", params = 10 }

[[tool.cnnbench.model]]
name = "resnet50"
max_macs = "4.1G"
max_params = 26_000_000
max_peak_activation_bytes = "12MiB"
max_latency_ratio = 1.02
tolerance = { macs = "0.1%" }

[[tool.cnnbench.model]]
name = "package.nets:detector@width=2"
input = ["3x320x320", "mask:bool=320x320"]
batch = 8
dtype = "float16"
train = true
"""


def read(folder: Path, text: str, name: str = "pyproject.toml") -> config.Config:
    (folder / name).write_text(text, "utf-8")
    return config.read(folder / name)


def test_what_it_takes(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    first, second = found.model
    assert found.baseline_file == tmp_path / "costs.json"
    assert (first.max_macs, first.max_params) == (4_100_000_000, 26_000_000)
    assert first.exceeded(Metric.PEAK, 12 * 2**20 + 1) == 12 * 2**20
    assert first.exceeded(Metric.PEAK, 12 * 2**20) is None
    assert first.exceeded(Metric.BYTES, 2**60) is None
    assert found.tolerated(first, Metric.MACS) == Tolerance(share=Fraction(1, 1000))
    assert found.tolerated(second, Metric.MACS) == Tolerance()
    assert found.tolerated(second, Metric.BYTES) == Tolerance(units=65536)
    assert first.label == "resnet50"
    assert second.label == (
        "package.nets:detector@width=2 3x320x320 mask:bool=320x320 batch 8 float16 train"
    )
    assert found.chosen(["resnet50"]) == [first]
    assert (first.max_latency_ratio, second.max_latency_ratio) == (1.02, 1.05)


def test_a_file_of_its_own_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    (tmp_path / "below/pyproject.toml").write_text("[project]\nname = 'x'\n")
    read(tmp_path, GOOD)
    assert config.find().folder == tmp_path  # what says nothing of us is passed by
    (tmp_path / "cnnbench.toml").write_text('[[model]]\nname = "lenet5"\n')
    assert [guarded.name for guarded in config.find().model] == ["lenet5"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[tool.cnnbench", "is no TOML"),
        ("[project]", "has no [tool.cnnbench]"),
        ("[tool.cnnbench]", "it has no model"),
        ("[tool.cnnbench]\nmodel = []", "it guards no model"),
        ("[tool.cnnbench]\nmodel = 3", "write [[tool.cnnbench.model]]"),
        ("[tool.cnnbench.model]\nname = 'lenet5'", "write [[tool.cnnbench.model]]"),
        ("[tool.cnnbench]\nmodels = []", "unknown key 'models' (did you mean model?)"),
        ("[tool.cnnbench]\nfile = 'x'", "unknown key 'file'"),
        ("[[tool.cnnbench.model]]\ninput = '3x8x8'", "model 1: it has no name"),
        ("tool.cnnbench.model = [3]", "model 1: not a table; write { name = '3' }"),
        ("[[tool.cnnbench.model]]\nname = 'resnt50'", "unknown model 'resnt50'"),
        ("[[tool.cnnbench.model]]\nname = 3", "model 3: name: input should be a valid string"),
        ("[tool.cnnbench]\nmodel = ['lenet5']", "not a table; write { name = 'lenet5' }"),
        ("{}max_mac = 1", "unknown key 'max_mac' (did you mean max_macs"),
        ("{}max_macs = '500MB'", "max_macs: '500MB' is no count; write '500M'"),
        ("{}max_macs = -1", "-1 is no count"),
        ("{}max_macs = true", "true is no count"),
        ("{}max_macs = 'nan'", "'nan' is no count"),
        ("{}max_macs = '0.5'", "'0.5' is no count"),
        ("{}max_peak_activation_bytes = '8 MiBB'", "no size; write '8MiB'"),
        ("{}batch = 0", "batch: input should be greater than or equal to 1"),
        ("{}batch = '8'", "batch: input should be a valid integer"),
        ("{}dtype = 'float8'", "dtype: input should be 'float32'"),
        ("{}input = 3", "3 is no input; write '3x224x224'"),
        ("{}input = []", "is no input"),
        ("{}input = '3x0x8'", "side of 0"),
        ("{}input = '3x99999999x99999999'", "too large"),
        ("{}train = 'yes'", "train: input should be a valid boolean"),
        ("{}max_latency_ratio = 0", "max_latency_ratio: input should be greater than 0"),
        ("{}max_latency_ratio = true", "max_latency_ratio: input should be a valid number"),
        ("{}max_latency_ratio = nan", "max_latency_ratio: input should be"),
        ("{}guard = ['mac']", "guard has no cost 'mac' (did you mean macs"),
        ("{}guard = []", 'guard is empty; write guard = ["macs"]'),
        ("{}guard = 3", "guard has no cost 3"),
        ("{}tolerance = 'none'", "tolerance is a table by metric"),
        ("{}tolerance = {{ mac = '1%' }}", "unknown metric 'mac' (did you mean macs"),
        ("{}tolerance = {{ macs = '-1%' }}", "'-1%' is no share; write '1%'"),
        ("{}tolerance = {{ macs = '1e400000%' }}", "is no share; write '1%'"),
        ("{}tolerance = {{ macs = 0.01 }}", "0.01 is no tolerance; write '1%' or '10k'"),
        ("{}tolerance = {{ latency_s = '1%' }}", "unknown metric 'latency_s'"),
        ("{}[[tool.cnnbench.model]]\nname = 'lenet5'", "guards lenet5 twice"),
        ("{}[tool.cnnbench]\nbaseline = 'costs.txt'", "no name of a .json file"),
    ],
)
def test_what_it_does_not_take(tmp_path: Path, text: str, complaint: str) -> None:
    model = "[[tool.cnnbench.model]]\nname = 'lenet5'\n"
    text = text.replace("{}[tool.cnnbench]\n", "[tool.cnnbench]\n") + (
        "\n" + model if "baseline" in text else ""
    )
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text.format(model) if "{}" in text else text)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).startswith("pyproject.toml")


def test_advice_is_for_the_file_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"write \[\[model\]\]$"):
        read(tmp_path, "model = 3", "cnnbench.toml")
    with pytest.raises(ConfigError, match="characters that cannot be shown"):
        read(tmp_path, '[[model]]\nname = "a\\u0000"', "cnnbench.toml")


@pytest.mark.parametrize(
    ("text", "size", "value"),
    [
        ("500M", False, 500_000_000),
        ("1.5k", False, 1500),
        ("0", False, 0),
        ("2 G", False, 2_000_000_000),
        ("8MiB", True, 8 * 2**20),
        ("1.5 KiB", True, 1536),
        ("8MB", True, 8_000_000),
        ("76B", True, 76),
        ("76", True, 76),
    ],
)
def test_quantities(text: str, size: bool, value: int) -> None:
    assert units.quantity(text, size=size) == value


@given(st.integers(0, 2**62), st.fractions(0, 2, max_denominator=1000))
def test_a_tolerance_is_exact(baseline: int, share: Fraction) -> None:
    limit = Tolerance(share=share).limit(baseline)
    assert limit <= baseline * (1 + share) < limit + 1


def test_the_documentation_names_every_key() -> None:
    page = (DOCS / "reference/configuration.md").read_text("utf-8")
    for key in {*config.Config.model_fields, *config.Guarded.model_fields} - {"file"}:
        assert f"`{key}`" in page, key
