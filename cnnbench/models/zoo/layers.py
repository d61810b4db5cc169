"""Layers that several papers share, and the two initialisations most of them name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from cnnbench.errors import InputError

Activation = Callable[[], nn.Module]
Normalisation = Callable[[int], nn.Module]


def relu() -> nn.Module:
    """ReLU in place: its input is never needed again, so its output takes no memory of its own."""
    return nn.ReLU(inplace=True)


def sequence(**layers: nn.Module | None) -> nn.Sequential:
    """Build a Sequential whose layers have names; a layer that is None is left out."""
    return nn.Sequential(OrderedDict((k, v) for k, v in layers.items() if v is not None))


def conv_bn(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    act: Activation | None = relu,
    norm: Normalisation = nn.BatchNorm2d,
) -> nn.Sequential:
    """k x k convolution that keeps the map's side at stride 1, batch norm, activation."""
    conv = nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )
    return sequence(conv=conv, norm=norm(outputs), act=act() if act else None)


def pooled_classifier(
    features: int, classes: int, dropout: float = 0.0, conv: nn.Module | None = None
) -> nn.Sequential:
    """Last convolution, global average pooling, dropout, linear: [N, C, H, W] -> [N, classes]."""
    return sequence(
        conv=conv,
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        dropout=nn.Dropout(dropout) if dropout else None,
        fc=nn.Linear(features, classes),
    )


def three_linear(features: int, hidden: int, classes: int) -> nn.Sequential:
    """AlexNet's and VGG's head: ReLU and dropout of both hidden layers (2012, section 4.2)."""
    return sequence(
        flatten=nn.Flatten(),
        fc6=nn.Linear(features, hidden),
        act6=relu(),
        dropout6=nn.Dropout(0.5),
        fc7=nn.Linear(hidden, hidden),
        act7=relu(),
        dropout7=nn.Dropout(0.5),
        fc8=nn.Linear(hidden, classes),
    )


def local_response_norm() -> nn.Module:
    """Krizhevsky et al. 2012, section 3.3: k = 2, n = 5, alpha = 1e-4, beta = 0.75.

    The paper's alpha weighs the sum over n channels, torch's weighs their mean: times n.
    """
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def round_channels(channels: float, divisor: int = 8) -> int:
    """Nearest multiple of `divisor`, never less than it nor below 90% of `channels`.

    MobileNetV2's and EfficientNet's reference code; the 10% rule is theirs.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def require_side(side: int, name: str, resolution: int) -> int:
    """Return `side`, the last feature map's; InputError where nothing is left of the input."""
    if side < 1:
        raise InputError(f"{name}@resolution={resolution} is too small: no feature map is left")
    return side


_SELF_INITIALISING: tuple[Any, ...] = (_ConvNd, nn.Linear, _NormBase)
_raw = ContextVar("raw", default=False)
_patching = RLock()


@contextmanager
def raw_parameters() -> Iterator[None]:
    """Within it, new layers keep the memory they are given, uninitialised.

    A paper's initialisation follows, or none where only shapes matter: torch's own costs three
    quarters of a layer's construction. Layers that other threads build are not affected.
    """

    def unless_raw(original: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda layer: None if _raw.get() else original(layer)

    with _patching:
        originals = [(cls, cls.reset_parameters) for cls in _SELF_INITIALISING]
        for cls, original in originals:
            cls.reset_parameters = unless_raw(original)
        token = _raw.set(True)
        try:
            yield
        finally:
            _raw.reset(token)
            for cls, original in originals:
                cls.reset_parameters = original


def initialise(
    net: nn.Module, weights: Callable[[Tensor], object], linear: Callable[[Tensor], object]
) -> None:
    """Fill every layer: `weights` for convolutions, `linear` for linear layers, biases 0, norms 1.

    Every parameter that `raw_parameters` left untouched is written here.
    """
    for layer in net.modules():
        if isinstance(layer, _NormBase):
            layer.reset_parameters()
        elif isinstance(layer, (_ConvNd, nn.Linear)):
            (linear if isinstance(layer, nn.Linear) else weights)(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def he_normal(weight: Tensor) -> Tensor:
    """He et al. 2015, Delving deep into rectifiers, eq. 10: N(0, 2 / fan_in)."""
    return nn.init.kaiming_normal_(weight, mode="fan_in", nonlinearity="relu")


def normal(std: float) -> Callable[[Tensor], Tensor]:
    """N(0, std²)."""
    return lambda weight: nn.init.normal_(weight, 0.0, std)


def he_initialise(net: nn.Module) -> None:
    """He initialisation for convolutions, N(0, 0.01²) for the classifier."""
    initialise(net, he_normal, normal(0.01))
