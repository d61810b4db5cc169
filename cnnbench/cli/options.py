"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from cnnbench.cli.completion import complete_backend, complete_dtype, complete_spec
from cnnbench.counting.division import By, Sort
from cnnbench.models.inputs import Dtype, NumberFormat
from cnnbench.models.sources import SOURCES, typed
from cnnbench.reports.formats.emit import Format
from cnnbench.timing.backends import BACKENDS, EAGER

_OTHERS = ", ".join(map(typed, SOURCES))
_SPEC = f"NAME@key=value,… or package.module:NAME, path/file.py:NAME, {_OTHERS}"
_SPECS = typer.Argument(
    metavar="MODEL", help=f"Model specs: {_SPEC}.", autocompletion=complete_spec
)
Specs = Annotated[list[str] | None, _SPECS]
SomeSpecs = Annotated[list[str], _SPECS]
OneSpec = Annotated[
    str,
    typer.Argument(metavar="MODEL", help=f"A model spec: {_SPEC}.", autocompletion=complete_spec),
]
Batches = Annotated[
    str,
    typer.Option(
        "--batch", "-b", metavar="N[,N…]", help="How many images pass at once; several: 1,8,32."
    ),
]
Batch = Annotated[int, typer.Option("--batch", "-b", help="How many images pass at once.")]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(
        "--dtype",
        help="The dtype of weights and activations. Default: float32, or what your network has.",
    ),
]
RunDtypeOption = Annotated[
    NumberFormat | None,
    typer.Option(
        "--dtype",
        help="The dtype of weights and activations; int8 where the back end has it. Default: "
        "float32, or what your network has.",
    ),
]
RunDtypes = Annotated[
    str | None,
    typer.Option(
        "--dtype",
        metavar="DTYPE[,DTYPE…]",
        help=f"The dtype of weights and activations: {', '.join(NumberFormat)}, where the back end "
        "has it; several are timed in the same rounds. Default: float32, or what your network has.",
        autocompletion=complete_dtype,
    ),
]
Calibrate = Annotated[
    str | None,
    typer.Option(
        "--calibrate",
        metavar="FOLDER",
        help="Find the scales of int8 with the images or .npy files in this folder. Default: 16 "
        "images of normal numbers.",
    ),
]
FormatOption = Annotated[
    Format | None,
    typer.Option(
        "--format", "-f", help="The format. Default: table, or what the suffix of --output says."
    ),
]


def output(more: str = "") -> Any:
    """The option for a file, with what else its suffix may ask for."""
    text = f"Write to this file instead of stdout{more}."
    return typer.Option("--output", "-o", metavar="FILE", help=text)


Output = Annotated[Path | None, output()]
AccuracyTable = Annotated[
    Path | None,
    typer.Option(
        "--accuracy",
        metavar="RESULTS.csv",
        help="Take accuracies of timm: networks from this table, which has timm's own columns.",
    ),
]
OutputOrPicture = Annotated[Path | None, output("; .svg, .png or .html draws a picture")]
ByOption = Annotated[
    By | None,
    typer.Option(
        "--by",
        help="Show one row for each stage (a top-level module), or for each kind of operator.",
        show_default=False,
    ),
]
Depth = Annotated[
    int | None,
    typer.Option(
        "--depth",
        min=1,
        metavar="N",
        help="Show one row for each module N levels deep.",
        show_default=False,
    ),
]
SortOption = Annotated[
    Sort | None,
    typer.Option(
        "--sort", help="Sort rows, the largest first. Default: as they run.", show_default=False
    ),
]
Top = Annotated[
    int | None,
    typer.Option(
        "--top", min=1, metavar="N", help="Show only the first N rows.", show_default=False
    ),
]
Wide = Annotated[bool, typer.Option("--wide", help="Show every column.")]
Explain = Annotated[bool, typer.Option("--explain", help="Show every note below the table.")]
Train = Annotated[
    bool,
    typer.Option(
        "--train",
        help="Take a training step: the forward pass and the gradient of every parameter.",
    ),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        "-d",
        metavar="cpu|cuda|cuda:N|mps",
        help="The device to run on. Default: the best there is.",
    ),
]
On = Annotated[
    Path | None,
    typer.Option(
        "--on",
        metavar="DEVICE.toml",
        help="Predict for the device that this file describes; nothing is measured. "
        "'cnnbench device --output device.toml' writes one.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="How many threads of the CPU. Default: as many as affinity and quota allow.",
    ),
]
ChannelsLast = Annotated[
    bool, typer.Option("--channels-last", help="Keep images channels last (NHWC) in memory.")
]
Backend = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="NAME",
        help=f"What runs the network: {', '.join(BACKENDS)}, or what another package adds; "
        f"default: {EAGER}.",
        autocompletion=complete_backend,
    ),
]
Backends = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="NAME[,NAME…]",
        help=f"What runs the network: {', '.join(BACKENDS)}, or what another package adds; several "
        f"are timed in the same rounds; 'all' that can run here. Default: {EAGER}.",
        autocompletion=complete_backend,
    ),
]
Static = Annotated[bool, typer.Option("--static", help="Only count: predict and measure nothing.")]
Compile = Annotated[bool, typer.Option("--compile", help="Short for --backend compile.")]
Precision = Annotated[
    str,
    typer.Option(
        "--precision",
        metavar="P%",
        help="Stop when this run knows each value within ± this share.",
    ),
]
MaxTime = Annotated[
    float,
    typer.Option("--max-time", metavar="SECONDS", help="Sample each row for at most this long."),
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick", help="One process and one burst of a second; a rerun may differ by far more."
    ),
]
NoWait = Annotated[
    bool,
    typer.Option("--no-wait", help="Do not wait some seconds for a quiet moment first."),
]
StrictTimes = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 where the times are not usable.")
]
Seed = Annotated[
    int, typer.Option("--seed", help="The seed of weights, input and the order of rounds.")
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="MODEL",
        help="Only this guarded model; may be given several times.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="A pyproject.toml or cnnbench.toml. Default: the nearest, in this folder or above.",
    ),
]
