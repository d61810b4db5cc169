"""What a forward pass is given, as options: shapes, files, an example, flags, values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cnnbench.errors import CnnbenchError, ShapeError
from cnnbench.models.given import Given, On, parse_flags
from cnnbench.models.inputs import Input, batched, parse_inputs
from cnnbench.models.spec import AnySpec, Spec

_Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="SHAPE",
        help="The input's shape without the batch, 3x224x224; once for each argument; NAME=SHAPE "
        "for a keyword, ids:int64=128 for another dtype, batch.image=SHAPE for a dict, "
        "[3x224x224,3x320x240] for a list, @photo.npy for values. Default: the model's own.",
    ),
]
_Example = Annotated[
    str | None,
    typer.Option(
        "--example",
        metavar="FILE.py:NAME",
        help="What is passed: a tensor, a tuple of arguments, a dict of keywords, (args, kwargs), "
        "or a function that returns one, given batch=N where it takes it.",
    ),
]
_Flags = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="A keyword that is no tensor: --set mode=loss."
    ),
]
_NoBatch = Annotated[
    bool, typer.Option("--no-batch", help="Take shapes as they are, without a batch in front.")
]
_OnValues = Annotated[
    bool,
    typer.Option(
        "--on-values",
        help="Count on values, by a real pass. Default: only where the network asks for them.",
    ),
]
_OnShapes = Annotated[
    bool, typer.Option("--on-shapes", help="Never count on values; say what asks for them.")
]


@dataclass(frozen=True)
class Passing:
    """What a forward pass is given."""

    inputs: _Input = None
    example: _Example = None
    flags: _Flags = None
    no_batch: _NoBatch = False

    @property
    def on(self) -> On | None:
        """What to count on; shapes where that can be."""
        return None

    def given(self, batch: int, specs: Sequence[AnySpec]) -> Given | None:
        """What was typed, checked before anything heavy is imported; None where nothing was."""
        inputs = read_inputs(self.inputs, batch, specs)
        if self == type(self)():
            return None
        flags = parse_flags(self.flags or ())
        given = Given(inputs or (), self.example or "", flags, not self.no_batch, self.on)
        given.check_batch(batch)
        return given

    def keys(self) -> dict[str, Any]:
        """What was typed, by the keys of a plan; ShapeError for a flag that is none."""
        found = {
            "input": list(self.inputs or ()),
            "example": self.example,
            "set": dict(parse_flags(self.flags or ())),
            "batched": False if self.no_batch else None,
        }
        return {key: value for key, value in found.items() if value not in (None, [], {})}


@dataclass(frozen=True)
class Passed(Passing):
    """What a forward pass is given, and whether it is counted on values."""

    on_values: _OnValues = False
    on_shapes: _OnShapes = False

    def __post_init__(self) -> None:
        """CnnbenchError for options that contradict each other."""
        if self.on_values and self.on_shapes:
            raise CnnbenchError("--on-values and --on-shapes exclude each other; give one of them")

    @property
    def on(self) -> On | None:
        """What to count on."""
        return On.VALUES if self.on_values else On.SHAPES if self.on_shapes else None


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
