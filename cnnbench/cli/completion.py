"""Completion of model specs: names, then `@`, options and their values."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

from cnnbench.models import lookup, registry
from cnnbench.models.inputs import NumberFormat
from cnnbench.models.model import Option
from cnnbench.models.sources import plugins
from cnnbench.reports.guide import pages
from cnnbench.timing import backends

_BREAKS = "@=:"  # bash's COMP_WORDBREAKS, as far as specs hold them


@contextmanager
def joined_bash_words() -> Iterator[None]:
    """Undo bash's splitting of `resnet50@stride_on=1x1` into five words, while typer completes.

    Bash replaces only what follows the last break, so the answers are printed without the part
    before it.
    """
    done = _join()
    if not done:
        yield
        return
    answers = io.StringIO()
    try:
        with redirect_stdout(answers):
            yield
    finally:
        for word in answers.getvalue().splitlines():
            print(word.removeprefix(done))


def _join() -> str:
    """Join the words in bash's variables; return what is complete of the one at the cursor."""
    words = os.environ.get("COMP_WORDS", "").split("\n")
    current = int(os.environ.get("COMP_CWORD", "0") or 0)
    if os.environ.get("_CNNBENCH_COMPLETE") != "complete_bash" or current >= len(words):
        return ""
    joined: list[str] = []
    for word in words[: current + 1]:
        glued = bool(joined) and (
            word[:1] == "@"
            or ("@" in joined[-1] and (word[:1] in _BREAKS or joined[-1][-1] in _BREAKS))
        )
        if glued:
            joined[-1] += word
        else:
            joined.append(word)
    os.environ["COMP_WORDS"] = "\n".join(joined)
    os.environ["COMP_CWORD"] = str(len(joined) - 1)
    last = joined[-1]
    if "@" not in last:
        return ""
    end = max(map(last.rfind, _BREAKS))
    return last[:end] if last[end] == "@" else last[: end + 1]  # readline keeps '@' with the rest


def complete_spec(incomplete: str) -> list[tuple[str, str]]:
    """Complete model names, then the options after '@' and their values, each with its help."""
    name, at, tail = incomplete.partition("@")
    if not at:
        return [
            (word, model.summary)
            for model in (*registry.MODELS, *registry.BLOCKS)
            for word in (model.name, *model.aliases)
            if word.startswith(name.lower())
        ] + [(word, "from another package") for word in plugins.names() if word.startswith(name)]
    if name.lower() not in lookup.names():
        return []
    model = lookup.find(name)
    done, comma, last = tail.rpartition(",")
    head = f"{name}@{done}{comma}"
    given = {item.partition("=")[0] for item in done.split(",")}
    key, equals, value = last.partition("=")
    return [
        (f"{head}{option.name}={choice}", option.help)
        for option in model.options
        if (option.name == key if equals else option.name.startswith(key))
        and option.name not in given
        for choice in _values(option)
        if choice.startswith(value)
    ]


def complete_backend(incomplete: str) -> list[str]:
    """Complete the last of several names of back ends."""
    return _several(incomplete, backends.names())


def complete_dtype(incomplete: str) -> list[str]:
    """Complete the last of several number formats."""
    return _several(incomplete, list(NumberFormat))


def _several(incomplete: str, names: Sequence[str]) -> list[str]:
    """Complete the last of several names, which commas part."""
    done, comma, last = incomplete.rpartition(",")
    given = done.split(",")
    return [f"{done}{comma}{name}" for name in names if name.startswith(last) and name not in given]


def complete_topic(incomplete: str) -> list[tuple[str, str]]:
    """Complete the pages of the documentation."""
    return [(page.topic, page.summary) for page in pages() if page.topic.startswith(incomplete)]


def _values(option: Option) -> tuple[str, ...]:
    """Every value, or of a number its default; and none, so that no shell ends the word there."""
    if option.choices:
        return option.choices
    if isinstance(option.default, bool):
        return ("true", "false")
    return (str(option.default), "")
