"""Base units in, human units out: the only place that formats a number."""

from __future__ import annotations

import math
import re
from decimal import Decimal

_QUANTITY = re.compile(r"(\d{1,30}(?:\.\d{1,30})?) ?([kKMGTP]?)(iB|B|)", re.ASCII)
_TIME = re.compile(r"(\d{1,30}(?:\.\d{1,30})?) ?([munµμ]?)s", re.ASCII)
_SI = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SECONDS = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_BINARY = tuple(
    (1024.0**power, prefix)
    for power, prefix in ((5, "Pi"), (4, "Ti"), (3, "Gi"), (2, "Mi"), (1, "Ki"))
)


def significant(value: float) -> str:
    """Three significant digits, whole numbers from 100 on: 4.09, 25.6, 569, 1014, 0.113."""
    if value == 0:
        return "0"
    decimals = 2 if abs(value) < 9.995 else 1 if abs(value) < 99.95 else 0
    if abs(value) < 0.995:  # 0.113, 0.0312
        return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.2e}"
    return f"{value:.{decimals}f}"


def magnitude(value: float) -> str:
    """A number of any size, powers of ten where it is far from 1: '17.3', '1.0e4', '6.4e-6'."""
    if not math.isfinite(value):
        return "inf"
    if value == 0 or 0.00995 <= abs(value) < 999.5:
        return significant(value)
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def magnitudes(low: float, high: float) -> str:
    """An interval of them: '9.2e3 … 1.1e4'."""
    return f"{magnitude(low)} … {magnitude(high)}"


def _scaled(value: float, steps: tuple[tuple[float, str], ...], unit: str, base: float) -> str:
    for step, prefix in steps:
        # 999,600 is 1.00 M and not 1000 k: step up where rounding would reach the next unit.
        if abs(value) >= step * (1 - 0.5 / base):
            return f"{significant(value / step)} {prefix}{unit}"
    return f"{value:.0f}{' ' + unit if unit else ''}"


def count(value: int) -> str:
    """Elements or operations: 4231976 -> '4.23 M'; below a thousand the number itself."""
    return _scaled(value, _SI, "", 1e3)


def number(value: int, thing: str) -> str:
    """A number of things: '1 chart', '1,024 charts'."""
    return f"{value:,} {thing}{'' if value == 1 else 's'}"


def exact(value: int) -> str:
    """Every digit, in groups of three: 4089184256 -> '4,089,184,256'."""
    return f"{value:,}"


def size(value: int) -> str:
    """Bytes: 9633792 -> '9.19 MiB'."""
    return _scaled(value, _BINARY, "B", 1024.0)


def share(value: float) -> str:
    """A fraction as a percentage with two decimals: 0.94863 -> '94.86%'."""
    return f"{100 * value:.2f}%"


def rate(value: float, unit: str) -> str:
    """Something per second: 278508201189, 'FLOP/s' -> '279 GFLOP/s'."""
    return _scaled(value, _SI, unit, 1e3)


def duration(seconds: float) -> str:
    """0.0212 -> '21.2 ms'."""
    return _scaled(seconds, _SECONDS, "s", 1e3)


def span(seconds: float) -> str:
    """How long a person waits: '40 s', '25 min', '3.5 h'."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def durations(low: float, high: float) -> str:
    """An interval in one unit: '20.7 … 21.7 ms'."""
    step, prefix = next((s for s in _SECONDS if low >= s[0] * 0.9995), _SECONDS[-1])
    return f"{significant(low / step)} … {significant(high / step)} {prefix}s"


def speed(value: float) -> str:
    """Images or calls per second, three digits: 47.2, 1034."""
    return significant(value) if value < 1e4 else count(round(value))


def percent(value: float) -> str:
    """A fraction to three digits at most: 0.413 -> '41%', 0.0213 -> '2.1%'."""
    if abs(value) < 0.0005:
        return "0.0%"
    return f"{100 * value:.0f}%" if abs(value) >= 0.0995 else f"{100 * value:.1f}%"


def difference(value: float) -> str:
    """A relative difference with its sign: 0.071 -> '+7.1%', -0.25 -> '-25%'."""
    return f"{'+' if value > 0 else ''}{percent(value)}"


def ratio(value: float) -> str:
    """A ratio to three digits: 8.4167 -> '8.42x', 0.632 -> '0.632x'."""
    return f"{significant(value)}x"


def ratios(low: float, high: float) -> str:
    """An interval of ratios: '1.28 … 1.38'."""
    return f"{significant(low)} … {significant(high)}"


def precision(value: float) -> str:
    """Half an interval as a share, three digits: 0.0204 -> '±2.04%', 0.0001 -> '±0.01%'."""
    return f"±{significant(100 * value)}%"


def shape(dims: tuple[int, ...]) -> str:
    """A shape as a person types it: (3, 224, 224) -> '3x224x224'; a scalar is '1'."""
    return "x".join(str(dim) for dim in dims) or "1"


def shortened(name: str, longest: int = 60) -> str:
    """A name whose middle is left out where it is long: converters write whole histories."""
    half = longest // 2
    return name if len(name) <= longest else f"{name[: half - 1]}…{name[-half:]}"


def feature_map(dims: tuple[int, ...], channels_last: bool = False) -> str:
    """A tensor without its batch; a map's channels last, as papers have it: '56x56x64'.

    `channels_last` tells that they are so already.
    """
    _, *rest = dims or (1,)
    if len(rest) >= 3 and not channels_last:
        rest = [*rest[1:], rest[0]]
    return shape(tuple(rest))


def window(kernel: tuple[int, ...], stride: tuple[int, ...]) -> str:
    """A window and how it steps, where that is not by one: '3x3', '7x7 /2', '3x5 /2x1'."""
    return shape(kernel) + steps(stride, " /") if kernel else ""


def steps(dims: tuple[int, ...], before: str) -> str:
    """How far a window goes at once, or how far apart its places are; nothing where that is 1."""
    one = dims[:1] if len(set(dims)) == 1 else dims
    return before + shape(one) if set(dims) - {1} else ""


def seconds(text: str) -> float:
    """Read what a person types: '20ms' -> 0.02, '1.5s', '800us'. ValueError where it is none."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time")
    steps = {prefix: step for step, prefix in _SECONDS} | {"u": 1e-6}
    return float(match[1]) * steps[match[2].replace("μ", "µ")]


def quantity(text: str, *, size: bool) -> int:
    """Read what a person types: '500M' -> 500000000; with `size`, '8MiB' -> 8388608.

    ValueError where it is none: a fraction of one, a count with a B, an unknown prefix.
    """
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or (match[3] and not size) or (match[3] == "iB" and not match[2]):
        raise ValueError(f"{text!r} is no {'size' if size else 'count'}")
    base = 1024 if match[3] == "iB" else 1000
    value = Decimal(match[1]) * base ** " KMGTP".index(match[2].upper() or " ")
    if value != int(value):
        raise ValueError(f"{text!r} is not whole")
    return int(value)
