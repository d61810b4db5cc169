"""This project guards its own zoo, as its pyproject.toml says."""

from cnnbench.guard import config
from cnnbench.guard.baseline import read
from cnnbench.guard.check import static
from cnnbench.guard.finding import Status
from cnnbench.models.registry import BLOCKS, MODELS

from ..commands import ROOT
from ..conftest import zoo


def test_every_model_and_block_is_guarded_and_costs_what_is_recorded() -> None:
    found = config.read(ROOT / "pyproject.toml")
    assert found.baseline == "results/costs.json"
    labels = [guarded.label.partition("@")[0] for guarded in found.model]
    assert labels == [model.name for model in (*MODELS, *BLOCKS)]
    findings = static(found, found.model, whole=True)
    changed = [f"{f.label}: {f.metric}" for f in findings if f.status is not Status.UNCHANGED]
    assert changed == [], "where that is meant, accept it with: cnnbench baseline"


def test_what_is_recorded_is_the_accepted_table() -> None:
    recorded = read(ROOT / "results/costs.json").models
    for row in zoo():
        if row["model"] in recorded:
            costs = recorded[row["model"]]
            assert (costs.params, costs.macs) == (int(row["params"]), int(row["macs"]))
