"""What is compared, at which shapes, and that every sentence says what its row does."""

import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnbench import units
from cnnbench.counting import network as counting
from cnnbench.counting.cost import Trace
from cnnbench.counting.division import By
from cnnbench.errors import CnnbenchError
from cnnbench.models.spec import parse, parse_together
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.predict import Prediction
from cnnbench.roofline.profile import Copy, Profile
from cnnbench.studies.comparison.cases import cases
from cnnbench.studies.comparison.compare import compare
from cnnbench.studies.comparison.comparison import Comparison
from cnnbench.studies.comparison.explain import explain
from cnnbench.studies.comparison.records import part_records, record
from cnnbench.timing.by_layer.causes import NAMES, Causes
from cnnbench.timing.samples.pairing import Verdict, verdict
from cnnbench.timing.samples.statistics import Interval

PHONE = Profile(
    name="phone",
    flops_per_s={"float32": 1e11},
    copies=[Copy(working_set=0, bytes_per_s=1e10)],
    call_s=1e-5,
)


def labels(*models: str, **block: str | int) -> list[str]:
    return [case.label for case in cases(parse_together(models), block)]


def test_blocks_stand_where_networks_have_them() -> None:
    stages = labels("conv", "depthwise")
    assert stages[0] == "112x112x32 → 64, 3x3" and stages[-1] == "7x7x1024 → 1024, 3x3"
    assert len(stages) == 5
    assert labels("conv", "separable", kernel=5, stride=2)[1] == "56x56x128 → 128, 5x5 /2"
    assert labels("residual", "residual_bottleneck", stride=2)[0] == "56x56x256, /2"
    assert labels("inception_naive", "inception")[0] == "28x28x192, 3a"
    assert len(labels("inception_naive", "inception")) == 9
    assert labels("conv@shape=28x28x64", "separable") == ["28x28x64, 3x3"]
    assert labels("conv", "separable", shape="28x28x192", out_channels=32) == [
        "28x28x192 → 32, 3x3"
    ]


def test_the_course_compares_three_reductions() -> None:
    found = [case.names for case in cases([parse("plain"), parse("bottleneck")], {})]
    assert found == [
        ("plain", "bottleneck"),
        ("residual", "residual_bottleneck"),
        ("inception_naive", "inception"),
    ]
    two = [parse("bottleneck@mid_channels=8"), parse("bottleneck@mid_channels=24")]
    assert cases(two, {})[0].names == ("bottleneck@mid_channels=8", "bottleneck@mid_channels=24")


def test_a_comparison_changes_only_what_it_names() -> None:
    (case,) = cases(
        [parse("conv@kernel=5,stride=2"), parse("bottleneck@mid_channels=8")],
        {"shape": "28x28x64"},
    )
    a, b = map(str, case.models)
    assert a == "conv@shape=28x28x64,kernel=5,stride=2"
    assert b == "bottleneck@shape=28x28x64,out_channels=0,stride=2,mid_channels=8"
    # an option of its own stays
    (case,) = cases([parse("conv"), parse("separable@kernel=5")], {"shape": "28x28x64"})
    assert str(case.models[1]) == "separable@shape=28x28x64,kernel=5"


@pytest.mark.parametrize(
    ("models", "block", "complaint"),
    [
        (["conv"], {}, "conv alone cannot be compared; name two or more"),
        (["conv", "resnet18"], {}, "conv is a block and resnet18 a network; compare like with"),
        (["resnet18", "vgg11"], {"shape": "28x28x64"}, "--shape is for blocks, which resnet18"),
        (["residual", "residual_bottleneck"], {"kernel": 5}, "take no kernel; they take shape"),
        (
            ["conv@shape=28x28x64", "separable"],
            {"shape": "14x14x64"},
            "has a shape already; give it or --shape, not both",
        ),
        (
            ["conv@shape=28x28x64", "separable@shape=14x14x64"],
            {},
            "conv takes 28x28x64 and separable 14x14x64; compare them at one --shape",
        ),
        (["conv", "separable"], {"shape": "28x28"}, "height x width x channels"),
        (["conv", "separable"], {"kernel": 4}, "a 4x4 kernel cannot keep a map's sides"),
    ],
)
def test_what_cannot_be_compared_is_told(
    models: list[str], block: dict[str, str | int], complaint: str
) -> None:
    with pytest.raises(CnnbenchError) as error:
        compare(*models, static=True, **block)
    assert complaint in str(error.value)


def test_static_is_exact_and_has_no_times() -> None:
    rows = compare("plain34", "resnet34", "resnet18", static=True)
    assert [row.b.name for row in rows] == ["resnet34", "resnet18"]
    assert rows[0].macs_ratio == 3_644_493_824 / 3_663_761_408
    found = record(rows[0])
    assert found["params_a"] == 21_623_848 and found["macs_b"] == 3_663_761_408
    assert found["predicted_speedup"] is None and found["verdict"] is None


def test_a_module_can_be_compared() -> None:
    nets = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3, groups=1)
    (row,) = compare(*nets, input_shape=(3, 16, 16), static=True)
    assert row.macs_ratio == 1.0 and row.a.name == "Conv2d"
    assert explain(row).startswith("as many MACs, as many bytes")


def test_of_itself_nothing_can_be_told() -> None:
    (row,) = compare(
        "separable", "separable", shape="14x14x32", threads=1, max_time=0.3, precision=0.5
    )
    assert row.measured is not None
    found = record(row)
    # by its own confidence one of sixty excludes 1, by a hair
    assert row.verdict is not None and 0 < row.measured.low <= 1.5 and row.measured.high >= 0.67
    if row.verdict is Verdict.INDISTINGUISHABLE:
        assert found["ci_low"] <= 1 <= found["ci_high"]
        assert "no difference in time can be told" in explain(row)
    assert found["macs_ratio"] == 1.0 and (row.a.name, row.b.name) == ("separable", "separable (2)")
    assert found["latency_s_a"] > 0 and found["bound_a"] == found["bound_b"]


def test_stages_are_divided_where_they_are_shared() -> None:
    (twins,) = compare("plain18", "resnet18", on=PHONE)
    assert [part["part"] for part in part_records(twins)] == [
        *("stem", "stage1", "stage2", "stage3", "stage4", "head"),
    ]
    (others,) = compare("vgg11", "mobilenet_v2", on=PHONE)
    kinds = part_records(others)
    assert kinds[0]["part"] == "k x k convolution"
    assert part_records(others, By.STAGE)[0]["part"] == "stage1"
    for row, found in ((twins, part_records(twins)), (others, kinds)):
        assert sum(part["difference_share"] for part in found) == pytest.approx(1)
        for side, name in ((row.a, "a"), (row.b, "b")):
            assert sum(part[f"macs_{name}"] for part in found) == side.cost.macs
            assert sum(part[f"bytes_moved_{name}"] for part in found) == side.cost.bytes_moved
            seconds = sum(part[f"predicted_{name}_s"] for part in found)
            assert seconds == pytest.approx(side.predicted_s)


@cache
def rows() -> tuple[Comparison, ...]:
    """Pairs of every sort, predicted."""
    pairs = [("conv", "depthwise"), ("plain", "bottleneck"), ("vgg11", "resnet18")]
    return tuple(row for pair in pairs for row in compare(*pair, on=PHONE))


@st.composite
def judged(draw: st.DrawFn) -> Comparison:
    """A row with any speed-up, verdict and bounds."""
    row = draw(st.sampled_from(rows()))
    sides = []
    for side in (row.a, row.b):
        assert side.predicted is not None
        bound = draw(st.sampled_from(list(Bound)))
        operators = tuple(replace(op, bound=bound) for op in side.predicted.operators)
        sides.append(replace(side, predicted=Prediction(operators)))
    row = replace(row, a=sides[0], b=sides[1])
    if draw(st.booleans()):
        return row
    near = st.floats(0.4, 2.5).map(lambda times: times * (row.predicted_speedup or 1))
    median = draw(st.one_of(st.floats(0.05, 20), near))
    found = Interval(median, median * draw(st.floats(0.5, 1)), median * draw(st.floats(1, 2)))
    rerun = Interval(median, found.low / draw(st.floats(1, 2)), found.high * draw(st.floats(1, 2)))
    judged = verdict(found, rerun, draw(st.booleans()))
    unusable = draw(st.integers(0, 9)) == 0
    said = Verdict.NOT_USABLE if unusable else judged
    return replace(row, measured=rerun, run=found, verdict=said)


NUMBER = r"[\d.]+(?:e-\d+)?"


@settings(max_examples=300)
@given(judged())
def test_a_sentence_says_what_its_row_does(row: Comparison) -> None:
    text, found = explain(row), record(row)
    bounds = {found["bound_a"], found["bound_b"]}
    for bound, words in (
        (Bound.MEMORY, "memory-bound"),
        (Bound.COMPUTE, "compute-bound"),
        (Bound.OVERHEAD, "cost of call"),
    ):
        assert bound in bounds or words not in text
    less = re.match(rf"({NUMBER})x (fewer|more) MACs", text)
    assert less is not None
    fewer = found["macs_ratio"] if less[2] == "fewer" else 1 / found["macs_ratio"]
    assert float(less[1]) == pytest.approx(fewer, rel=6e-3) and fewer > 1
    speedup = found["predicted_speedup"]
    if row.verdict is Verdict.NOT_USABLE:
        assert "not usable" in text and "runs" not in text and not re.search("bound|promise", text)
        return
    if row.verdict in (Verdict.INDISTINGUISHABLE, Verdict.NOT_CONVERGED):
        assert "runs" not in text and " faster" not in text.replace("it is faster", "")
        return
    if row.measured is None:
        assert "should run" in text
    else:
        assert "should" not in text
        speedup = found["measured_speedup"]
        off = speedup / found["predicted_speedup"]
        alone = row.verdict in (Verdict.FASTER_HERE, Verdict.SLOWER_HERE)
        assert ("another need not confirm" in text) is alone
        assert alone or ("not in the prediction" in text) is not (1 / 1.5 <= off <= 1.5)
    text = re.sub(r" where \S+ (faster|slower) was predicted", "", text)
    assert (" slower" in text) is (speedup < 1) and (" faster" in text) is (speedup > 1)
    if "MACs promise" in text:
        assert (speedup > 1) is (found["macs_ratio"] > 1)
        assert 0.8 <= speedup / found["macs_ratio"] <= 1.25
    said = re.search(rf"runs? ({NUMBER})(x|%) (faster|slower)", text)
    if said:
        times = float(said[1]) if said[2] == "x" else 1 + float(said[1]) / 100
        assert times == pytest.approx(max(speedup, 1 / speedup), rel=6e-3)
    share = re.search(r"takes ([\d.]+)% of its predicted time", text)
    if share:
        either = {**found["shares_a"], **found["shares_b"]}
        times = [s["time"] for f in ("shares_a", "shares_b") for s in found[f].values()]
        assert either and any(abs(float(share[1]) / 100 - time) < 0.006 for time in times)


spent = st.builds(Causes, *[st.floats(1e-7, 1e-2) for _ in range(6)], st.floats(-1e-6, 1e-3))


@settings(max_examples=200)
@given(judged(), spent, spent)
def test_what_was_measured_is_explained_by_what_passes_spent(
    row: Comparison, a: Causes, b: Causes
) -> None:
    sides = (replace(row.a, causes=a, latency=None), replace(row.b, causes=b, latency=None))
    row = replace(row, a=sides[0], b=sides[1])
    text, found = explain(row), record(row)
    if row.measured is None or row.verdict not in (Verdict.FASTER, Verdict.SLOWER):
        assert "a MAC of" not in text or row.measured is None
        return
    if not (a.adds_up and b.adds_up):  # they are of another pass
        assert not re.search(rf"of its {NUMBER} [mµn]?s", text)
        return
    assert "not in the prediction" not in text and "predicted" not in text
    known = [max(0.0, found[f"{name}_{end}"]) for name in NAMES for end in "ab"]
    known += [cause.whole_s for cause in (a, b)]
    said = re.findall(rf"{NUMBER} [mµn]?s\b", text)
    assert said and set(said) <= set(map(units.duration, known))
    kept = found["measured_speedup"] / found["macs_ratio"]
    slow = re.search(rf"a MAC of (\S+) takes ({NUMBER})x as long", text)
    assert bool(slow) is not (0.8 <= kept <= 1.25)
    if slow:
        assert slow[1] == (row.b.name if kept < 1 else row.a.name)
        assert float(slow[2]) == pytest.approx(max(kept, 1 / kept), rel=6e-3)


def test_an_interrupted_row_has_a_sentence() -> None:
    (row, *_) = compare("conv", "separable", static=True)
    measured = replace(row, measured=Interval(2.0, 1.9, 2.1), verdict=Verdict.FASTER)
    assert explain(measured).endswith("runs 2.00x faster: 25% of what the MACs promise")


def test_odd_rows_have_a_sentence() -> None:
    nets = nn.Identity(), nn.ReLU(), nn.Conv2d(3, 4, 3)
    for a in nets:
        for b in nets:
            for on in (PHONE, PHONE.model_copy(update={"copies": [], "call_s": None})):
                (row,) = compare(a, b, input_shape=(3, 8, 8), on=on)
                assert explain(row) and record(row)["a"]
            (row,) = compare(a, b, input_shape=(3, 8, 8), static=True)
            assert explain(row)


def test_rows_of_one_reference_share_it() -> None:
    first, second = compare("conv", "separable", "bottleneck", shape="8x8x16", on=PHONE)
    assert first.a is second.a
    assert first.title == "8x8x16, 3x3: conv → separable" != second.title


def test_a_speedup_as_promised_is_called_so() -> None:
    row = next(row for row in rows() if row.label.startswith("7x7"))
    as_promised = Interval(row.macs_ratio or 0, 1.0, 20.0)
    text = explain(replace(row, measured=as_promised, verdict=Verdict.FASTER))
    assert "about what the MACs promise" in text


def test_a_network_is_counted_once_for_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted for the table is what timing takes its costs from."""
    traced: list[object] = []
    real = counting.trace

    def trace(net: nn.Module, *arguments: Any, **options: Any) -> Trace:
        traced.append(net)
        return real(net, *arguments, **options)

    monkeypatch.setattr(counting, "trace", trace)
    (row,) = compare("conv", "separable", shape="14x14x32", device="cpu", max_time=0.2)
    assert row.measured is not None and len(traced) == 2
    assert traced == [row.a.network.net, row.b.network.net]
