"""Options that several commands share, and the completion of model specs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnbench.models import registry
from cnnbench.models.spec import Shape, batched, parse_shape
from cnnbench.reports.emit import Format


def complete_spec(incomplete: str) -> list[tuple[str, str]]:
    """Complete model names, then the options after '@' and their values."""
    name, at, tail = incomplete.partition("@")
    if not at:
        return [
            (word, model.summary)
            for model in registry.MODELS
            for word in (model.name, *model.aliases)
            if word.startswith(name.lower())
        ]
    model = next((m for m in registry.MODELS if name.lower() in (m.name, *m.aliases)), None)
    if model is None:
        return []
    done, comma, last = tail.rpartition(",")
    head = f"{name}@{done}{comma}"
    given = {item.partition("=")[0] for item in done.split(",")}
    key, equals, value = last.partition("=")
    if not equals:
        return [
            (f"{head}{option.name}=", option.help)
            for option in model.options
            if option.name.startswith(key) and option.name not in given
        ]
    option = model.option(key)
    choices: tuple[str, ...] = option.choices if option else ()
    if option and isinstance(option.default, bool):
        choices = ("true", "false")
    return [(f"{head}{key}={choice}", "") for choice in choices if choice.startswith(value)]


Specs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL…", help="Model specs: NAME or NAME@key=value,…", autocompletion=complete_spec
    ),
]
OneSpec = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model spec: NAME or NAME@key=value,…", autocompletion=complete_spec
    ),
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input", metavar="CxHxW", help="Input shape without the batch; default: the model's own."
    ),
]
Batch = Annotated[int, typer.Option("--batch", "-b", help="Images in one forward pass.")]
Dtype = Annotated[
    str, typer.Option("--dtype", help="float32, float16, bfloat16 or float64; decides bytes.")
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format",
        "-f",
        help="How to print; default: table, or what the suffix of --output says.",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead of stdout."),
]


def read_input(text: str | None, batch: int) -> Shape | None:
    """Read --input and check it together with --batch, before anything heavy is imported."""
    shape = parse_shape(text) if text is not None else None
    batched(shape or (), batch)
    return shape
