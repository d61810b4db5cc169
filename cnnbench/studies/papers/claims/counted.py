"""Claims about costs: counted exactly, the same on every machine."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from math import prod

from cnnbench import units
from cnnbench.counting.cost import Kind, Trace
from cnnbench.counting.count import count
from cnnbench.counting.totals import totals
from cnnbench.models.scale import Compound, Way, scalable
from cnnbench.models.spec import parse
from cnnbench.studies.comparison.compare import compare
from cnnbench.studies.comparison.comparison import Comparison
from cnnbench.studies.papers.claims.claim import (
    Answer,
    Band,
    Claim,
    Need,
    Setup,
    about,
    at_least,
    at_most,
)
from cnnbench.studies.scaling.family import Family
from cnnbench.studies.scaling.spend import rows, spend
from cnnbench.timing.setting import Setting

PLAIN = "plain@shape=28x28x192,out_channels=32,kernel=5"
BOTTLENECK = "bottleneck@shape=28x28x192,out_channels=32,kernel=5,mid_channels=16"
EXACT = 1e-3
_MOST_FILTERS = 512  # of VGG: there they stop growing


def _params(model: str, _: Setup) -> Answer:
    params = count(model).total.params
    return Answer(params, f"{units.exact(params)} in {model}")


def _macs_ratio(a: str, b: str, _: Setup) -> Answer:
    first, second = count(a).total, count(b).total
    return Answer(
        first.macs / second.macs,
        f"{units.exact(first.macs)} against {units.exact(second.macs)} MACs, "
        f"{units.ratio(first.params / second.params)} fewer params",
    )


def _separable(_: Setup) -> Answer:
    """The farthest that a stage is from 1/N + 1/k²."""
    worst, said = 0.0, []
    for row in compare("conv", "separable", static=True):
        share, filters = row.b.cost.macs / row.a.cost.macs, row.a.trace.operators[0].output[1]
        worst = max(worst, abs(share / (1 / filters + 1 / 3**2) - 1))
        said.append(units.significant(share))
    return Answer(worst, f"of a convolution's MACs, from 112x112 to 7x7: {', '.join(said)}")


def _doubling(_: Setup) -> Answer:
    """VGG-16's steps that halve the map or double the filters, while these grow."""
    trace = count("vgg16")
    sides = [(op.inputs[0][-1], op.output[-1]) for op in trace.operators if op.kind is Kind.POOLING]
    filters = {
        op.path.partition(".")[0]: op.output[1]
        for op in trace.operators
        if len(op.kernel) == 2 and op.weight
    }
    widths = list(filters.values())
    halved = sum(after * 2 == before for before, after in sides)
    growing = [(before, after) for before, after in pairwise(widths) if before < _MOST_FILTERS]
    twice = sum(after == 2 * before for before, after in growing)
    steps = len(sides) + len(growing)
    return Answer(
        (halved + twice) / steps,
        f"{halved} of {len(sides)} pools halve the map, filters are {', '.join(map(str, widths))}",
    )


def _inside(_: Setup) -> Answer:
    """MobileNetV2's largest tensor within a block over the largest that is passed between two."""
    trace = count("mobilenet_v2")
    between, within = _largest(trace)
    return Answer(
        within / between,
        f"{units.count(between)} elements between blocks, {units.count(within)} within; peak "
        f"memory {units.size(trace.peak_activation_bytes)} at "
        f"{trace.operators[trace.peak].path}",
    )


def _largest(trace: Trace) -> tuple[int, int]:
    """Elements of the largest map that a block hands on, and of the largest inside one."""
    blocks: dict[str, list[int]] = {}
    for op in trace.operators:
        name = ".".join(op.path.split(".")[:2])
        if "block" in name:
            blocks.setdefault(name, []).append(prod(op.output))
    return max(sizes[-1] for sizes in blocks.values()), max(map(max, blocks.values()))


def _growth(_: Setup) -> Answer:
    macs = [row.macs for row in efficientnets().formula(Compound(), range(8))]
    first, last = macs[0], macs[-1]
    return Answer(
        (last / first) ** (1 / 7),
        f"{units.count(first)} at phi 0, {units.count(last)} at phi 7; 1.2 x 1.1² x 1.15² = 1.92",
    )


def efficientnets() -> Family:
    """What scales B0."""
    return Family(scalable(parse("efficientnet_b0")))


def doubled(*, values: bool = False) -> dict[Way, Comparison]:
    """Twice the MACs of B0 by each way, beside B0."""
    family = efficientnets()
    spent = [spend(family, way, 2 * family.macs, Compound()) for way in Way]
    found = rows(family.base, spent, Setting(), values=values)
    return {one.way: row for one, row in zip(spent, found, strict=True)}


_GROWN = ("params", "activations", "bytes_moved", "peak_activation_bytes")


def _balance(_: Setup) -> Answer:
    """The cost that grows most at twice the MACs: compound's over the best other way's."""
    worst: dict[Way, float] = {}
    for way, row in doubled().items():
        a, b = (totals(side.trace) for side in (row.a, row.b))
        worst[way] = max(getattr(b, key) / getattr(a, key) for key in _GROWN)
    compound = worst.pop(Way.COMPOUND)
    others = ", ".join(f"{way} {units.ratio(value)}" for way, value in worst.items())
    return Answer(
        compound / min(worst.values()),
        f"the most that params, activations, bytes or peak memory grow: {others}, compound "
        f"{units.ratio(compound)}; accuracy is not measured",
    )


def _shortcuts(_: Setup) -> Answer:
    residual, plain = count("resnet34@shortcut=identity").total, count("plain34").total
    extra = max(residual.params / plain.params, residual.macs / plain.macs) - 1
    return Answer(
        extra,
        f"{units.exact(residual.params)} params and {units.exact(residual.macs)} MACs in both; "
        f"with projections {units.exact(count('resnet34').total.params)} params",
    )


_COUNTED = partial(Claim, need=Need.COUNTING)

CLAIMS = (
    _COUNTED(
        name="lenet5_params",
        text="LeNet-5 has about 60 thousand parameters",
        source="LeCun et al. 1998; Ng, course 4 week 2",
        promised="60 k",
        band=about(60e3, 0.02, 0.1),
        find=partial(_params, "lenet5"),
        show=lambda value: units.count(round(value)),
    ),
    _COUNTED(
        name="alexnet_params",
        text="AlexNet has about 60 million parameters",
        source="Krizhevsky et al. 2012; Ng, course 4 week 2",
        promised="60 M",
        band=about(60e6, 0.02, 0.1),
        find=partial(_params, "alexnet"),
        show=lambda value: units.count(round(value)),
    ),
    _COUNTED(
        name="vgg16_params",
        text="VGG-16 has about 138 million parameters",
        source="Simonyan & Zisserman 2014, table 2; Ng, course 4 week 2",
        promised="138 M",
        band=about(138e6, 0.02, 0.1),
        find=partial(_params, "vgg16"),
        show=lambda value: units.count(round(value)),
    ),
    _COUNTED(
        name="vgg_doubling",
        text="VGG halves the map at every pool and doubles the filters, up to 512",
        source="Ng, course 4 week 2",
        promised="every step",
        band=at_least(1.0, 0.75),
        find=_doubling,
        show=units.percent,
    ),
    _COUNTED(
        name="bottleneck_macs",
        text="A 1x1 bottleneck makes a 5x5 convolution about 10 times cheaper",
        source="Ng, course 4 week 2: 28x28x192 → 32, by 16",
        promised="10x",
        band=about(10, 0.1, 0.3),
        find=partial(_macs_ratio, PLAIN, BOTTLENECK),
    ),
    _COUNTED(
        name="separable_macs",
        text="A depthwise-separable convolution does 1/N + 1/k² of the work",
        source="Howard et al. 2017, section 3.1; Ng, course 4 week 2",
        promised="1/N + 1/k²",
        band=at_most(EXACT, 0.05),
        find=_separable,
        show=lambda value: f"{units.percent(value)} off",
    ),
    _COUNTED(
        name="mobilenet_macs",
        text="3x3 depthwise-separable convolutions do 8 to 9 times less in MobileNet",
        source="Howard et al. 2017, sections 3.1 and 4.1",
        promised="8x to 9x",
        band=Band(8, 9, 6, 11),
        find=partial(_macs_ratio, "mobilenet_v1_conv", "mobilenet_v1"),
    ),
    _COUNTED(
        name="inception_blow_up",
        text="Without 1x1 reductions an inception network's computation blows up",
        source="Szegedy et al. 2014, section 4",
        promised="blow-up",
        band=at_least(2, 1.2),
        find=partial(_macs_ratio, "googlenet_naive", "googlenet"),
    ),
    _COUNTED(
        name="small_between",
        text="MobileNetV2 expands 6 times within its blocks and passes small maps between them",
        source="Sandler et al. 2018, section 5.1; Ng, course 4 week 2",
        promised="6x",
        band=about(6, 0.1, 0.5),
        find=_inside,
    ),
    _COUNTED(
        name="compound_growth",
        text="A unit of phi about doubles an EfficientNet's FLOPs",
        source="Tan & Le 2019, section 3.3",
        promised="2x",
        band=about(2, 0.05, 0.15),
        find=_growth,
    ),
    _COUNTED(
        name="compound_balance",
        text="Scaling all three dimensions spends twice the FLOPs in better balance than one alone",
        source="Tan & Le 2019, section 3.2, of accuracy",
        promised="under 1x",
        band=at_most(1.0, 1.1),
        find=_balance,
    ),
    _COUNTED(
        name="shortcuts_free",
        text="Identity shortcuts add neither parameters nor computation",
        source="He et al. 2015, section 3.2",
        promised="0%",
        band=at_most(EXACT, 0.01),
        find=_shortcuts,
        show=units.percent,
    ),
)
