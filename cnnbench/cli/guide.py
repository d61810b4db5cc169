"""`cnnbench guide`: the documentation in a terminal."""

from __future__ import annotations

import os
import shutil
from typing import Annotated

import typer

from cnnbench.cli.completion import complete_topic
from cnnbench.cli.frame import command
from cnnbench.reports import guide as pages
from cnnbench.reports.formats.emit import deliver, emit

_WIDEST = 100  # columns of a text that is read with ease


@command
def guide(
    topic: Annotated[
        str,
        typer.Argument(
            metavar="[TOPIC]",
            help="A page, or a command whose page it is; without one, the list of pages.",
            autocompletion=complete_topic,
            show_default=False,
        ),
    ] = "",
) -> None:
    """Show the documentation: rendered and paged on a terminal, as Markdown in a pipe.

    cnnbench guide

    cnnbench guide count

    cnnbench guide conventions > conventions.md
    """
    if not topic:
        emit(pages.report(), None, None)
        return
    text = pages.page(topic).text
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(highlight=False)
    if not console.is_terminal:
        deliver(text, None)
        return
    os.environ.setdefault("LESS", "-FRX")  # colours, and no paging of what fits the screen
    os.environ.setdefault("LESSCHARSET", "utf-8")  # as we write it, whatever the locale
    _forget_missing_pagers()
    console.width = min(console.width, _WIDEST)
    with console.pager(styles=True):
        console.print(Markdown(text, code_theme="ansi_dark"))


def _forget_missing_pagers() -> None:
    """A pager that is not installed would show nothing; the system's own is taken."""
    for name in ("MANPAGER", "PAGER"):
        words = os.environ.get(name, "").split()
        if words and shutil.which(words[0]) is None:
            del os.environ[name]
