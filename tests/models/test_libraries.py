"""timm's and torchvision's networks, where they are installed, held to what others say of them."""

import warnings

import pytest

from cnnbench.counting.count import count
from cnnbench.errors import SourceError
from cnnbench.models.build import build
from cnnbench.models.sources.torchvision import claimed_macs
from cnnbench.models.spec import SourceSpec
from cnnbench.studies.papers.accuracy import figures, of_pass

from ..conftest import library
from ..libraries import FAMILIES, cause

NAMES = {"alexnet_owt": "alexnet"}  # what torchvision calls ours


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_of_every_convolutional_family(family: str) -> None:
    timm = library("timm")
    names = timm.list_models(module=family)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert cause(names[len(names) // 2]) == ""


def test_timms_options_and_inputs() -> None:
    library("timm")
    assert count("timm:resnet50").total.macs == count("resnet50").total.macs
    assert count("timm:resnet50.a1_in1k@num_classes=10").total.params == 23_528_522
    assert count("timm:resnet50@resolution=160").input_shapes == ((1, 3, 160, 160),)
    small = count("timm:vit_tiny_patch16_224@resolution=160")  # built for it
    assert small.input_shapes == ((1, 3, 160, 160),)
    with pytest.raises(SourceError, match=r"timm has no model 'resnet5' \(did you mean"):
        count("timm:resnet5")
    with pytest.raises(SourceError, match="cannot build timm:resnet18@nonsense=1: TypeError"):
        count("timm:resnet18@nonsense=1")
    assert next(build("timm:resnet18").parameters()).device.type == "cpu"


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("alexnet", "alexnet_owt"),
        *((name, name) for name in ("vgg16", "vgg11_bn", "resnet50", "mobilenet_v2")),
        ("efficientnet_b0", "efficientnet_b0"),
    ],
)
def test_torchvisions_networks_cost_what_ours_do(name: str, ours: str) -> None:
    library("torchvision")
    theirs, own = count(f"torchvision:{name}"), count(ours)
    assert theirs.total.params == own.total.params
    assert theirs.total.macs == own.total.macs
    assert theirs.input_shapes == own.input_shapes


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        *(
            (name, None)
            for name in ("densenet121", "regnet_y_400mf", "convnext_tiny", "mnasnet1_0")
        ),
        *((name, None) for name in ("mobilenet_v3_small", "inception_v3", "shufflenet_v2_x1_0")),
        *((name, "3x16x112x112") for name in ("r3d_18", "mc3_18", "r2plus1d_18")),
    ],
)
def test_torchvisions_own_claims_are_met(name: str, shape: str | None) -> None:
    library("torchvision")
    claim = claimed_macs(SourceSpec("torchvision", name))
    assert claim is not None
    # printed with three decimals of 10^9
    assert abs(count(f"torchvision:{name}", shape).total.macs - claim) <= 0.5e6


def test_torchvisions_inputs_and_heads() -> None:
    library("torchvision")
    assert count("torchvision:inception_v3").input_shapes == ((1, 3, 299, 299),)
    googlenet = count("torchvision:googlenet")  # its heads run in training only
    assert set(googlenet.unread_params) >= {"aux1.fc1", "aux2.fc1"}
    with pytest.raises(SourceError, match="did you mean"):
        count("torchvision:resnet5")


@pytest.mark.parametrize(
    "name", ["ssdlite320_mobilenet_v3_large", "ssd300_vgg16", "fcos_resnet50_fpn"]
)
def test_torchvisions_detectors_are_counted_on_values(name: str) -> None:
    library("torchvision")
    claim = claimed_macs(SourceSpec("torchvision", name))
    found = count(f"torchvision:{name}")
    assert claim is not None and abs(found.total.macs - claim) <= 0.5e6
    assert found.counted_on == "values" and "torchvision/" in found.values_asked_at
    assert found.uncounted == {}


@pytest.mark.parametrize("name", ["mvit_v2_s", "swin3d_t", "r3d_18"])
def test_torchvisions_clips_are_known(name: str) -> None:
    library("torchvision")
    claim = claimed_macs(SourceSpec("torchvision", name))
    assert claim is not None
    assert abs(count(f"torchvision:{name}").total.macs - claim) <= 0.5e6


def test_torchvisions_accuracies_are_those_of_its_weights() -> None:
    models = library("torchvision.models")
    rows = [one for one in figures() if one.source.startswith("torchvision")]
    assert len(rows) > 40
    for one in rows:
        weights = models.get_model_weights(NAMES.get(one.model, one.model))["IMAGENET1K_V1"]
        key = {"top1": "acc@1", "top5": "acc@5"}[one.metric]
        assert weights.meta["_metrics"]["ImageNet-1K"][key] == one.percent
        assert weights.transforms.keywords["crop_size"] == one.resolution
    ours = [one for one in rows if one.model == "resnet50"]
    theirs = of_pass("torchvision:resnet50", [(1, 3, 224, 224)])
    assert {(one.metric, one.percent) for one in ours} < {
        (one.metric, one.percent) for one in theirs
    }
    assert of_pass("torchvision:resnet50", [(1, 3, 225, 225)]) == ()
