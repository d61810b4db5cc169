"""`cnnbench list`: what can be built, without importing torch."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cnnbench.cli import columns as col
from cnnbench.cli import options as opt
from cnnbench.errors import CnnbenchError, nearest
from cnnbench.models import registry
from cnnbench.reports.emit import check_writable, emit
from cnnbench.reports.report import Column, Report, Table

COLUMNS = (
    Column("names", "model [alias]", left=True),
    Column("input", "input", col.shapes, left=True),
    Column("summary", "what it is", left=True),
    Column("options", "options", ", ".join, left=True, under=True),
)


def list_models(
    word: Annotated[
        str, typer.Argument(help="Only models with this word in name, paper, year or summary.")
    ] = "",
    form: opt.FormatOption = None,
    output: opt.Output = None,
) -> None:
    """List every model with its paper, year, input and the options its spec takes.

    cnnbench list

    cnnbench list residual
    """
    check_writable(output)
    found = registry.search(word)
    if not found:
        hint = nearest(word, registry.names())
        raise CnnbenchError(f"no model has {word!r} in its name, paper or summary{hint}")
    papers = dict.fromkeys(model.paper for model in found)
    tables = [
        Table(
            COLUMNS,
            [_shown(model) for model in found if model.paper == paper],
            f"{paper.year}  {paper.citation}",
        )
        for paper in papers
    ]
    taken = dict.fromkeys(option.name for model in found for option in model.options)
    notes = ["Options are written NAME@key=value,key=value:", *_explained(list(taken), found)]
    emit(Report("list", [_record(model) for model in found], tables, notes), form, output)


def _record(model: registry.Model) -> dict[str, Any]:
    return {
        "model": model.name,
        "aliases": list(model.aliases),
        "paper": model.paper.citation,
        "year": model.paper.year,
        "summary": model.summary,
        "input": [[1, *model.input]],
        "options": {option.name: option.default for option in model.options},
    }


def _shown(model: registry.Model) -> dict[str, Any]:
    alias = f" [{', '.join(model.aliases)}]" if model.aliases else ""
    return {**_record(model), "names": model.name + alias}


def _explained(names: list[str], models: list[registry.Model]) -> list[str]:
    """One line an option: what it does and what it takes."""
    options = {name: next(o for m in models if (o := m.option(name))) for name in names}
    return [f"  {name}: {option.help} ({option.values})" for name, option in options.items()]
