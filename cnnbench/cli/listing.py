"""`cnnbench list`: what can be built, without importing torch."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cnnbench.cli import options as opt
from cnnbench.errors import CnnbenchError, nearest
from cnnbench.files import check_writable
from cnnbench.models import registry
from cnnbench.models.sources import plugins
from cnnbench.reports import columns as col
from cnnbench.reports.formats.emit import emit
from cnnbench.reports.report import Column, Report, Table

COLUMNS = (
    Column("names", "model [alias]", left=True),
    Column("input", "input", col.shapes, left=True),
    Column("summary", "what it is", left=True),
    Column("options", "options", ", ".join, left=True, under=True),
)

PLUGINS = (
    Column("names", "model", left=True),
    Column("source", "where it comes from", left=True),
)


def list_models(
    word: Annotated[
        str, typer.Argument(help="Only models with this word in name, paper, year or summary.")
    ] = "",
    form: opt.FormatOption = None,
    output: opt.Output = None,
) -> None:
    """List every model and block with its paper, year, input and the options its spec takes.

    cnnbench list

    cnnbench list residual
    """
    check_writable(output)
    found = registry.search(word)
    added = {
        point.name: point.value
        for point in plugins.entry_points()
        if word.lower() in f"{point.name} {point.value}".lower()
    }
    if not (found or added):
        hint = nearest(word, registry.names())
        raise CnnbenchError(f"no model has {word!r} in its name, paper or summary{hint}")
    blocks = [model for model in found if model.is_block]
    papers = dict.fromkeys(model.paper for model in found if not model.is_block)
    tables = [
        Table(
            COLUMNS,
            [_shown(model) for model in found if model.paper == paper],
            f"{paper.year}  {paper.citation}",
        )
        for paper in papers
    ]
    if blocks:
        title = "blocks, which 'cnnbench compare' compares"
        tables.append(Table(COLUMNS, [_shown(block) for block in blocks], title))
    if added:
        rows = [{"names": name, "source": source} for name, source in added.items()]
        tables.append(Table(PLUGINS, rows, "from other packages"))
    taken = dict.fromkeys(option.name for model in found for option in model.options)
    notes = [
        *(["Options are written NAME@key=value,key=value:"] if taken else []),
        *_explained(list(taken), found),
        "Also your own (package.module:NAME, path/file.py:NAME), timm:NAME and torchvision:NAME.",
    ]
    records = [*map(_record, found), *(_plugin(*item) for item in added.items())]
    emit(Report("list", records, tables, notes), form, output)


def _record(model: registry.Model) -> dict[str, Any]:
    return {
        "model": model.name,
        "aliases": list(model.aliases),
        "paper": model.paper.citation,
        "year": model.paper.year,
        "block": model.is_block,
        "summary": model.summary,
        "input": [[1, *model.input]],
        "options": {option.name: option.default for option in model.options},
    }


def _plugin(name: str, source: str) -> dict[str, Any]:
    """A model that another package adds; what it takes shows when it is built."""
    unknown: dict[str, Any] = {
        "paper": None,
        "year": None,
        "block": False,
        "summary": source,
        "input": None,
        "options": {},
    }
    return {"model": name, "aliases": [], **unknown}


def _shown(model: registry.Model) -> dict[str, Any]:
    alias = f" [{', '.join(model.aliases)}]" if model.aliases else ""
    return {**_record(model), "names": model.name + alias}


def _explained(names: list[str], models: list[registry.Model]) -> list[str]:
    """One line an option: what it does and what it takes."""
    options = {name: next(o for m in models if (o := m.option(name))) for name in names}
    return [f"  {name}: {option.help} ({option.values})" for name, option in options.items()]
