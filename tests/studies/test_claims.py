"""Claims: each verdict from its band, each number counted or trained for real."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from cnnbench.devices.machine import Machine
from cnnbench.errors import InputError, SpecError
from cnnbench.progress import Progress
from cnnbench.studies.depth.batch_norm import BatchNorm
from cnnbench.studies.depth.digits import digits
from cnnbench.studies.depth.training import accuracy
from cnnbench.studies.papers.claims import study, trained
from cnnbench.studies.papers.claims.claim import (
    Answer,
    Band,
    Claim,
    ClaimVerdict,
    Need,
    Setup,
    about,
    at_least,
    at_most,
)
from cnnbench.studies.papers.claims.study import CLAIMS, chosen, findings, record
from cnnbench.timing.session import StopRule

from ..zoo import costly


@pytest.fixture
def setup() -> Setup:
    return Setup(Machine.find("cpu", 1), StopRule(0.5, 0.3))


def outside(edge: float, upwards: bool) -> float:
    return math.nextafter(edge, math.inf if upwards else -math.inf)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_each_verdict_has_a_case_on_either_side_of_each_edge(claim: Claim) -> None:
    band = claim.band
    assert band.wide_low <= band.low <= band.high <= band.wide_high
    for edge, upwards in ((band.low, False), (band.high, True)):
        if math.isfinite(edge):
            assert band.verdict(edge) is ClaimVerdict.CONFIRMED
            assert band.verdict(outside(edge, upwards)) is ClaimVerdict.QUALIFIED
    for edge, upwards in ((band.wide_low, False), (band.wide_high, True)):
        if math.isfinite(edge):
            assert band.verdict(edge) is ClaimVerdict.QUALIFIED
            assert band.verdict(outside(edge, upwards)) is ClaimVerdict.REFUTED
    assert band.verdict(math.nan) is ClaimVerdict.REFUTED
    assert "confirms" in claim.threshold and "qualifies" in claim.threshold


def test_bands_say_what_they_hold() -> None:
    assert about(10, 0.1, 0.5) == Band(9, 11, 5, 15)
    assert at_least(2, 1).words(str) == "at least 2 confirms, at least 1 qualifies"
    assert at_most(1, 2).words(str) == "at most 1 confirms, at most 2 qualifies"
    assert Band(8, 9, 6, 11).words(str) == "8 … 9 confirms, 6 … 11 qualifies"


# Counted by hand or from published.csv where there is a figure; the rest by the commands that the
# claims abbreviate (compare, scale, flops).
EXPECTED = {
    "lenet5_params": (60_000, ClaimVerdict.CONFIRMED),
    "alexnet_params": (60_965_224, ClaimVerdict.CONFIRMED),
    "vgg16_params": (138_357_544, ClaimVerdict.CONFIRMED),
    "vgg_doubling": (1, ClaimVerdict.CONFIRMED),
    "bottleneck_macs": (120_422_400 / 12_443_648, ClaimVerdict.CONFIRMED),
    "separable_macs": (0, ClaimVerdict.CONFIRMED),
    "mobilenet_macs": (4_867_293_184 / 568_740_352, ClaimVerdict.CONFIRMED),
    "inception_blow_up": (12_568_061_056 / 1_582_671_872, ClaimVerdict.CONFIRMED),
    "small_between": (112 * 112 * 96 / (112 * 112 * 16), ClaimVerdict.CONFIRMED),
    "compound_growth": (1.939, ClaimVerdict.CONFIRMED),
    "compound_balance": (0.906, ClaimVerdict.CONFIRMED),
    "shortcuts_free": (0, ClaimVerdict.CONFIRMED),
}


def test_what_is_counted_comes_to_its_number(setup: Setup) -> None:
    done = findings(chosen([], static=True), setup)
    assert {row.claim.name for row in done.rows} == set(EXPECTED)
    for row in done.rows:
        value, verdict = EXPECTED[row.claim.name]
        assert row.found is not None, row.failure
        assert row.found.value == pytest.approx(value, rel=2e-3, abs=1e-12), row.claim.name
        assert row.verdict is verdict and row.found.detail


@costly
def test_lenet_learns_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least 95% of the fifth that it has not seen, with tanh, after a third of the claim's time.

    `cnnbench published` trains it for as long as the claim has it, and reaches 98%.
    """
    monkeypatch.setattr(trained, "_EPOCHS", 2)
    given, net = digits((1, 32, 32)), trained.lenet("tanh", 0)
    before = torch.random.get_rng_state()
    trained.taught(net, given, 0)
    assert accuracy(net, given.held_images, given.held_labels) >= 0.95
    assert torch.equal(torch.random.get_rng_state(), before)


def test_lenet_takes_the_other_activations() -> None:
    for name, kind in (("tanh", torch.nn.Tanh), ("sigmoid", torch.nn.Sigmoid)):
        layers = [type(layer) for layer in trained.lenet(name, 0).children()]
        assert layers.count(kind) == 4
    same = [trained.lenet(name, 3).state_dict()["c1.weight"] for name in ("tanh", "ReLU")]
    assert torch.equal(*same)


def test_what_is_timed_has_its_interval(setup: Setup) -> None:
    (row,) = findings(chosen(["bottleneck_time"], static=False), setup).rows
    assert row.found is not None and row.found.interval is not None, row.failure
    low, high = row.found.interval
    assert 0 <= low <= row.found.value <= high and "95% of reruns" in row.found.detail


def test_an_interval_is_confirmed_or_refuted_as_a_whole() -> None:
    band = Band(8, 9, 6, 11)
    assert band.verdict(8, 9) is ClaimVerdict.CONFIRMED
    assert band.verdict(7.9, 9) is band.verdict(5, 6) is band.verdict(0, math.inf)
    assert band.verdict(0, math.inf) is ClaimVerdict.QUALIFIED
    assert band.verdict(5, 5.9) is band.verdict(11.1, 20) is ClaimVerdict.REFUTED


@costly
def test_short_trainings_give_their_numbers(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trained, "_STEPS", 3)
    monkeypatch.setattr(trained, "_SEEDS", 1)
    names = ["degradation", "residual_depth", "residual_trains", "weight_decay_bare"]
    said: list[str] = []
    setup = replace(setup, progress=Progress(part=lambda text, done, of: said.append(text)))
    done = findings(chosen(names, static=False), setup)
    assert set(setup.losses) == {
        (model, seed) for model in ("plain20", "plain56", "resnet20", "resnet56") for seed in (0,)
    }
    assert [row.claim.name for row in done.rows] == names
    assert all(row.found and row.found.value > 0 for row in done.rows)
    assert any("plain56, loss" in text for text in said)
    losses = [row.found.detail for row in done.rows[:3] if row.found]
    assert losses[0].startswith("plain56 2.") and "of 3 steps" in losses[0]


def test_a_gradient_has_the_decades_of_its_interval(setup: Setup) -> None:
    found = trained._gradient("plain20@resolution=8,width_mult=0.5", setup, BatchNorm.WITH, batch=4)
    assert found.interval is not None
    low, high = found.interval
    assert 0 <= low <= found.value <= high < 3


def of(value: float | Exception) -> Claim:
    def find(_: Setup) -> Answer:
        if isinstance(value, (Exception, KeyboardInterrupt)):
            raise value
        return Answer(value, "so")

    return Claim("x", "It is 1", "nobody", "1", about(1, 0.1, 0.2), Need.COUNTING, find)


def test_one_that_fails_has_its_reason_and_the_rest_go_on(setup: Setup) -> None:
    done = findings([of(1.0), of(InputError("no")), of(1.15), of(2.0)], setup)
    assert [row.failure for row in done.rows] == ["", "no", "", ""]
    assert [record(row)["verdict"] for row in done.rows] == [
        *("confirmed", None, "qualified", "refuted")
    ]


def test_ctrl_c_keeps_what_was_found(setup: Setup) -> None:
    done = findings([of(1.0), of(KeyboardInterrupt())], setup)  # type: ignore[arg-type]
    assert done.interrupted and len(done.rows) == 1
    with pytest.raises(KeyboardInterrupt):
        findings([of(KeyboardInterrupt())], setup)  # type: ignore[arg-type]


def test_claims_are_chosen_by_name() -> None:
    assert [claim.name for claim in chosen(["vgg_doubling"], static=True)] == ["vgg_doubling"]
    assert len({claim.name for claim in study.CLAIMS}) == len(study.CLAIMS)
    with pytest.raises(SpecError, match="did you mean vgg_doubling"):
        chosen(["vgg_double"], static=False)
    with pytest.raises(SpecError, match="takes training; leave --static out"):
        chosen(["lenet5_digits"], static=True)
