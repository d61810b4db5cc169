"""How the models that can be built read. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnbench.models import sources
from cnnbench.models.model import Model
from cnnbench.models.spec import parse
from cnnbench.reports import accuracy
from cnnbench.reports import columns as col
from cnnbench.reports.report import Column, Report, Table
from cnnbench.studies.papers.accuracy import headline, of_network

COLUMNS = (
    Column("names", "model [alias]", left=True),
    Column("input", "input", col.shapes, left=True),
    accuracy.COLUMN,
    Column("summary", "what it is", left=True),
    Column("options", "options", ", ".join, left=True, under=True),
)
PLUGINS = (
    Column("names", "model", left=True),
    Column("source", "where it comes from", left=True),
)


def report_of(found: Sequence[Model], added: Mapping[str, str]) -> Report:
    """A table a paper, one of blocks, one of what other packages add by name."""
    blocks = [model for model in found if model.is_block]
    papers = dict.fromkeys(model.paper for model in found if not model.is_block)
    groups = {
        f"{paper.year}  {paper.citation}": [model for model in found if model.paper == paper]
        for paper in papers
    }
    if blocks:
        groups["blocks, which 'cnnbench compare' compares"] = blocks
    tables = [Table(COLUMNS, list(map(_shown, models)), title) for title, models in groups.items()]
    if added:
        rows = [{"names": name, "source": source} for name, source in added.items()]
        tables.append(Table(PLUGINS, rows, "from other packages"))
    taken = dict.fromkeys(option.name for model in found for option in model.options)
    theirs = " and ".join(map(sources.typed, sources.names()))
    how = "Options are written NAME@key=value,key=value. " if taken else ""
    notes = [f"{how}Also package.module:NAME, path/file.py:NAME, {theirs}."]
    notes += _explained(list(taken), found)
    if any(row["accuracy"] for table in tables for row in table.rows if "accuracy" in row):
        notes.append(f"{accuracy.MARKED}; 'cnnbench published --accuracies' has the sources")
    records = [*map(_record, found)]
    records += [_plugin(name, source) for name, source in added.items()]
    return Report("list", records, tables, notes)


def _record(model: Model) -> dict[str, Any]:
    return {
        "model": model.name,
        "aliases": list(model.aliases),
        "paper": model.paper.citation,
        "year": model.paper.year,
        "block": model.is_block,
        "summary": model.summary,
        "input": [[1, *model.input]],
        "accuracy": _accuracy(model),
        "options": {option.name: option.default for option in model.options},
    }


def _accuracy(model: Model) -> dict[str, Any] | None:
    """What is published of it as it is named."""
    known = None if model.is_block else headline(of_network(parse(model.name)))
    return known.record() if known else None


def _plugin(name: str, source: str) -> dict[str, Any]:
    """A model that another package adds; what it takes shows when it is built."""
    about = {"paper": None, "year": None, "block": False, "summary": source}
    return {"model": name, "aliases": [], **about, "input": None, "accuracy": None, "options": {}}


def _shown(model: Model) -> dict[str, Any]:
    alias = f" [{', '.join(model.aliases)}]" if model.aliases else ""
    return {**_record(model), "names": model.name + alias}


def _explained(names: list[str], models: Sequence[Model]) -> list[str]:
    """One line an option: what it does and what it takes."""
    options = {name: next(o for m in models if (o := m.option(name))) for name in names}
    return [f"  {name}: {option.help} ({option.values})" for name, option in options.items()]
