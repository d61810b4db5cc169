"""The registry as Markdown: every network by its paper, every block, what options they take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnnbench import units
from cnnbench.models.model import Model, Option, Paper
from cnnbench.models.registry import BLOCKS, MODELS

from ..conftest import zoo
from .markdown import code, table


def networks() -> str:
    """A section a paper: its networks with what they cost, then their options."""
    papers = dict.fromkeys(model.paper for model in MODELS)
    return "\n".join(map(_section, papers))


def blocks() -> str:
    """Every block with the paper it comes from, then their options."""
    rows = [
        (code(block.name, *block.aliases), block.summary, _cited(block.paper)) for block in BLOCKS
    ]
    return table(("block", "what it is", "paper"), rows) + "\n" + _options(BLOCKS)


def options() -> str:
    """Every option once, with what it takes and what it does."""
    found: dict[str, Option] = {}
    for model in (*MODELS, *BLOCKS):
        for option in model.options:
            found.setdefault(option.name, option)
    rows = [(code(name), _values(option), option.help) for name, option in found.items()]
    return table(("option", "values", "what it does"), rows)


def _section(paper: Paper) -> str:
    numbers = {row["model"]: row for row in zoo()}
    of = [model for model in MODELS if model.paper == paper]
    rows = [
        (
            code(model.name, *model.aliases),
            model.summary,
            units.shape(model.input),
            units.count(int(numbers[model.name]["params"])),
            units.count(int(numbers[model.name]["macs"])),
        )
        for model in of
    ]
    headings = ("network", "what it is", "input", "params", "MACs")
    shown = table(headings, rows, right="params MACs")
    return f"## {_cited(paper)}\n\n{shown}\n{_options(of)}"


def _cited(paper: Paper) -> str:
    return f"{paper.citation} ({paper.year})"


def _options(models: Sequence[Model]) -> str:
    """A line for all models that have the same options with the same defaults."""
    return "".join(f"- {line}\n" for line in _lines(models))


def _lines(models: Sequence[Model]) -> Iterator[str]:
    groups: dict[tuple[Option, ...], list[str]] = {}
    for model in models:
        groups.setdefault(model.options, []).append(model.name)
    for taken, names in groups.items():
        texts = (f"{option.name}={_typed(option)}" for option in taken)
        yield f"{_range(names)}: {code(*texts)}"


def _range(names: Sequence[str]) -> str:
    """The names of a group, of a long one its ends."""
    return code(*names) if len(names) < 4 else f"`{names[0]}` to `{names[-1]}`"


def _typed(option: Option) -> str:
    value = option.default
    return str(value).lower() if isinstance(value, bool) else str(value)


def _values(option: Option) -> str:
    values = (*option.choices, *(("true", "false") if isinstance(option.default, bool) else ()))
    return code(*values) if values else option.values
