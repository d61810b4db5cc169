"""`cnnbench merge`: one store of several machines'."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cnnbench.cli import options as opt
from cnnbench.errors import CnnbenchError
from cnnbench.sweeps.merge import merge as merged
from cnnbench.sweeps.store import Store


def merge(
    folders: Annotated[
        list[Path], typer.Argument(metavar="A B…", help="Stores of sweeps.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="The new one.", show_default=False),
    ],
    debug: opt.Debug = False,
) -> None:
    """Join the stores of several machines: each configuration, device and software once.

    What two of them measured is never averaged: the later one stays, and the other is named.

    cnnbench merge run1 run2 --output both
    """
    if len(folders) < 2:
        raise CnnbenchError(f"{folders[0]} alone cannot be merged; name two or more")
    done = merged([Store(folder) for folder in folders], Store(output))
    typer.echo(f"{output}: {done.records} records, {len(done.conflicts)} of them in several stores")
    for record in done.conflicts:
        typer.echo(
            f"left out: {record['model']}, batch {record['batch']}, measured {record['measured']}"
        )
