"""What a page's figures have in common: which results are drawn, and how they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TypeVar

from cnnbench import units
from cnnbench.studies.comparison.stages import label
from cnnbench.sweeps.results import Result

T = TypeVar("T")

MOST_POINTS = 1500  # that a browser draws at once without delay
MOST_ROWS = 60  # of a chart with a row a network


def name(result: Result) -> str:
    """A network's spec; a block at the map that it is given."""
    block = result.block
    return f"{block.model.name} {label(block)}" if block else result.model


def networks(results: Sequence[Result]) -> Sequence[Result]:
    """Without blocks, unless there is nothing else."""
    return [one for one in results if one.block is None] or results


def each_network(results: Iterable[Result]) -> list[Result]:
    """Every model once, at its smallest batch, in the order in which they come."""
    found: dict[str, Result] = {}
    for one in results:
        known = found.get(one.model)
        if known is None or one.batch < known.batch:
            found[one.model] = one
    return list(found.values())


def some_networks(results: Sequence[Result]) -> tuple[Sequence[Result], str]:
    """Results of as many networks as a chart can show, and which those are."""
    models = dict.fromkeys(one.model for one in results)
    if len(models) <= MOST_ROWS:
        return results, ""
    kept = set(islice(models, MOST_ROWS))
    return [one for one in results if one.model in kept], (
        f" The first {MOST_ROWS} networks of {units.exact(len(models))}; the table has all."
    )


def thinned(
    of: Sequence[T], always: Callable[[T], bool] = lambda one: False
) -> tuple[Sequence[T], str]:
    """The most that a chart can show, evenly over their order, and how many those are."""
    if len(of) <= MOST_POINTS:
        return of, ""
    kept = {index * len(of) // MOST_POINTS for index in range(MOST_POINTS)}
    shown = [one for index, one in enumerate(of) if index in kept or always(one)]
    drawn, whole = units.exact(len(shown)), units.exact(len(of))
    return shown, f" {drawn} of {whole} are drawn; the table has all."
