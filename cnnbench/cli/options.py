"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cnnbench.cli.completion import complete_backend, complete_dtype, complete_spec
from cnnbench.counting.division import By, Sort
from cnnbench.errors import CnnbenchError, ShapeError, nearest
from cnnbench.models.inputs import Dtype, NumberFormat
from cnnbench.models.sources import SOURCES, typed
from cnnbench.models.spec import AnySpec, SourceSpec
from cnnbench.reports.formats.emit import Format
from cnnbench.timing.backends import BACKENDS, EAGER, check_name, names, running

ALL = "all"
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
        f"are timed in the same rounds; '{ALL}' that can run here. Default: {EAGER}.",
        autocompletion=complete_backend,
    ),
]
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


def read_batches(text: str) -> list[int]:
    """`1,8,32` -> [1, 8, 32]."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) < 10**9 for part in parts):
        raise ShapeError(f"malformed batch {text!r}; write whole numbers from 1: --batch 1,8,32")
    return list(dict.fromkeys(map(int, parts)))


def read_backends(text: str | None, *, compiled: bool = False, graph: bool = False) -> list[str]:
    """`eager,compile` -> two names; --compile and --graph are short for theirs."""
    short = "--compile" if compiled else "--graph" if graph else ""
    if text is not None and short:
        raise CnnbenchError(f"{short} is short for a --backend; give one of the two")
    if text is None:
        return ["compile" if compiled else EAGER, *(["graph"] if graph else [])]
    return list(dict.fromkeys(check_name(name.strip()) for name in text.split(",")))


def read_dtypes(text: str | None) -> list[NumberFormat | None]:
    """`float32,int8` -> two formats; without any, what the network has."""
    if text is None:
        return [None]
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in list(NumberFormat):
            known = f"{nearest(name, NumberFormat)}; use {', '.join(NumberFormat)}"
            raise ShapeError(f"unknown dtype {name!r}{known}")
    return list(dict.fromkeys(map(NumberFormat, names)))


def are_all(text: str | None) -> bool:
    """Whether every back end that can run is asked for."""
    return text is not None and text.strip() == ALL


def backends_of(
    spec: AnySpec,
    text: str | None,
    *,
    compiled: bool = False,
    graph: bool = False,
) -> list[str]:
    """What runs a model: what was asked for, `all` being all that there is; of a file the usual."""
    able = running(spec) if isinstance(spec, SourceSpec) else ()
    if are_all(text):
        return [name for name in names() if not able or name in able]
    asked = text is not None or compiled or graph
    return list(able[:1] if not asked else ()) or read_backends(
        text, compiled=compiled, graph=graph
    )


def backends_of_all(
    specs: Sequence[AnySpec],
    text: str | None,
    *,
    compiled: bool = False,
) -> list[str]:
    """What runs models together: of files the usual, where all are of one format."""
    found = [backends_of(spec, text, compiled=compiled) for spec in specs]
    if are_all(text):
        return [name for name in found[0] if all(name in others for others in found)]
    alike = all(one == found[0] for one in found)
    return found[0] if found and alike else read_backends(text, compiled=compiled)


def read_backend(text: str | None, *, compiled: bool = False) -> str:
    """One name."""
    name, *more = read_backends(text, compiled=compiled)
    if more:
        raise CnnbenchError(
            f"one back end at a time: --backend {name}; 'cnnbench time' has several"
        )
    return name


def check_seed(seed: int) -> None:
    """CnnbenchError for a --seed that no generator takes."""
    if not 0 <= seed < 2**63:
        raise CnnbenchError(f"--seed {seed} is no seed; give a whole number from 0")


def read_seconds(text: str) -> float:
    """`60s`, `5m` or `60` as seconds, from two to an hour."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip().lower(), re.ASCII)
    seconds = float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]] if found else 0.0
    if not 2 <= seconds <= 3600:
        raise CnnbenchError(
            f"--sustain {text} makes no sense; give from 2 seconds to an hour: --sustain 60s"
        )
    return seconds
