"""A busy machine is not measured as if it were free: what is said, and what is not."""

import json
from pathlib import Path

import pytest

from cnnbench.devices.disturbances import Disturbances
from cnnbench.devices.warnings import warning
from cnnbench.timing.samples.history import History

from ..commands import command
from ..zoo import costly

QUICK = ("--max-time", "0.3", "--precision", "50%")
ALERT = "These times are not usable: other processes took 1.4 cores meanwhile; stop them, or wait"
FIT = ("fit", "mobilenet_v1", "--budget", "latency=9s,macs=50M", "--candidates", "20", *QUICK)
COMPARE = ("compare", "conv", "separable", "--shape", "14x14x32", *QUICK)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of which others take more than they may."""
    found = [warning("other_load", unusable=True, cores=1.4)]
    monkeypatch.setattr(Disturbances, "warnings", lambda watch: found)


@pytest.mark.usefixtures("busy")
@costly
class TestBusy:
    """What commands print there."""

    @pytest.mark.parametrize(
        "line",
        [
            ("time", "lenet5", *QUICK),
            COMPARE,
            FIT,
            ("scale", "resnet20", "--to", "2x", "--by", "width", *QUICK),
        ],
        ids=lambda line: line[0],
    )
    def test_it_is_said_first_and_the_rows_are_marked(self, line: tuple[str, ...]) -> None:
        done = command(*line)
        assert done.returncode == 0, done.stderr
        first, *_ = done.stdout.splitlines()
        assert first == ALERT
        assert "not usable" in done.stdout.removeprefix(ALERT)
        found = json.loads(command(*line, "--format", "json").stdout)
        about = found["environment"]
        assert about["reliable"] is False and "1.4 cores" in about["unreliable_because"]
        strict = command(*line, "--strict")
        assert strict.returncode == 1 and strict.stderr == f"cnnbench: {ALERT}\n"
        assert strict.stdout, "a figure with its warning is still an answer"

    def test_nothing_is_concluded(self) -> None:
        (row,) = json.loads(command(*COMPARE, "--format", "json").stdout)["results"]
        assert row["verdict"] == "not usable" and row["measured_speedup"] > 0
        assert row["explanation"].endswith("its times are not usable, so nothing is said of them")

    def test_nothing_is_chosen(self) -> None:
        found = json.loads(command(*FIT, "--format", "json").stdout)
        assert all(not one["chosen"] and one["meets"] is None for one in found["results"])
        assert "▶" not in command(*FIT).stdout and "Nothing is chosen" in command(*FIT).stdout
        tight = [word.replace("9s", "1ns") for word in FIT]
        assert command(*tight).returncode == 0, "nor is it said that nothing fits"

    def test_a_row_says_so_and_the_history_does_not_learn(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept: list[object] = []
        monkeypatch.setattr(History, "keep", lambda history, values: kept.append(values))
        (row,) = json.loads(command("time", "lenet5", *QUICK, "--format", "json").stdout)["results"]
        assert row["reliable"] is False and not kept

    def test_a_sweep_marks_it_and_measures_it_again(self, tmp_path: Path) -> None:
        line = ("sweep", "--models", "lenet5", *QUICK, "--output", str(tmp_path / "run"))
        done = command(*line, "--strict")
        assert done.returncode == 1 and "1 configuration of which the times" in done.stderr
        shown = command("report", str(tmp_path / "run"))
        assert shown.stdout.startswith("The times of 1 configuration are not usable")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Disturbances, "warnings", lambda watch: [])
            assert "1 configuration" in command(*line, "--retry").stdout
        shown = command("report", str(tmp_path / "run"))
        assert shown.returncode == 0 and "not usable" not in shown.stdout


def test_a_free_machine_is_usable() -> None:
    found = json.loads(command("time", "lenet5", *QUICK, "--strict", "--format", "json").stdout)
    assert found["environment"]["reliable"] is True
    assert found["environment"]["unreliable_because"] is None


def test_quick_says_what_it_is() -> None:
    done = command("time", "lenet5", "--quick", CNNBENCH_PROCESSES="3")
    assert done.returncode == 0 and "one process and one burst" in " ".join(done.stdout.split())
