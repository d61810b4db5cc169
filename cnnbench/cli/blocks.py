"""The options of blocks, which commands share that compare them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from cnnbench.models.model import Value
from cnnbench.studies.comparison.stages import CHAIN


@dataclass(frozen=True)
class Block:
    """The options of blocks."""

    shape: Annotated[
        str | None,
        typer.Option(
            "--shape",
            metavar="HxWxC",
            help="The map that enters the blocks, 28x28x192. Default: the papers' own stages.",
        ),
    ] = None
    out_channels: Annotated[
        int | None,
        typer.Option("--out-channels", min=1, help="How many channels come out of the blocks."),
    ] = None
    kernel: Annotated[
        int | None, typer.Option("--kernel", min=1, help="The side of the blocks' window.")
    ] = None
    stride: Annotated[
        int | None, typer.Option("--stride", min=1, help="The stride of the blocks.")
    ] = None
    mid_channels: Annotated[
        int | None,
        typer.Option("--mid-channels", min=1, help="How many channels a bottleneck reduces to."),
    ] = None
    chain: Annotated[
        int | None,
        typer.Option(
            "--chain",
            min=1,
            help=f"How many blocks stand one after another. Default: 1; in a runtime {CHAIN} "
            "where they are equal, so that its changes of layout weigh as in a network.",
        ),
    ] = None

    def given(self) -> dict[str, Value]:
        """Those that were typed."""
        return {name: value for name, value in asdict(self).items() if value is not None}
