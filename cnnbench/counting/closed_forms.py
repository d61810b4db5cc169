"""Closed forms: what the papers' formulas say that a block costs, without any trace.

Written as the MobileNets paper does: k (its D_K) the kernel's side, M channels in, N channels out,
H x W (its D_F x D_F) the map that comes out, R the channels of a reduction. The map keeps its sides
at stride 1, since the padding is k // 2. A test holds every form equal to the trace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnnbench import units
from cnnbench.models.spec import Spec
from cnnbench.models.zoo.googlenet import MODULES
from cnnbench.models.zoo.resnet import EXPANSION

Side = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Convolution:
    """A convolution of M channels by N filters of k x k in g groups, onto a map of H x W.

    g = 1 is the standard one (Howard et al. 2017, arXiv:1704.04861, eq. 2), g = M the depthwise
    one (eq. 4); between them grouped convolution (Krizhevsky et al. 2012, section 3.5).
    """

    kernel: int
    inputs: int
    outputs: int
    side: Side
    groups: int = 1

    @property
    def weights(self) -> int:
        """k² · M/g · N: each filter sees the channels of its group."""
        return self.kernel**2 * (self.inputs // self.groups) * self.outputs

    @property
    def macs(self) -> int:
        """k² · M/g · N · H · W: every filter once at every place of its output."""
        return self.weights * self.side[0] * self.side[1]

    @property
    def activations(self) -> int:
        """N · H · W (Radosavovic et al. 2020, Designing network design spaces, section 3.2)."""
        return self.outputs * self.side[0] * self.side[1]

    def __str__(self) -> str:
        """With the numbers put in: `5²·192·32·28²`, `3²·512·14²` where it is depthwise."""
        window = [f"{self.kernel}²"] if self.kernel > 1 else []
        inputs = self.inputs // self.groups
        channels = [str(n) for n in (inputs, self.outputs) if n > 1]
        height, width = self.side
        place = [f"{height}²"] if height == width else [str(height), str(width)]
        return "·".join((*window, *channels, *(side for side in place if side != "1²"))) or "1"


Form = tuple[Convolution, ...]


def out_side(side: Side, stride: int) -> Side:
    """ceil(H / s) x ceil(W / s): floor((H + 2·(k // 2) - k) / s) + 1 for an odd k."""
    return -(-side[0] // stride), -(-side[1] // stride)


def conv(side: Side, m: int, n: int, kernel: int, stride: int) -> Form:
    """k² · M · N · H · W (Howard et al. 2017, eq. 2)."""
    return (Convolution(kernel, m, n, out_side(side, stride)),)


def separable(side: Side, m: int, n: int, kernel: int, stride: int) -> Form:
    """k² · M · H · W + M · N · H · W (Howard et al. 2017, eq. 5); 1/N + 1/k² of `conv`."""
    out = out_side(side, stride)
    return (Convolution(kernel, m, m, out, groups=m), Convolution(1, m, n, out))


def bottleneck(side: Side, m: int, n: int, kernel: int, stride: int, mid: int) -> Form:
    """M · R on the map that comes in, then k² · R · N · H · W (Szegedy et al. 2014, section 4).

    At stride 1 that is (M·R + k²·R·N) / (k²·M·N) = R/(k²·N) + R/M of `conv`.
    """
    r = mid or max(1, n // 2)
    return (Convolution(1, m, r, side), Convolution(kernel, r, n, out_side(side, stride)))


def _projection(side: Side, m: int, n: int, stride: int) -> Form:
    """M · N · H · W where a dimension changes (He et al. 2015, section 3.3, option B)."""
    changes = stride != 1 or m != n
    return (Convolution(1, m, n, out_side(side, stride)),) if changes else ()


def residual(side: Side, m: int, n: int, stride: int) -> Form:
    """9 · M · N · H · W + 9 · N² · H · W, and a projection (He et al. 2015, figure 5, left)."""
    out = out_side(side, stride)
    body = (Convolution(3, m, n, out), Convolution(3, n, n, out))
    return (*body, *_projection(side, m, n, stride))


def residual_bottleneck(side: Side, m: int, n: int, stride: int, mid: int) -> Form:
    """M · R on the map that comes in, 9 · R² · H · W, R · N · H · W (figure 5, right).

    At stride 1 with M = N = W of both it is (2·W·R + 9·R²) / (18·W²) of `residual`.
    The 3x3 strides.
    """
    r = mid or max(1, n // EXPANSION)
    out = out_side(side, stride)
    body = (Convolution(1, m, r, side), Convolution(3, r, r, out), Convolution(1, r, n, out))
    return (*body, *_projection(side, m, n, stride))


def inverted_residual(side: Side, m: int, n: int, stride: int, expansion: int) -> Form:
    """1x1 to t·M on the map that comes in, 3x3 depthwise and 1x1 to N on the one that goes out.

    Sandler et al. 2018, section 3.3: h·w·d'·t·(d' + k² + d'') at stride 1; no first 1x1 at t = 1.
    """
    hidden, out = m * expansion, out_side(side, stride)
    first = (Convolution(1, m, hidden, side),) if expansion > 1 else ()
    depthwise = Convolution(3, hidden, hidden, out, groups=hidden)
    return (*first, depthwise, Convolution(1, hidden, n, out))


def inception(side: Side, m: int, module: str) -> Form:
    """Six convolutions of a row of table 1 (Szegedy et al. 2014, figure 2b)."""
    row = MODULES[f"inception{module}"]
    return (
        Convolution(1, m, row.c1x1, side),
        Convolution(1, m, row.c3x3_reduce, side),
        Convolution(3, row.c3x3_reduce, row.c3x3, side),
        Convolution(1, m, row.c5x5_reduce, side),
        Convolution(5, row.c5x5_reduce, row.c5x5, side),
        Convolution(1, m, row.pool_proj, side),
    )


def inception_naive(side: Side, m: int, module: str) -> Form:
    """Three convolutions of the same row, each on all M channels (figure 2a)."""
    row = MODULES[f"inception{module}"]
    return (
        Convolution(1, m, row.c1x1, side),
        Convolution(3, m, row.c3x3, side),
        Convolution(5, m, row.c5x5, side),
    )


FORMS: dict[str, Callable[..., Form]] = {
    "conv": conv,
    "separable": separable,
    "plain": conv,
    "bottleneck": bottleneck,
    "residual": residual,
    "residual_bottleneck": residual_bottleneck,
    "inverted_residual": inverted_residual,
    "inception_naive": inception_naive,
    "inception": inception,
}
_NAMES = {"out_channels": "n", "mid_channels": "mid"}


def form(block: Spec) -> Form:
    """The convolutions that a block's formula names, in order; of a chain those of each block."""
    m, *side = block.input_shape
    options: dict[str, Any] = {_NAMES.get(k, k): v for k, v in block.options if k != "shape"}
    if "n" in options:
        options["n"] = options["n"] or m
    chain, sides = options.pop("chain", 1), (side[0], side[1])
    of, form = FORMS[block.model.name], FORMS[block.model.name](sides, m, **options)
    for _ in range(1, chain):
        options, sides = {**options, "stride": 1}, out_side(sides, options["stride"])
        form += of(sides, options["n"], **options)
    return form


def written(terms: Form) -> str:
    """The sum with the numbers put in: `192·16·28² + 5²·16·32·28²`."""
    return " + ".join(map(str, terms))


def ratio(a: Spec, b: Spec) -> str:
    """b's multiply-accumulates over a's: the papers' own simplification where there is one.

    `1/N + 1/k² = 1/512 + 1/9 = 0.113`; otherwise both sums, divided. Nothing of chains, whose sums
    would be long.
    """
    if any(dict(block.options).get("chain", 1) != 1 for block in (a, b)):
        return ""
    above, below = form(b), form(a)
    value = sum(term.macs for term in above) / sum(term.macs for term in below)
    short = _short(a, b, below, above) or f"({written(above)}) / ({written(below)})"
    return f"{short} = {units.significant(value)}"


def _short(a: Spec, b: Spec, below: Form, above: Form) -> str:
    """The papers' simplification; nothing where a map, or what both share, differs."""
    names, first, last = (a.model.name, b.model.name), below[0], above[-1]
    one_map = len({term.side for term in (*below, *above)}) == 1
    if not one_map or a.input_shape != b.input_shape or below[-1].outputs != last.outputs:
        return ""
    k, m, n, r = first.kernel, first.inputs, first.outputs, last.inputs
    plain = names[0] in ("conv", "plain")
    if plain and names[1] == "separable" and above[0].kernel == k:
        return f"1/N + 1/k² = 1/{n} + 1/{k * k}"
    if plain and names[1] == "bottleneck" and last.kernel == k:
        return f"R/(k²·N) + R/M = {r}/({k * k}·{n}) + {r}/{m}"
    if names == ("residual", "residual_bottleneck") and (len(below), len(above)) == (2, 3):
        return f"R/(9·W) + R²/(2·W²) = {r}/(9·{n}) + {r}²/(2·{n}²)"
    return ""
