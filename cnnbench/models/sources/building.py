"""Networks that others wrote, built: by a callable with its options, or as a module holds them.

Building runs the callable, nothing else is run; no weights are read, so no file of weights (a
pickle) is ever opened.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from copy import deepcopy
from operator import index
from typing import Any

import torch
from torch import nn

from cnnbench.errors import SourceError, nearest
from cnnbench.models.inputs import Shape
from cnnbench.models.sources import source_of
from cnnbench.models.sources.source import Carried, Found, reported
from cnnbench.models.spec import SourceSpec
from cnnbench.models.zoo.layers import raw_parameters


def load(spec: SourceSpec, *, shapes_only: bool = False) -> tuple[nn.Module, Carried | None]:
    """Build the network, and the input shape it carries; SourceError in one line where not.

    The shape is timm's `default_cfg`, torchvision's crop, or an attribute `input_shape` of the
    network or its callable. `shapes_only` leaves a library's network on the meta device, where
    that can be.
    """
    found = source_of(spec).find(spec)
    given = spec.arguments
    side = given.pop("resolution", None) if not _takes(found.target, "resolution") else None
    if side is not None and (not isinstance(side, int) or side < 1):
        raise SourceError(f"{spec}: resolution is a whole number of pixels, such as 224")
    net = None
    if shapes_only and found.only_layers:
        try:
            with raw_parameters(), torch.device("meta"):
                net = _build(spec, found, given, side)
        except SourceError:
            net = None  # it computes with values while it is built; or the next line says why not
    net = _build(spec, found, given, side) if net is None else net
    shape = _carried(net) or _carried(found.target) or found.input_shape
    return net, shape if shape is None or side is None else _resized(shape, side)


def _resized(shape: Carried, side: int) -> Carried:
    """The same with images of that side."""
    if isinstance(shape, str):
        return re.sub(r"\d+x\d+(?=[\],]|$)", f"{side}x{side}", shape)
    if all(isinstance(one, str) for one in shape):
        return tuple(str(_resized(one, side)) for one in shape)  # type: ignore[arg-type]
    return (*shape[:-2], side, side)


def converted(net: nn.Module, dtype: torch.dtype | None) -> nn.Module:
    """Return the network in another dtype: a copy, since a module of the user's may hold it."""
    if dtype is None or all(p.dtype == dtype for p in net.parameters() if p.is_floating_point()):
        return net
    return deepcopy(net).to(dtype)


def _build(spec: SourceSpec, found: Found, given: dict[str, Any], side: int | None) -> nn.Module:
    """Call the callable with the options, and hold that a network comes out of it."""
    target = found.target
    if isinstance(target, nn.Module):
        if given:
            raise SourceError(f"{spec}: {spec.name} is a network already and takes no options")
        return target
    if not callable(target):
        kind = type(target).__name__
        raise SourceError(f"{spec}: not a function, a class or a network, but of type {kind}")
    options = {**found.options, **given}
    if side is not None and _takes(target, "img_size") and "img_size" not in options:
        options["img_size"] = side
    _check_arguments(spec, target, options)
    with reported(spec, "build"):
        net = target(**options)
    if not isinstance(net, nn.Module):
        kind = type(net).__name__
        raise SourceError(f"{spec}: what it returns is of type {kind}, no torch.nn.Module")
    if "_modules" not in vars(net) and not isinstance(net, torch.jit.ScriptModule):
        raise SourceError(f"{spec}: its __init__ does not call super().__init__()")
    return net


def _check_arguments(spec: SourceSpec, target: Callable[..., Any], given: dict[str, Any]) -> None:
    """SourceError where the callable needs other arguments; nothing is called."""
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):  # written in C
        return
    kinds = inspect.Parameter
    named = [p for p in parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    takes = ", ".join(p.name for p in named) or "no options"
    if not any(p.kind is kinds.VAR_KEYWORD for p in parameters.values()):
        for key in given:
            if key not in {p.name for p in named}:
                known = nearest(key, (p.name for p in named))
                raise SourceError(
                    f"{spec}: {spec.name} has no option {key!r}{known}; takes {takes}"
                )
    missing = [
        p.name
        for p in parameters.values()
        if p.default is kinds.empty
        and p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
        and p.name not in given
    ]
    if missing:
        options = (*spec.options, *((name, "…") for name in missing))
        typed = SourceSpec(spec.source, spec.name, options)
        raise SourceError(f"{spec.name} has no default for {', '.join(missing)}; write {typed}")


def _takes(target: object, name: str) -> bool:
    try:
        return callable(target) and name in inspect.signature(target).parameters
    except (TypeError, ValueError):  # written in C
        return False


def _carried(holder: object) -> Shape | None:
    """The input shape that a network or its callable says it is for; None where it says none."""
    try:
        config = getattr(holder, "default_cfg", None)
        shape = config.get("input_size") if isinstance(config, dict) else None
        shape = shape or getattr(holder, "input_shape", None)
        return tuple(map(index, shape)) if isinstance(shape, (tuple, list)) and shape else None
    except Exception:  # it may be a property of anything
        return None
