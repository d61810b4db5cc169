"""What a runtime makes of a pass, and what its nodes say of it."""

from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.count import count
from cnnbench.counting.files.count import count_file
from cnnbench.errors import DeviceError
from cnnbench.models import registry
from cnnbench.models.exporting import write
from cnnbench.models.network import load
from cnnbench.models.spec import SourceSpec
from cnnbench.roofline.grid import BATCHES
from cnnbench.roofline.predict import Predictor
from cnnbench.roofline.profile import Runtime
from cnnbench.roofline.runtimes import graph as graphs
from cnnbench.roofline.runtimes import learning, medley
from cnnbench.roofline.runtimes.nodes import CHANGED, LAYOUT, of_runtime
from cnnbench.roofline.terms import Term

from ..zoo import costly
from .test_profile import ROOFS

PRODUCT = [1.0, 64.0, 64.0, 28.0, 28.0, 3.0, 1.0, 1.0]
FUSING = Runtime(
    version="1.0",
    fused={"float32": ["Add", "BatchNormalization", "Clip", "Relu", "Sigmoid + Mul"]},
    operators={
        "float32": {
            **{str(kind): [[*PRODUCT, 1e-4]] for kind in (Kind.CONVOLUTION, Kind.POINTWISE)},
            "MaxPool": [[1000.0, 1000.0, 3.0, 1e-5]],
            "Pad + AveragePool3d": [[1000.0, 1000.0, 2.0, 1e-5]],
            "Sigmoid + Mul": [[2000.0, 1000.0, 1.0, 1e-5]],
            LAYOUT: [[1000.0, 1000.0, 1.0, 2e-6]],
        }
    },
)
BLOCKED = FUSING.model_copy(
    update={
        "fused": {"float32": ["BatchNormalization", "Sigmoid"]},
        "unblocked": {"float32": ["Sigmoid + Mul", "ReduceMean"]},
    }
)


def work(model: str, runtime: Runtime = FUSING) -> list[Term]:
    return list(of_runtime(count(model), runtime, "float32"))


@pytest.mark.parametrize("model", ["resnet18", "mobilenet_v2", "efficientnet_b0", "googlenet"])
@pytest.mark.parametrize("runtime", [FUSING, BLOCKED], ids=["fusing", "blocked"])
def test_every_product_runs_on_its_own(model: str, runtime: Runtime) -> None:
    trace = count(model)
    found = work(model, runtime)
    assert sum(one.op.cost.macs for one in found) == trace.total.macs
    assert len([one for one in found if one.op.cost.macs]) == len(
        [op for op in trace.operators if op.cost.macs]
    )


def test_what_follows_a_product_runs_in_it() -> None:
    """All but the pooling, the means and the classifier of a residual network."""
    assert [one.names[0] for one in work("resnet18") if not one.op.cost.macs] == [
        "MaxPool",
        "ReduceMean",
    ]
    # where nothing is fused but batch norm, activations and sums run as well
    bare = FUSING.model_copy(update={"fused": {"float32": ["BatchNormalization"]}})
    assert [one.names[0] for one in work("resnet18", bare)].count("Relu") == 17
    assert [one.names[0] for one in work("resnet18", bare)].count("Add") == 8


def test_what_runs_in_one_is_one() -> None:
    assert [one.names[0] for one in work("googlenet")].count("Pad + AveragePool3d") == 2
    apart = FUSING.model_copy(update={"operators": {"float32": {}}})
    names = [one.names[0] for one in work("googlenet", apart)]
    assert names.count("Pad") == names.count("AveragePool3d") == 2


def test_a_layout_is_changed_where_an_operator_wants_it_as_usual() -> None:
    """Around a squeeze: before the Swish, and before the next convolution; means read it then."""
    found = [one.names[0] for one in work("inverted_residual@shape=14x14x32", BLOCKED)]
    assert LAYOUT not in found  # no Swish, no means
    found = [one.names[0] for one in work("efficientnet_b0", BLOCKED)]
    swish = [LAYOUT, "Sigmoid + Mul", LAYOUT]
    assert found[:14] == [
        *(str(Kind.CONVOLUTION), *swish, str(Kind.DEPTHWISE), LAYOUT, "Sigmoid + Mul"),
        *("ReduceMean", LAYOUT, str(Kind.POINTWISE), *swish, str(Kind.POINTWISE)),
    ]
    changes = [
        one.sizes.inputs for one in work("efficientnet_b0", BLOCKED)[:14] if one.names[0] == LAYOUT
    ]
    assert changes == [32 * 112**2] * 3 + [32] + [8] * 2


@pytest.mark.parametrize(
    "model",
    [
        pytest.param("mobilenet_v2@width_mult=0.35", marks=costly),
        pytest.param("efficientnet_b0@depth_mult=0.3", marks=costly),
        pytest.param("alexnet", marks=costly),
    ],
)
def test_a_file_is_predicted_as_the_network_it_was_written_of(model: str, tmp_path: Path) -> None:
    """Torch's operators and the graph's have the same names, sizes and order."""
    file = tmp_path / "net.onnx"
    write(load(model), file, 1)
    trace = count_file(SourceSpec(str(file), ""), batch=1)

    def named(found: list[Term]) -> list[tuple[str, object]]:
        return [(one.names[0], one.sizes) for one in found if one.names[0] != "Reshape"]

    for runtime in (FUSING, BLOCKED):
        written = list(of_runtime(trace, runtime, "float32"))
        assert named(written) == named(work(model, runtime))


def test_a_node_takes_as_long_as_one_like_it() -> None:
    profile = ROOFS.model_copy(update={"backends": {"onnxruntime": FUSING}})
    predictor = Predictor(profile, "float32", "onnxruntime")
    (alone,) = predictor(count("conv@shape=28x28x64")).operators[:1]
    assert alone.kind == str(Kind.CONVOLUTION) and alone.seconds == pytest.approx(1e-4)
    with pytest.raises(DeviceError, match="no speeds of openvino in float32; 'cnnbench device"):
        Predictor(profile, "float32", "openvino")
    with pytest.raises(DeviceError, match="no speeds of onnxruntime in float16"):
        Predictor(
            profile.model_copy(update={"flops_per_s": {"float16": 1e12}}), "float16", "onnxruntime"
        )


@pytest.mark.parametrize(
    "model", [one.name for one in registry.MODELS if "_b" not in one.name][::5]
)
def test_every_network_is_predicted(model: str) -> None:
    profile = ROOFS.model_copy(update={"backends": {"onnxruntime": BLOCKED}})
    found = Predictor(profile, "float32", "onnxruntime")(count(model))
    low, high = found.interval
    assert 0 < low < found.seconds < high


def node(operator: str, kind: Kind = Kind.OTHER, macs: int = 0, elements: int = 100) -> OpCost:
    return OpCost("there", operator, kind, ((1, elements),), (1, elements), Cost(macs=macs), 0)


CHANGE = OpCost(CHANGED, "reorder", Kind.OTHER, (), (), Cost(), 0)
ADDED = OpCost("(added)", "Flatten", Kind.OTHER, (), (), Cost(), 0)
CONV = ("Conv", Kind.CONVOLUTION, 10)


def test_what_more_often_than_not_runs_in_a_product_is_fused() -> None:
    conv = node(*CONV)
    within = node("Conv + Relu", *CONV[1:])
    parts = node("Conv + Sigmoid + Mul", *CONV[1:])
    nodes = [within, within, node("Relu"), parts, node("Sigmoid"), node("Mul"), node("Add"), conv]
    found = learning.fused([(op, 1.0) for op in nodes])
    assert found == ["BatchNormalization", "Relu", "Sigmoid + Mul"]


def test_before_what_a_layout_is_changed_is_seen() -> None:
    nodes = [node(*CONV), CHANGE, node("Mul"), CHANGE, node("Mul"), node("Mul"), node("MaxPool")]
    timed = [(op, 1.0) for op in nodes]
    assert learning.unblocked(timed) == ["Mul"]
    found = learning.samples(timed)
    assert [len(found[name]) for name in ("Mul", "MaxPool", LAYOUT)] == [3, 1, 2]


def test_what_a_runtime_adds_and_what_took_no_time_is_no_sample() -> None:
    timed = [(ADDED, 1.0), (node("Mul"), 0.0), (node("Add"), 1.0)]
    assert list(learning.samples(timed)) == ["Add"]


def test_a_profile_of_nonsense_is_refused() -> None:
    for rows, why in (
        ({"float32": {}}, "float32 has no operators"),
        ({"float32": {"Relu": [[1e200, 1e200, 1.0, 1e-6]]}}, "sizes are at most 1e\\+09"),
        ({"float32": {"Relu": [[1.0, 1.0, 1e-6]]}}, "a row is 4 numbers"),
    ):
        with pytest.raises(ValidationError, match=why):
            Runtime(operators=rows)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A medley of one stage."""
    monkeypatch.setattr(medley, "_CHANNELS", (64,))
    for module in (medley, graphs):
        monkeypatch.setattr(module, "SIDES", (28, 14))
    monkeypatch.setattr(medley, "CLASSIFIERS", ((64, 10),))
    monkeypatch.setattr(medley, "_STEMS", ((3, 16, 2),))


@pytest.mark.parametrize("batch", BATCHES)
def test_a_medley_is_a_graph_that_onnx_takes(batch: int, short: None, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    made = medley.medley(batch)
    onnx.checker.check_model(made, full_check=True)
    file = tmp_path / "medley.onnx"
    onnx.save(made, file)
    trace: Trace = count_file(SourceSpec(str(file), ""), batch=batch)
    assert not trace.uncounted
    kinds = {op.kind for op in trace.operators}
    assert {Kind.CONVOLUTION, Kind.POINTWISE, Kind.DEPTHWISE, Kind.LINEAR} < kinds
    assert all(shape[0] == batch for shape in trace.input_shapes)


def test_a_medley_computes_numbers_that_are_numbers(tmp_path: Path) -> None:
    """Neither nothing nor denormal, which take another time."""
    onnxruntime = pytest.importorskip("onnxruntime")
    file = tmp_path / "medley.onnx"
    file.write_bytes(medley.small_medley().SerializeToString())
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    given = {
        one.name: torch.randn(one.shape, generator=torch.Generator().manual_seed(0)).numpy()
        for one in session.get_inputs()
    }
    for found in session.run(None, given):
        values = torch.from_numpy(found)
        assert values.isfinite().all()
        assert 1e-6 < values.abs().max() < 1e6
