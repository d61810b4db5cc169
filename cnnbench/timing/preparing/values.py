"""Numbers that lie about time: NaN, infinity and denormals, which processors treat apart."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cnnbench.counting.tracing.tensors import tensors_in
from cnnbench.devices.warnings import Warning, warning
from cnnbench.models.arguments import Arguments
from cnnbench.models.nesting import modules

_MANY = 0.01  # share of denormals that is worth a word


def inspect(net: nn.Module, given: Arguments, *, denormals: bool = True) -> list[Warning]:
    """Run one pass and name the first layer whose output is not finite, or largely denormal.

    `denormals` are looked for in float32 and float64, where a processor may compute them slowly.
    """
    found: dict[str, Warning] = {}
    names = {id(module): path for path, module in modules(net).items()}

    def look(module: nn.Module, _: object, output: object) -> None:
        if any(True for _ in module.children()):
            return
        layer = names.get(id(module)) or "the network"
        for tensor in (t for t in tensors_in(output) if t.is_floating_point() and t.numel()):
            if "not_finite" not in found and not bool(tensor.isfinite().all()):
                found["not_finite"] = warning("not_finite", layer=layer)
            wide = denormals and tensor.dtype in (torch.float32, torch.float64)
            if wide and "denormal" not in found and (share := _denormal(tensor)) > _MANY:
                found["denormal"] = warning("denormal", layer=layer, share=share)

    hook = nn.modules.module.register_module_forward_hook(look)
    try:
        output = net(*given.positional, **given.named)
    finally:
        hook.remove()
    if "not_finite" not in found and any(
        t.is_floating_point() and not bool(t.isfinite().all()) for t in tensors_in(output)
    ):
        found["not_finite"] = warning("not_finite", layer="its output")
    return list(found.values())


def _denormal(tensor: Tensor) -> float:
    """Share of numbers nearer to 0 than the least normal one, 0 itself not counted."""
    size = tensor.abs()
    small = (size < torch.finfo(tensor.dtype).tiny) & (size > 0)
    return float(small.float().mean())
