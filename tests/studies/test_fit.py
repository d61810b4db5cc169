"""A fit: budgets as they are typed, candidates, and the choice against brute force."""

import math
import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnbench import units
from cnnbench.counting.chains import ChainCounter
from cnnbench.counting.cost import Trace
from cnnbench.counting.count import count
from cnnbench.counting.metrics import Metric
from cnnbench.errors import BudgetError, CnnbenchError, InputError, SpecError
from cnnbench.models.build import chain_of
from cnnbench.models.scale import Axis, moved, scalable
from cnnbench.models.spec import Spec, parse
from cnnbench.roofline.predict import Predictor
from cnnbench.roofline.profile import Profile
from cnnbench.studies.scaling.budget import Budget, Goal, parse_budget
from cnnbench.studies.scaling.fit import fit
from cnnbench.studies.scaling.variants import Variant, candidates, distinct, front, variants
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing
from cnnbench.timing.setting import Setting

from ..zoo import costly

BOARD = Profile.model_validate(
    {
        "name": "board",
        "flops_per_s": {"float32": 2.4e10},
        "copies": [{"working_set": 1 << 30, "bytes_per_s": 3.2e9}],
        "call_s": 2e-5,
    }
)


def spec_of(text: str) -> Spec:
    return scalable(parse(text))


def test_budgets_are_read_as_they_are_typed() -> None:
    budget = parse_budget("macs=400M, params=6M,peak_activation_bytes=8MiB,latency=20ms")
    assert budget == Budget(
        {
            Metric.MACS: 400_000_000,
            Metric.PARAMS: 6_000_000,
            Metric.PEAK: 8 << 20,
            Metric.LATENCY: 0.02,
        }
    )
    assert [units.seconds(text) for text in ("1.5s", "800us", "800 µs", "5ns")] == pytest.approx(
        [1.5, 8e-4, 8e-4, 5e-9]
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (",", "empty"),
        ("macs", "malformed"),
        ("macs=", "malformed"),
        ("mac=400M", "did you mean macs"),
        ("flops=800M", "2 x macs"),
        ("macs=400Q", "no count"),
        ("macs=8MiB", "no count"),
        ("peak_activation_bytes=8QiB", "no size"),
        ("latency=20", "no time"),
        ("latency=-1ms", "no time"),
        ("latency=0ms", "room for nothing"),
        ("macs=0", "room for nothing"),
        ("macs=1M,macs=2M", "twice"),
    ],
)
def test_a_budget_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(BudgetError, match=says):
        parse_budget(text)


@pytest.mark.parametrize("name", ["googlenet", "lenet5", "conv", "timm:resnet50"])
def test_a_model_without_a_scale_names_those_that_have_one(name: str) -> None:
    with pytest.raises(SpecError, match=r"has no scale; vgg11 to vgg19_bn, .* efficientnet_b7"):
        scalable(parse(name))


def test_candidates_are_distinct_and_hold_what_is_written() -> None:
    for text in ("efficientnet", "mobilenet_v1", "resnet20", "vgg16"):
        found = distinct(candidates(spec_of(text), 1000))
        assert 700 <= len(found) <= 1100
        named = {str(one) for one in found}
        assert len(named) == len(found) and str(spec_of(text)) in named
    held = distinct(candidates(spec_of("efficientnet@resolution=192"), 100))
    assert len(held) > 80
    assert {one.input_shape for one in held} == {(3, 192, 192)}
    (one,) = candidates(spec_of("mobilenet_v1@width_mult=0.3333333,resolution=128"), 1000)
    assert str(one) == "mobilenet_v1@width_mult=0.3333333,resolution=128"


@pytest.mark.parametrize(
    ("text", "number"), [("efficientnet", 50), ("mobilenet_v2", 20), ("resnet20", 20)]
)
@costly
def test_candidates_cost_what_the_counter_says(text: str, number: int) -> None:
    of = variants(candidates(spec_of(text), 1000 if text == "efficientnet" else 200))
    for one in random.Random(7).sample(of, number):
        counted = count(one.spec)
        assert one.costs.cost == counted.total
        assert one.costs.peak_activation_bytes == counted.peak_activation_bytes


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("efficientnet", Axis.WIDTH),
        ("efficientnet", Axis.DEPTH),
        ("mobilenet_v2", Axis.WIDTH),
        ("vgg11@resolution=32", Axis.WIDTH),
    ],
)
def test_so_do_those_at_the_edges_of_rounding(text: str, axis: Axis) -> None:
    """Where one more hundredth makes another network, on both sides of it."""
    spec, counter = spec_of(text), ChainCounter()
    steps = [moved(spec, {axis: step / 100}) for step in range(30, 170)]
    edges = [pair for pair in pairwise(steps) if dict(chain_of(pair[0])) != dict(chain_of(pair[1]))]
    assert len(edges) > 8
    for pair in random.Random(7).sample(edges, 6):
        below, above = (counter(chain_of(one), one.input_shape) for one in pair)
        assert [below.cost, above.cost] == [count(one).total for one in pair]
        assert below.cost.macs < above.cost.macs


@cache
def some() -> tuple[list[Variant], list[tuple[Trace, float]]]:
    """Variants of two families, and each counted and predicted alone."""
    predictor = Predictor(BOARD, "float32")
    specs = [*candidates(spec_of("efficientnet"), 30), *candidates(spec_of("mobilenet_v1"), 30)]
    of = variants(specs, predictor=predictor)
    traces = [count(one.spec) for one in of]
    return of, [(trace, predictor(trace).seconds) for trace in traces]


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize(
    "text",
    [
        "macs=300M",
        "params=2M",
        "macs=400M,params=3M,peak_activation_bytes=4MiB",
        "latency=60ms",
        "macs=350M,latency=70ms",
    ],
)
@costly
def test_the_choice_is_that_of_brute_force(goal: Goal, text: str) -> None:
    """Each network counted and predicted by itself, none left out."""
    budget, (of, alone) = parse_budget(text), some()
    best: tuple[tuple[float, float, float], str] | None = None
    for one, (trace, seconds) in zip(of, alone, strict=True):
        values = {metric: _value(trace, metric) for metric in budget.static}
        if any(values[metric] > limit for metric, limit in budget.static.items()):
            continue
        if seconds > (budget.latency_s or math.inf):
            continue
        macs = trace.total.macs
        most = {"macs": macs, "params": trace.total.params, "resolution": one.spec.input_shape[1]}
        key = (most[goal], macs, -seconds)
        best = max(best, (key, str(one.spec))) if best else (key, str(one.spec))
    done = fit(of, budget, goal)
    assert best is not None
    assert str(done.choices[0].variant.spec) == best[1]
    assert done.binding


def _value(trace: Trace, metric: Metric) -> int:
    if metric is Metric.PEAK:
        return int(trace.peak_activation_bytes)
    return int(getattr(trace.total, metric))


def test_the_front_is_beaten_by_none() -> None:
    of = variants(candidates(spec_of("mobilenet_v2"), 100), predictor=Predictor(BOARD, "float32"))
    kept = front(of, Goal.MACS)
    for one in of:
        beaten = any(
            other.capacity(Goal.MACS) >= one.capacity(Goal.MACS) and other.expense <= one.expense
            for other in of
            if other is not one
        )
        assert beaten != any(one is other for other in kept)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("params=1k", "nothing fits params=1.00 k: the smallest tried, mobilenet_v2@.* has"),
        ("latency=1us", "the fastest within .* by prediction, mobilenet_v2@.* is predicted to"),
        ("macs=50M,activations=1k", "nothing fits activations"),
    ],
)
def test_an_impossible_budget_names_the_limit_and_the_smallest(text: str, says: str) -> None:
    of = variants(candidates(spec_of("mobilenet_v2"), 30), predictor=Predictor(BOARD, "float32"))
    with pytest.raises(CnnbenchError, match=says):
        fit(of, parse_budget(text), Goal.MACS)


class Machine:
    """Times networks as `truth` has it, each interval 1% to either side; None cannot run."""

    def __init__(self, truth: Callable[[Variant], float | None]) -> None:
        self.truth = truth
        self.asked: list[list[str]] = []

    def __call__(self, chosen: list[Variant]) -> Timing:
        self.asked.append([str(one.spec) for one in chosen])
        return Timing([self._latency(one) for one in chosen], None, BOARD, [])  # type: ignore[arg-type]

    def _latency(self, one: Variant) -> Latency:
        seconds = self.truth(one)
        return Latency(
            model=str(one.spec),
            input=(),
            dtype="float32",
            device="cpu",
            threads=1,
            setting=Setting(),
            latency_s=seconds,
            ci_low_s=None if seconds is None else 0.99 * seconds,
            ci_high_s=None if seconds is None else 1.01 * seconds,
            error="out of memory" if seconds is None else "",
        )


@pytest.mark.parametrize(
    "slowness",
    [0.5, 1.3, *(pytest.param(slowness, marks=costly) for slowness in (0.8, 1.0, 2.0))],
)
def test_measurements_correct_the_prediction(slowness: float) -> None:
    """Wherever the machine is faster or slower than predicted, the largest that keeps within."""
    of = variants(candidates(spec_of("mobilenet_v2"), 100), predictor=Predictor(BOARD, "float32"))
    machine = Machine(lambda one: slowness * one.expense)
    budget = parse_budget("latency=60ms")
    done = fit(of, budget, Goal.MACS, machine)
    inside = [one for one in of if 1.01 * slowness * one.expense <= 0.06]
    best = max(inside, key=lambda one: one.capacity(Goal.MACS))
    assert done.choices[0].variant is best
    assert done.meets
    assert done.correction == pytest.approx(slowness)
    assert done.binding == (Metric.LATENCY,)
    assert len(machine.asked) <= 4


def test_a_machine_that_nothing_is_fast_enough_for() -> None:
    of = variants(candidates(spec_of("mobilenet_v2"), 30), predictor=Predictor(BOARD, "float32"))
    with pytest.raises(BudgetError, match=r"mobilenet_v2@.* took .*, by its interval up to "):
        fit(of, parse_budget("latency=20ms"), Goal.MACS, Machine(lambda one: 50 * one.expense))


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32), slowness=st.floats(0.5, 2.0))
def test_wherever_predictions_are_wrong_the_largest_that_was_timed_is_chosen(
    seed: int, slowness: float
) -> None:
    """Each network's own error is by a quarter; what is chosen meets the limit."""
    drawn = random.Random(seed)
    of = board_variants()
    truth = {id(one): slowness * drawn.lognormvariate(0, 0.25) * one.expense for one in of}
    machine = Machine(lambda one: truth[id(one)])
    done = fit(of, parse_budget("latency=90ms"), Goal.MACS, machine)
    timed = {text for texts in machine.asked for text in texts}
    meeting = [one for one in of if str(one.spec) in timed and 1.01 * truth[id(one)] <= 0.09]
    assert done.choices[0].variant is max(meeting, key=lambda one: one.capacity(Goal.MACS))
    assert done.meets is True and done.measured == len(timed)


@cache
def board_variants() -> list[Variant]:
    return variants(candidates(spec_of("mobilenet_v2"), 100), predictor=Predictor(BOARD, "float32"))


@pytest.mark.parametrize("failing", [1, 2, 7, 20])
@pytest.mark.parametrize("text", ["macs=100G", "latency=10s"])
def test_what_cannot_run_is_passed_by_and_named(text: str, failing: int) -> None:
    of = board_variants()
    order = sorted(front(of, Goal.MACS), key=lambda one: one.capacity(Goal.MACS), reverse=True)
    broken = {id(one) for one in order[:failing]}
    machine = Machine(lambda one: None if id(one) in broken else one.expense)
    done = fit(of, parse_budget(text), Goal.MACS, machine)
    assert done.choices[0].variant is order[failing]
    assert done.meets is True and not done.largest and not done.binding
    assert set(done.failures) == {str(one.spec) for one in order[:failing]}
    assert set(done.failures.values()) == {"out of memory"}
    for choice in done.choices:
        if choice.latency is not None and choice.latency.error:
            assert choice.meets(parse_budget(text)) is False


def test_nothing_that_runs_is_an_error_with_its_reason() -> None:
    of = board_variants()
    with pytest.raises(InputError, match="out of memory"):
        fit(of, parse_budget("macs=100G"), Goal.MACS, Machine(lambda one: None))


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize(
    "text",
    ["macs=300M", "macs=400M,params=3M,peak_activation_bytes=4MiB", "macs=350M,latency=70ms"],
)
def test_limits_bind_as_brute_force_says(goal: Goal, text: str) -> None:
    """Without a limit there is so much more; it binds where that is more than a hundredth."""
    budget, (of, _) = parse_budget(text), some()
    done = fit(of, budget, goal)
    now = done.choices[0].variant.capacity(goal)[0]
    for metric in budget.limits:
        others = Budget({key: limit for key, limit in budget.limits.items() if key != metric})
        free = [
            one.capacity(goal)[0]
            for one in of
            if one.within(others) and one.expense <= (others.latency_s or math.inf)
        ]
        assert done.without[metric] == max(free)
        if max(free) > 1.01 * now:
            assert metric in done.binding
    assert done.binding and not done.largest


def test_a_roomy_budget_is_held_back_by_nothing() -> None:
    of, _ = some()
    done = fit(of, parse_budget("macs=100T"), Goal.MACS)
    assert done.largest and not done.binding
    assert done.choices[0].variant is max(of, key=lambda one: one.capacity(Goal.MACS))
