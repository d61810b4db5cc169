"""Every model and block by name, as data: paper, default input, options. Needs no torch.

A row's paper names the file under `zoo/` that builds it; that file's `chain(name, **options)`, or
its `build` where it is no chain, is given every option that the row lists, with the default where
the user gave none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cnnbench.models.model import Model, Option, Paper

LENET = Paper(
    "lenet", "LeCun et al., Gradient-based learning applied to document recognition", 1998
)
ALEXNET = Paper("alexnet", "Krizhevsky et al., ImageNet classification with deep CNNs", 2012)
ONE_WEIRD_TRICK = Paper("alexnet", "Krizhevsky, One weird trick for parallelizing CNNs", 2014)
VGG = Paper("vgg", "Simonyan & Zisserman, Very deep convolutional networks", 2014)
GOOGLENET = Paper("googlenet", "Szegedy et al., Going deeper with convolutions", 2014)
RESNET = Paper("resnet", "He et al., Deep residual learning for image recognition", 2015)
MOBILENET_V1 = Paper("mobilenet_v1", "Howard et al., MobileNets", 2017)
MOBILENET_V2 = Paper(
    "mobilenet_v2", "Sandler et al., Inverted residuals and linear bottlenecks", 2018
)
EFFICIENTNET = Paper("efficientnet", "Tan & Le, Rethinking model scaling for CNNs", 2019)

_CLASSES = Option("num_classes", 1000, "outputs of the classifier", low=1, high=1_000_000)
_CHANNELS = Option("in_channels", 3, "channels of the input", low=1, high=4096)
_RESOLUTION = Option("resolution", 224, "input side in pixels", low=1, high=8192)
_WIDTH = Option("width_mult", 1.0, "multiplies every layer's filters", low=0.01, high=16)
_DEPTH = Option("depth_mult", 1.0, "multiplies every stage's blocks", low=0.01, high=16)
_SHORTCUT = Option(
    "shortcut",
    "projection",
    "option B: 1x1 projection where dimensions change; A: zero-padded identity; C: 1x1 everywhere",
    choices=("projection", "identity", "projection_all"),
)
_STRIDE_ON = Option(
    "stride_on", "3x3", "which convolution of a bottleneck halves the map", choices=("3x3", "1x1")
)
_AUX = Option("aux", False, "build the auxiliary classifiers, which run in training only")
_ALIASES = {
    "googlenet": ("inception",),
    "mobilenet_v1": ("mobilenet",),
    "efficientnet_b0": ("efficientnet",),
    "separable": ("depthwise",),
}


def _rows(
    paper: Paper,
    rows: dict[str, str],
    *extra: Option,
    side: int = 224,
    channels: int = 3,
    classes: int = 1000,
    fixed: bool = False,
) -> Iterator[Model]:
    """Rows of one paper that share input and options; `fixed` networks take one resolution only."""
    resolution = () if fixed else (replace(_RESOLUTION, default=side),)
    common = (replace(_CLASSES, default=classes), replace(_CHANNELS, default=channels))
    options = (*extra, *common, *resolution)
    for name, summary in rows.items():
        yield Model(name, paper, summary, (channels, side, side), options, _ALIASES.get(name, ()))


_CIFAR_DEPTHS = (20, 32, 44, 56, 110)
# variant: width_mult, depth_mult, resolution (the released models)
_EFFICIENTNETS = {
    "b0": (1.0, 1.0, 224),
    "b1": (1.0, 1.1, 240),
    "b2": (1.1, 1.2, 260),
    "b3": (1.2, 1.4, 300),
    "b4": (1.4, 1.8, 380),
    "b5": (1.6, 2.2, 456),
    "b6": (1.8, 2.6, 528),
    "b7": (2.0, 3.1, 600),
}


def _efficientnets() -> Iterator[Model]:
    for variant, (width, depth, side) in _EFFICIENTNETS.items():
        options = (replace(_WIDTH, default=width), replace(_DEPTH, default=depth))
        summary = f"compound scaling: width {width:g}, depth {depth:g}"
        yield from _rows(EFFICIENTNET, {f"efficientnet_{variant}": summary}, *options, side=side)


MODELS: tuple[Model, ...] = (
    *_rows(
        LENET,
        {
            "lenet5": "as published: partial C3, trainable subsampling, RBF output",
            "lenet5_dense": "textbook form: full C3, average pooling, linear output",
        },
        side=32,
        channels=1,
        classes=10,
        fixed=True,
    ),
    *_rows(ALEXNET, {"alexnet": "local response normalisation, two groups"}, side=227),
    *_rows(ONE_WEIRD_TRICK, {"alexnet_owt": "one tower, no normalisation"}),
    *_rows(
        VGG,
        {
            f"vgg{depth}{suffix}": f"{depth} weight layers of 3x3{words}"
            for suffix, words in (("", ""), ("_bn", ", batch norm"))
            for depth in (11, 13, 16, 19)
        },
        _WIDTH,
    ),
    *_rows(GOOGLENET, {"googlenet": "inception modules with 1x1 reductions"}, _AUX),
    *_rows(GOOGLENET, {"googlenet_naive": "inception modules without reductions (figure 2a)"}),
    *_rows(RESNET, {f"resnet{n}": f"residual, {n} layers" for n in (18, 34)}, _SHORTCUT, _WIDTH),
    *_rows(
        RESNET,
        {f"resnet{n}": f"residual bottlenecks, {n} layers" for n in (50, 101, 152)},
        _SHORTCUT,
        _STRIDE_ON,
        _WIDTH,
    ),
    *_rows(RESNET, {f"plain{n}": f"resnet{n} without shortcuts" for n in (18, 34)}, _WIDTH),
    *_rows(
        RESNET,
        {f"resnet{n}": f"residual, {n} layers, for CIFAR" for n in _CIFAR_DEPTHS},
        replace(_SHORTCUT, default="identity"),
        _WIDTH,
        side=32,
        classes=10,
    ),
    *_rows(
        RESNET,
        {f"plain{n}": f"resnet{n} without shortcuts, for CIFAR" for n in _CIFAR_DEPTHS},
        _WIDTH,
        side=32,
        classes=10,
    ),
    *_rows(
        MOBILENET_V1,
        {
            "mobilenet_v1": "depthwise-separable convolutions",
            "mobilenet_v1_conv": "the same network with full 3x3 convolutions",
            "mobilenet_v1_shallow": "without the five 14x14x512 layers",
        },
        _WIDTH,
    ),
    *_rows(MOBILENET_V2, {"mobilenet_v2": "inverted residuals, linear bottlenecks"}, _WIDTH),
    *_efficientnets(),
)


def _block(name: str, paper: Paper, summary: str, shape: str, *options: Option) -> Model:
    """A block is a name with a shape; `paper` is where it comes from."""
    height, width, channels = map(int, shape.split("x"))
    options = (Option("shape", shape, "the map that comes in"), *options)
    source, given = replace(paper, module="blocks"), (channels, height, width)
    return Model(name, source, summary, given, options, _ALIASES.get(name, ()))


_OUT = Option("out_channels", 0, "channels that come out; 0: as many as come in", high=65536)
_KERNEL = Option("kernel", 3, "side of the window, odd", low=1, high=63)
_STRIDE = Option("stride", 1, "step of the window", low=1, high=16)
_MID = Option(
    "mid_channels",
    0,
    "channels after the 1x1 reduction; 0: half of the outputs, of a residual bottleneck a quarter",
    high=65536,
)
_CHAIN = Option("chain", 1, "how many stand one after another", low=1, high=256)
_CONV = (_OUT, _KERNEL, _STRIDE)
_PLAIN = (replace(_OUT, default=32), replace(_KERNEL, default=5), _STRIDE)
_EXPANSION = Option("expansion", 6, "times as many channels inside as come in", low=1, high=64)
_MODULE = Option(
    "module",
    "3a",
    "which row of GoogLeNet's table",
    choices=("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"),
)

BLOCKS: tuple[Model, ...] = (
    _block("conv", MOBILENET_V1, "k x k convolution", "56x56x128", *_CONV, _CHAIN),
    _block(
        "separable",
        MOBILENET_V1,
        "k x k depthwise, then 1x1 pointwise convolution",
        "56x56x128",
        *(*_CONV, _CHAIN),
    ),
    _block("plain", GOOGLENET, "k x k convolution", "28x28x192", *_PLAIN, _CHAIN),
    _block(
        "bottleneck", GOOGLENET, "1x1 reduction, then k x k", "28x28x192", *_PLAIN, _MID, _CHAIN
    ),
    _block("residual", RESNET, "two 3x3 and a shortcut", "56x56x256", _OUT, _STRIDE, _CHAIN),
    _block(
        "residual_bottleneck",
        RESNET,
        "1x1, 3x3, 1x1 and a shortcut",
        "56x56x256",
        *(_OUT, _STRIDE, _MID, _CHAIN),
    ),
    _block(
        "inverted_residual",
        MOBILENET_V2,
        "1x1 expansion, 3x3 depthwise, 1x1 projection",
        "56x56x24",
        *(_OUT, _STRIDE, _EXPANSION, _CHAIN),
    ),
    _block(
        "inception_naive", GOOGLENET, "1x1, 3x3, 5x5 and pool side by side", "28x28x192", _MODULE
    ),
    _block("inception", GOOGLENET, "the same with 1x1 reductions", "28x28x192", _MODULE),
)
