"""Commits that change a network, or do not: what a check says of each, and its exit code."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

import cnnbench
from cnnbench.counting.metrics import STATIC
from cnnbench.errors import CnnbenchError
from cnnbench.guard import baseline as baselines

from .scratch import Scratch

ALL = {
    "macs",
    "params",
    "peak_activation_bytes",
    "activations",
    "elementwise_flops",
    "bytes_moved",
}
SECOND = "nn.Conv2d(8, 16, 3, padding=1),"


def changed(rows: list[dict]) -> dict[str, dict]:
    return {row["metric"]: row for row in rows if row["status"] != "unchanged"}


def hold_all(scratch: Scratch) -> None:
    """Guard every static cost."""
    names = ", ".join(f'"{metric}"' for metric in STATIC)
    file = scratch.folder / "pyproject.toml"
    scratch.write("pyproject.toml", f"[tool.cnnbench]\nguard = [{names}]\n{file.read_text()}")


def test_nothing_changed(scratch: Scratch) -> None:
    code, rows = scratch.check()
    assert code == 0
    assert {row["metric"] for row in rows} == ALL
    assert {row["status"] for row in rows} == {"unchanged"}
    assert scratch.run("check") == 0
    assert "1 model checked, none with other costs" in scratch.out
    assert scratch.git("status", "--porcelain") == ""  # no bytecode either


def test_a_wider_layer(scratch: Scratch) -> None:
    scratch.change("nn.Conv2d(8, 16", "nn.Conv2d(8, 20")
    scratch.change("nn.Linear(16", "nn.Linear(20")
    code, rows = scratch.check()
    macs = changed(rows)["macs"]
    assert code == 1
    assert (macs["model"], macs["status"], macs["limit"]) == (
        "nets:Net",
        "over tolerance",
        macs["baseline"],
    )
    assert macs["current"] - macs["baseline"] == 4 * 8 * 9 * 256 + 4 * 10
    first, second = macs["layers"]
    assert (first["layer"], first["change"]) == ("features.2", "reshaped")
    assert first["before"] == "conv2d 3x3 8→16, 16x16x16"
    assert first["after"] == "conv2d 3x3 8→20, 16x16x20"
    assert first["difference"] == 4 * 8 * 9 * 256 == first["current"] - first["baseline"]
    assert (second["layer"], second["difference"]) == ("head", 40)
    assert scratch.run("check") == 1
    assert "features.2" in scratch.out and "+73.7 k" in scratch.out


def test_an_added_layer_is_named_though_it_renames_those_after_it(scratch: Scratch) -> None:
    scratch.change(SECOND, f"nn.Conv2d(8, 8, 3, padding=1),\n            nn.ReLU(),\n {SECOND}")
    code, rows = scratch.check()
    assert code == 1
    layers = changed(rows)["macs"]["layers"]
    assert [(c["layer"], c["change"], c["before"]) for c in layers] == [("features.2", "added", "")]


def test_a_larger_kernel(scratch: Scratch) -> None:
    scratch.change(SECOND, "nn.Conv2d(8, 16, 5, padding=2),")
    code, rows = scratch.check()
    assert code == 1
    assert set(changed(rows)) == {"macs", "params", "bytes_moved"}
    assert changed(rows)["macs"]["layers"][0]["after"] == "conv2d 5x5 8→16, 16x16x16"


def test_a_slower_or_faster_forward_of_the_same_cost_is_unchanged(scratch: Scratch) -> None:
    slow = "        sum(range(9**5))\n        return self.head"
    scratch.change("        return self.head", slow)
    assert scratch.check("--strict")[0] == 0
    scratch.commit("slower")
    scratch.change(slow, "        return self.head")
    assert scratch.check("--strict")[0] == 0


def test_a_cost_that_fell_must_be_recorded_if_strict(scratch: Scratch) -> None:
    scratch.change("            nn.ReLU(),\n        )", "        )")
    code, rows = scratch.check()
    assert code == 0
    fell = changed(rows)
    assert set(fell) == {"elementwise_flops", "bytes_moved", "peak_activation_bytes"}
    assert {metric for metric, row in fell.items() if row["status"] == "fell"} == {
        "peak_activation_bytes"
    }
    assert [c["change"] for c in fell["bytes_moved"]["layers"]] == ["removed"]
    assert scratch.check("--strict")[0] == 1
    assert scratch.run("baseline") == 0
    assert "-40%" in scratch.out
    assert scratch.check("--strict")[0] == 0


def test_the_peak_names_the_layers_that_reach_it(scratch: Scratch) -> None:
    scratch.change("            nn.ReLU(),\n        )", "            nn.Tanhshrink(),\n        )")
    code, rows = scratch.check()
    peak = changed(rows)["peak_activation_bytes"]
    assert code == 1
    assert [c["layer"] for c in peak["layers"]] == ["features.3"]
    assert peak["layers"][0]["current"] == peak["current"] > peak["baseline"]


def test_the_layers_are_those_of_the_cost_that_rose(scratch: Scratch) -> None:
    hold_all(scratch)
    separable = "nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1),"
    scratch.change(SECOND, separable)
    code, rows = scratch.check()
    statuses = {metric: row["status"] for metric, row in changed(rows).items()}
    assert code == 1
    assert (statuses["macs"], statuses["bytes_moved"]) == ("fell", "over tolerance")
    assert scratch.run("check") == 1
    assert "activations by layer" in scratch.out and "MACs by layer" not in scratch.out


def test_a_rise_that_rounding_hides_is_shown_to_the_last_digit(scratch: Scratch) -> None:
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, 11)")
    assert scratch.run("check") == 1
    assert "350,368" in scratch.out and "350,384" in scratch.out


def test_another_input_that_the_network_carries_cannot_be_told(scratch: Scratch) -> None:
    scratch.change(
        "class Net(nn.Module):\n", "class Net(nn.Module):\n    input_shape = (3, 9, 9)\n"
    )
    scratch.change('input = "3x16x16"\n', "", "pyproject.toml")
    assert scratch.run("baseline") == 0
    scratch.change("(3, 9, 9)", "(3, 8, 8)")
    assert scratch.check()[0] == 2
    assert "recorded with an input of 1x3x9x9 float32, which has changed" in scratch.err


def test_what_is_not_guarded_does_not_fail(scratch: Scratch) -> None:
    """By default MACs, params and peak memory; a tolerance or `guard` holds others."""
    scratch.change("nn.Linear(16, 10)", "nn.Sequential(nn.Linear(16, 10), nn.ReLU())")
    code, rows = scratch.check()
    assert code == 0
    assert changed(rows)["elementwise_flops"]["status"] == "not guarded"
    hold_all(scratch)
    code, rows = scratch.check()
    assert code == 1
    assert changed(rows)["elementwise_flops"]["status"] == "over tolerance"
    model = '[[tool.cnnbench.model]]\nname = "nets:Net"\n'
    scratch.change(model, f'{model}guard = "macs"\n', "pyproject.toml")
    assert scratch.check()[0] == 0


def test_a_check_that_passes_shows_what_changed(scratch: Scratch) -> None:
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, 11)")
    model = '[[tool.cnnbench.model]]\nname = "nets:Net"\n'
    scratch.change(
        model, f"{model}tolerance = {{ macs = '1%', params = '2%' }}\n", "pyproject.toml"
    )
    assert scratch.run("check") == 0
    assert "within tolerance" in scratch.out


def test_tolerances_and_limits(scratch: Scratch) -> None:
    hold_all(scratch)
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, 11)")
    tolerant = "[tool.cnnbench]\ntolerance = { macs = '1%', params = 17, bytes_moved = '76B' }\n"
    scratch.change("[tool.cnnbench]\n", tolerant, "pyproject.toml")
    code, rows = scratch.check()
    found = changed(rows)
    assert code == 1
    assert {metric: row["status"] for metric, row in found.items()} == {
        "macs": "within tolerance",
        "params": "within tolerance",
        "bytes_moved": "within tolerance",
        "activations": "over tolerance",
    }
    assert found["params"]["limit"] == found["params"]["current"]
    model = '[[tool.cnnbench.model]]\nname = "nets:Net"\n'
    scratch.change(model, f"{model}tolerance = {{ activations = 1 }}\n", "pyproject.toml")
    assert scratch.check()[0] == 0
    scratch.change(model, f'{model}max_macs = "300k"\n', "pyproject.toml")
    code, rows = scratch.check()
    assert code == 1
    assert (changed(rows)["macs"]["status"], changed(rows)["macs"]["limit"]) == (
        "over limit",
        300_000,
    )


def test_a_model_that_is_not_recorded_cannot_be_told(scratch: Scratch) -> None:
    more = '\n[[tool.cnnbench.model]]\nname = "lenet5"\nmax_macs = 1\n'
    scratch.write("pyproject.toml", (scratch.folder / "pyproject.toml").read_text() + more)
    code, rows = scratch.check()
    assert code == 2
    assert scratch.err == (
        "cnnbench: lenet5: not in cnnbench-baseline.json yet; "
        "record it: cnnbench baseline --only 'lenet5'\n"
    )
    assert changed(rows)["macs"]["status"] == "over limit"  # which needs no baseline
    assert scratch.check("--only", "nets:Net")[0] == 0
    assert scratch.run("baseline", "--only", "lenet5") == 0
    scratch.change("max_macs = 1\n", "", "pyproject.toml")
    assert scratch.check()[0] == 0
    scratch.change('\n[[tool.cnnbench.model]]\nname = "lenet5"\n', "", "pyproject.toml")
    assert scratch.check()[0] == 0  # no longer guarded: told, and to a strict check a fault
    assert scratch.check("--strict")[0] == 1
    assert (
        scratch.run("check") == 0
        and "lenet5: in the baseline, but no longer guarded; record that" in scratch.out
    )
    assert scratch.run("check", "--only", "vgg16") == 2
    assert "pyproject.toml guards no 'vgg16'; it guards nets:Net 3x16x16" in scratch.err


def test_a_model_that_no_longer_builds_cannot_be_told(scratch: Scratch) -> None:
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16)")
    code, rows = scratch.check()
    assert code == 2
    assert scratch.err.startswith("cnnbench: nets:Net 3x16x16: cannot build nets:Net: TypeError")
    assert [row["status"] for row in rows] == ["cannot tell"]
    before = scratch.baseline.read_text()
    assert scratch.run("baseline") == 2
    assert scratch.baseline.read_text() == before


def test_an_operator_outside_the_convention_cannot_be_told(scratch: Scratch) -> None:
    scratch.change("self.features(x).mean((2, 3))", "self.features(x).mean((2, 3)).i0()")
    assert scratch.check()[0] == 2
    assert "operators that the convention does not know have changed (i0)" in scratch.err
    assert scratch.run("baseline") == 0
    assert scratch.check()[0] == 0


def test_another_input_of_the_same_model_is_another_row(scratch: Scratch) -> None:
    more = (
        '\n[[tool.cnnbench.model]]\nname = "nets:Net"\ninput = "3x8x8"\nbatch = 2\ntrain = true\n'
    )
    scratch.write("pyproject.toml", (scratch.folder / "pyproject.toml").read_text() + more)
    assert scratch.run("baseline", "--only", "nets:Net") == 0
    code, rows = scratch.check()
    assert code == 0
    labels = {row["label"] for row in rows}
    assert labels == {"nets:Net 3x16x16", "nets:Net 3x8x8 batch 2 train"}


def test_from_below_and_by_the_path_of_a_configuration(
    scratch: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scratch.folder / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(scratch.folder / "deep/er")
    assert scratch.check()[0] == 0
    monkeypatch.chdir("/")
    assert scratch.run("check") == 2
    assert "no configuration here or above" in scratch.err
    assert scratch.run("check", "--config", str(scratch.folder / "pyproject.toml")) == 0


def test_formats(scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch.change(SECOND, "nn.Conv2d(8, 16, 5, padding=2),")
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert scratch.run("check", "--format", "github") == 1
    (annotation,) = [line for line in scratch.out.splitlines() if line.startswith("::")]
    assert annotation.startswith("::error title=cnnbench%3A nets%3ANet 3x16x16::MACs 350 k → ")
    assert "features.2 conv2d 5x5 8→16" in annotation and "(+150%25)" in annotation
    text = summary.read_text()
    assert text.startswith("before\n## cnnbench\n") and "| features.2 |" in text

    assert scratch.run("check", "--output", "junit.xml") == 1
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "2", "0")
    failure = suite.find("testcase[@name='macs']/failure")
    assert failure is not None and "features.2 conv2d 5x5" in str(failure.get("message"))

    assert scratch.run("check", "--format", "csv") == 1
    rows = list(csv.DictReader(io.StringIO(scratch.out)))
    assert len(rows) == 6 and rows[0]["layers"] == "features.2"
    assert scratch.run("check", "--format", "markdown") == 1
    assert scratch.out.startswith("### nets:Net 3x16x16\n")


def test_another_torch_is_named_where_a_cost_changed(scratch: Scratch) -> None:
    older = baselines.read(scratch.baseline).model_copy(update={"torch": "1.2"})
    scratch.baseline.write_text(baselines.as_text(older), "utf-8")
    assert scratch.run("check") == 0 and "recorded with" not in scratch.out
    scratch.change(SECOND, "nn.Conv2d(8, 16, 5, padding=2),")
    assert scratch.run("check") == 1
    said = " ".join(scratch.out.split())
    assert "nets:Net 3x16x16: recorded with cnnbench 0.1.0 and torch 1.2" in said


def test_junit_of_what_cannot_be_told(scratch: Scratch) -> None:
    scratch.change("nn.Linear(16, 10)", "nn.Linear(16, '\\x00\\n<&')")
    assert scratch.run("check", "--format", "junit") == 2
    suite = ElementTree.fromstring(scratch.out)
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")
    assert scratch.run("check", "--format", "github") == 2
    (annotation,) = [line for line in scratch.out.splitlines() if line.startswith("::")]
    assert "cannot build nets:Net" in annotation
    scratch.baseline.unlink()
    assert scratch.run("check", "--format", "github") == 2
    (annotation,) = [line for line in scratch.out.splitlines() if line.startswith("::")]
    assert "there is no cnnbench-baseline.json yet" in annotation


def test_the_api_returns_what_violates(
    scratch: Scratch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cnnbench.check() == []
    scratch.change(SECOND, "nn.Conv2d(8, 16, 5, padding=2),")
    scratch.run("list")  # forgets what has been imported
    capsys.readouterr()
    found = cnnbench.check(scratch.folder / "pyproject.toml")
    assert [(f.metric, f.status) for f in found] == [
        (metric, "over tolerance") for metric in ("macs", "params")
    ]
    assert found[0].layers[0].layer == "features.2"
    assert capsys.readouterr() == ("", "")
    scratch.baseline.unlink()
    with pytest.raises(CnnbenchError, match=r"there is no cnnbench-baseline.json yet"):
        cnnbench.check()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["check", "--device", "cpu"], "give --against REVISION"),
        (["check", "--max-time", "0"], "--max-time 0 makes no sense"),
        (["check", "--threads", "0", "--against", "HEAD"], "--threads 0 cannot compute"),
        (["check", "--format", "yaml"], "'table', 'json'"),
        (["check", "--against", "nosuch"], "git knows no revision 'nosuch' here"),
        (["check", "--against", "--all"], "git knows no revision '--all' here"),
        (["check", "--config", "nosuch.toml"], "cannot read nosuch.toml: No such file"),
        (["baseline", "--only", "nets:Nets"], "did you mean nets:Net 3x16x16?"),
        (["baseline", "--output", "nowhere/x.json"], "there is no folder nowhere"),
        (["baseline", "-o", "cnnbench-baseline.json"], "would lose cnnbench-baseline.json"),
        (["check", "-o", "./pyproject.toml"], "cannot write pyproject.toml in that format"),
    ],
)
def test_bad_usage(scratch: Scratch, arguments: list[str], complaint: str) -> None:
    assert scratch.run(*arguments) == 2
    assert scratch.out == "" and scratch.err.count("\n") == 1
    assert complaint in scratch.err


def test_the_result_is_the_documents_contract(scratch: Scratch) -> None:
    assert scratch.run("check", "--format", "json") == 0
    document = json.loads(scratch.out)
    assert document["command"] == "check"
    keys = {"model", "metric", "baseline", "current", "limit", "status", "layers"}
    assert all(keys <= set(row) for row in document["results"])
