"""`cnnbench merge`: one store of several machines'."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnbench import units
from cnnbench.cli.frame import command
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError
from cnnbench.reports.formats.emit import say


@command
def merge(
    folders: Annotated[
        list[Path], typer.Argument(metavar="A B…", help="Folders that sweeps have written.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="The folder to write."),
    ],
) -> None:
    """Join the stores of several machines: each configuration, device and software once.

    What two of them measured is never averaged: the later one stays, and the other is named.

    cnnbench merge run1 run2 --output both
    """
    if len(folders) < 2:
        raise CnnbenchError(f"{folders[0]} alone cannot be merged; name two or more")
    with heavy_imports():
        from cnnbench.sweeps.merge import merge as merged
        from cnnbench.sweeps.store import Store
    done = merged([Store(folder) for folder in folders], Store(output))
    say(
        f"{output}: {units.number(done.records, 'record')}, {len(done.conflicts)} of them "
        "otherwise in another store"
    )
    for one in done.conflicts:
        device, _ = one.place
        where = f", {device}" if device else ""
        say(f"left out: {one.configuration}{where}, measured {one.measured.isoformat()}")
