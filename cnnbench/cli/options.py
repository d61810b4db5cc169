"""Options that several commands share."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from cnnbench.cli.completion import complete_spec
from cnnbench.errors import CnnbenchError, ShapeError
from cnnbench.models.inputs import Dtype, Input, batched, parse_inputs
from cnnbench.models.spec import AnySpec, Spec
from cnnbench.reports.charts import style as drawing
from cnnbench.reports.formats.emit import Format

_SPEC = "NAME@key=value,… or package.module:NAME, path/file.py:NAME, timm:NAME, torchvision:NAME"
Specs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help=f"Model specs: {_SPEC}.",
        autocompletion=complete_spec,
    ),
]
OneSpec = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help=f"A model spec: {_SPEC}.",
        autocompletion=complete_spec,
    ),
]
SomeSpecs = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL",
        help=f"Model specs: {_SPEC}.",
        autocompletion=complete_spec,
    ),
]
InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="SHAPE",
        help="Input shape without the batch: 3x224x224. Once an argument; NAME=SHAPE for a keyword,"
        " NAME:DTYPE=SHAPE for ids:int64=128. Default: the model's own.",
        show_default=False,
    ),
]
Batches = Annotated[
    str, typer.Option("--batch", "-b", metavar="N[,N…]", help="Images in one pass: 1,8,32.")
]
Batch = Annotated[int, typer.Option("--batch", "-b", help="Images in one forward pass.")]
DtypeOption = Annotated[
    Dtype | None,
    typer.Option(
        "--dtype",
        help="Of weights and activations; default: float32, or what your own network has.",
        show_default=False,
    ),
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
OutputOrPicture = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write to a file instead of stdout; .svg, .png, .html is a picture beside it.",
    ),
]
Train = Annotated[
    bool, typer.Option("--train", help="A training step: forward, backward to every parameter.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        "--device",
        "-d",
        metavar="cpu|cuda|cuda:N|mps",
        help="Where to run; default: the best there is.",
        show_default=False,
    ),
]
On = Annotated[
    Path | None,
    typer.Option(
        "--on",
        metavar="DEVICE.toml",
        help="Predict for the device of this file, which 'cnnbench device --output device.toml' "
        "writes there; nothing is measured.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        help="Of the CPU; default: what affinity and the container's quota allow.",
        show_default=False,
    ),
]
ChannelsLast = Annotated[
    bool, typer.Option("--channels-last", help="Keep images as NHWC in memory.")
]
Compile = Annotated[bool, typer.Option("--compile", help="Compile the network with torch.compile.")]
Precision = Annotated[
    str,
    typer.Option("--precision", metavar="P%", help="Stop where the interval is within ±this."),
]
MaxTime = Annotated[
    float,
    typer.Option("--max-time", metavar="SECONDS", help="Of sampling at most, for each row."),
]
Seed = Annotated[int, typer.Option("--seed", help="Of weights, input and the order of rounds.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="MODEL",
        help="Of the guarded models this one alone, by its name; may be given several times.",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="pyproject.toml or cnnbench.toml; default: the nearest, here or above.",
        show_default=False,
    ),
]
Debug = Annotated[  # read by `run`, which meets the errors
    bool, typer.Option("--debug", help="Show the traceback of an error in a network's own code.")
]


def read_inputs(
    given: list[str] | None, batch: int, specs: Sequence[AnySpec]
) -> tuple[Input, ...] | None:
    """Read --input; check it with --batch and the specs before anything heavy is imported."""
    inputs = parse_inputs(given) if given else None
    for spec in specs:
        if inputs is None:
            batched(spec.input_shape if isinstance(spec, Spec) else (), batch)
            continue
        for item in inputs:
            batched(item.shape, batch)
        if isinstance(spec, Spec) and "resolution=" in str(spec):
            raise ShapeError(f"{spec} has a resolution already; give it or --input, not both")
        if isinstance(spec, Spec) and inputs[0].dtype:
            raise ShapeError(f"{spec} takes real numbers; give --dtype, and --input without one")
        if isinstance(spec, Spec) and len(inputs) > 1:
            raise ShapeError(f"{spec} takes one input; --input is given {len(inputs)} times")
    return inputs


def read_batches(text: str) -> list[int]:
    """`1,8,32` -> [1, 8, 32]."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) < 10**9 for part in parts):
        raise ShapeError(f"malformed batch {text!r}; write whole numbers from 1: --batch 1,8,32")
    return list(dict.fromkeys(map(int, parts)))


def read_threads(threads: int | None) -> None:
    """Check --threads before anything heavy is imported."""
    if threads is not None and threads < 1:
        raise CnnbenchError(f"--threads {threads} cannot compute; give at least 1, or leave it out")


def nothing_measured(
    static: bool, on: Path | None, device: str | None, threads: int | None
) -> None:
    """Refuse options of measuring beside those that leave it out."""
    if static and on:
        raise CnnbenchError("--static leaves times out, --on predicts them; give one of them")
    if (static or on) and (device or threads):
        here = "--static" if static else "--on"
        raise CnnbenchError(f"{here} measures nothing; leave --device and --threads out")


def is_picture(output: Path | None, form: Format | None) -> bool:
    """Whether the output is a picture, for which there is no --format."""
    picture = drawing.is_picture(output)
    if picture and form is not None:
        raise CnnbenchError(f"{output} is a picture; give it or --format {form}, not both")
    return picture


def no_picture(output: Path | None) -> None:
    """Refuse a picture where there is none."""
    if drawing.is_picture(output):
        raise CnnbenchError(f"{output} would be a picture, which this has not; give .md or .json")


def read_plan(precision: str, max_time: float, seed: int) -> tuple[float, float, int]:
    """Read when to stop: `2%` or 0.02 as a share, seconds; and the seed."""
    try:
        percent = precision.strip().endswith("%")
        wanted = float(precision.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        wanted = math.nan
    if not 0 < wanted < 1:
        raise CnnbenchError(f"malformed precision {precision!r}; write a share: --precision 2%")
    if not 0 < max_time < 10**6:
        raise CnnbenchError(f"--max-time {max_time:g} makes no sense; give seconds: --max-time 10")
    read_seed(seed)
    return wanted, max_time, seed


def read_seed(seed: int) -> None:
    """Check --seed."""
    if not 0 <= seed < 2**63:
        raise CnnbenchError(f"--seed {seed} is no seed; give a whole number from 0")


@contextmanager
def their_code() -> Iterator[None]:
    """Run somebody else's network: what it prints goes to stderr, away from the data."""
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(output, 1)
        os.close(output)
