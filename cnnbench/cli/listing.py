"""`cnnbench list`: what can be built, without importing torch."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench.cli.frame import Written, command
from cnnbench.errors import CnnbenchError, nearest
from cnnbench.models import lookup
from cnnbench.models.sources import plugins
from cnnbench.reports.list import report_of


@command
def list_models(
    word: Annotated[
        str,
        typer.Argument(help="Only models with this word in their name, paper, year or summary."),
    ] = "",
    written: Written = Written(),
) -> None:
    """List every model and block with its paper, year, input and the options its spec takes.

    cnnbench list

    cnnbench list residual
    """
    found = lookup.search(word)
    added = {
        point.name: point.value
        for point in plugins.models()
        if word.lower() in f"{point.name} {point.value}".lower()
    }
    if not (found or added):
        hint = nearest(word, lookup.names())
        raise CnnbenchError(f"no model has {word!r} in its name, paper or summary{hint}")
    written.hand_over(report_of(found, added))
