"""Claims about speed: pairs timed in the same rounds on the reader's device."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from cnnbench import units
from cnnbench.errors import InputError
from cnnbench.models.scale import Way
from cnnbench.models.spec import parse_together
from cnnbench.studies.comparison import compare
from cnnbench.studies.comparison.cases import cases
from cnnbench.studies.comparison.comparison import Comparison
from cnnbench.studies.comparison.rows import count_rows
from cnnbench.studies.comparison.stages import CHAIN
from cnnbench.studies.papers.claims.claim import Answer, Claim, Need, Setup, at_least, at_most
from cnnbench.studies.papers.claims.counted import BOTTLENECK, PLAIN, doubled
from cnnbench.timing import backends
from cnnbench.timing.backends import EAGER
from cnnbench.timing.samples.confidence import OF_RERUN
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.samples.statistics import Interval
from cnnbench.timing.setting import Setting


def _timed(rows: Sequence[Comparison], setup: Setup) -> list[Comparison]:
    """The rows with what they were measured to take; KeyboardInterrupt where not all were."""
    done = compare.time_rows(rows, setup)
    if done.interrupted:
        raise KeyboardInterrupt
    return done.rows


def _counted(a: str, b: str, backend: str, chain: int = 1) -> list[Comparison]:
    setting = Setting(backend=backend)
    asked = cases(parse_together([a, b]), {}, chain=chain)
    return count_rows(asked, None, [setting], values=True)


def _speedup(row: Comparison) -> Interval:
    """Time of a / time of b; its ends are infinite where it was measured too rarely."""
    if row.measured is None:
        raise InputError(row.failure or f"{row.title} was not measured")
    if row.verdict is Verdict.NOT_USABLE:
        raise InputError(f"the times of {row.title} are not usable: the machine was busy")
    return row.measured


def _faster(a: str, b: str, setup: Setup, backend: str) -> Answer:
    """Time of a / time of b, beside the ratio of their MACs."""
    (row,) = _timed(_counted(a, b, backend), setup)
    found, fewer = _speedup(row), units.ratio(row.macs_ratio or math.nan)
    said = f"{OF_RERUN:.0%} of reruns {units.ratios(found.low, found.high)}, for {fewer} fewer MACs"
    return Answer(found.median, said, (found.low, found.high))


def _separable(setup: Setup, backend: str) -> Answer:
    """The geometric mean over the stages of a typical network; in a runtime of chains there."""
    chain = 1 if backend == EAGER else CHAIN
    rows = _counted("conv", "separable", backend, chain)
    found = [_speedup(row) for row in _timed(rows, setup)]
    said = ", ".join(units.ratio(one.median) for one in found)
    value, low, high = (
        math.prod(ends) ** (1 / len(found))
        for ends in zip(*((one.median, one.low, one.high) for one in found), strict=True)
    )
    return Answer(value, f"geometric mean; from 112x112 to 7x7: {said}", (low, high))


def _compound(setup: Setup) -> Answer:
    """Time of twice the MACs by compound scaling, over that of the fastest single way."""
    ways = doubled(values=True)
    timed = _timed(list(ways.values()), setup)
    faster = {way: _speedup(row) for way, row in zip(ways, timed, strict=True)}
    said = ", ".join(f"{way} {units.ratio(1 / found.median)}" for way, found in faster.items())
    compound = faster.pop(Way.COMPOUND)
    best = max(faster.values(), key=lambda found: found.median)
    return Answer(
        best.median / compound.median,
        f"time for twice the MACs: {said}",
        (best.low / compound.high, best.high / compound.low if compound.low > 0 else math.inf),
    )


_TIMED = partial(Claim, need=Need.TIMING)


def _of_course(backend: str = "") -> tuple[Claim, ...]:
    """The course's claims about speed, in eager PyTorch or in a runtime."""
    timed = partial(_TIMED, backend=backend)
    called, where = (backend, f" in {backend}") if backend else ("time", "")
    run_in = backend or EAGER
    return (
        timed(
            name=f"bottleneck_{called}",
            text=f"The 10 times cheaper 1x1 bottleneck is as much faster{where}",
            source="Ng, course 4 week 2: 28x28x192 → 32, by 16, of computation",
            promised="10x",
            band=at_least(8, 1.1),
            find=partial(_faster, PLAIN, BOTTLENECK, backend=run_in),
        ),
        timed(
            name=f"separable_{called}",
            text=f"A depthwise-separable convolution is 8 to 9 times faster{where}",
            source="Howard et al. 2017, section 3.1, of computation",
            promised="8x to 9x",
            band=at_least(8, 1.1),
            find=partial(_separable, backend=run_in),
        ),
        timed(
            name=f"mobilenet_{called}",
            text="MobileNet is as much faster than its twin of full convolutions as its FLOPs "
            f"promise{where}",
            source="Howard et al. 2017, table 4, of computation",
            promised="8.56x",
            band=at_least(7, 1.1),
            find=partial(_faster, "mobilenet_v1_conv", "mobilenet_v1", backend=run_in),
        ),
    )


CLAIMS = (
    *_of_course(),
    _TIMED(
        name="compound_time",
        text="Twice the FLOPs take as long by compound scaling as by one dimension alone",
        source="cnnbench's own question: Tan & Le 2019 measure cost in FLOPs",
        promised="1x",
        band=at_most(1.02, 1.25),
        find=_compound,
    ),
    *(claim for backend in backends.RUNTIMES for claim in _of_course(backend)),
)
