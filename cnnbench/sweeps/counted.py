"""Static costs of many configurations, in parallel processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from cnnbench.errors import CnnbenchError
from cnnbench.sweeps.plan import Configuration
from cnnbench.timing import cores

_AHEAD = 4  # configurations that each process may be given before the first is taken


def counted(of: Sequence[Configuration]) -> Iterator[tuple[Configuration, dict[str, Any], str]]:
    """Each with its costs, or why it has none, in their order."""
    workers = max(1, min(cores.affinity(), len(of)))
    if workers == 1 or len(of) <= _AHEAD:
        yield from ((one, *_count(one)) for one in of)
        return
    left = iter(of)
    waiting: list[tuple[Configuration, Future[tuple[dict[str, Any], str]]]] = []
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        try:
            while True:
                while len(waiting) < _AHEAD * workers and (one := next(left, None)) is not None:
                    waiting.append((one, pool.submit(_count, one)))
                if not waiting:
                    return
                one, done = waiting.pop(0)
                yield (one, *done.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _count(one: Configuration) -> tuple[dict[str, Any], str]:
    """Count it; what cannot be counted says why."""
    from cnnbench.counting.count import count
    from cnnbench.counting.views import summary

    try:
        trace = count(one.spec, batch=one.batch, dtype=one.dtype, train=one.train)
        return summary(trace), ""
    except CnnbenchError as error:
        return {}, str(error)
