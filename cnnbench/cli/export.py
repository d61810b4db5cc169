"""`cnnbench export`: a network written to a file of ONNX or of torch.export."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Written, command, their_code
from cnnbench.cli.passed import Passing
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError, OutputError
from cnnbench.files import check_writable
from cnnbench.models.spec import SourceSpec, parse

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace

_File = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="FILE", help="The file: .onnx or .pt2."),
]


@dataclass(frozen=True)
class _Exported(Written):
    """How the table is handed out, beside the file."""

    output: _File = Path()
    apart: ClassVar[dict[str, str]] = dict.fromkeys((".onnx", ".pt2"), "a model file")

    def __post_init__(self) -> None:
        """OutputError for a file that cannot be written, or is of no format of a network's."""
        if self.output == Path():
            return
        if not self.is_apart:
            raise OutputError(
                f"cannot export to {self.output}; give a file such as net.onnx, net.pt2"
            )
        check_writable(self.output)


def _opened(file: SourceSpec, batch: int) -> Trace | None:
    """The file's count, if it takes other batches, too."""
    from cnnbench.counting.count import count

    one, other = (count(file, batch=size) for size in (batch, batch + 1))
    return one if one.input_shapes != other.input_shapes else None


@command
def export(
    model: opt.OneSpec,
    passing: Passing = Passing(),
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = None,
    written: _Exported = _Exported(),
) -> None:
    """Write a network, of random weights, to a file of ONNX or torch.export; count both.

    The batch is left open where the network allows it.

    cnnbench export mobilenet_v2 --output mobilenet_v2.onnx

    cnnbench export package.module:build_net --input 3x96x96 --output net.pt2
    """
    if written.output == Path():
        raise OutputError(f"name the file: cnnbench export {model} --output net.onnx, or net.pt2")
    spec = parse(model)
    given = passing.given(batch, [spec])
    with heavy_imports():
        from cnnbench.counting.count import count
        from cnnbench.counting.network import count_model
        from cnnbench.models.exporting import write
        from cnnbench.reports.export import Pair, report_of
    with their_code(), bar() as shown:
        network, trace = count_model(spec, given, batch=batch, dtype=dtype, values=True)
        shown.say(f"exporting {spec}")
        file, found = written.output, None
        with suppress(CnnbenchError):  # the batch decides what runs, or is built in all the same
            write(network, file)
            found = _opened(SourceSpec(str(file), ""), batch)
        is_open = found is not None
        if found is None:
            write(network, file, batch)
            found = count(SourceSpec(str(file), ""), batch=batch)
    written.hand_over(report_of(Pair(str(spec), trace, written.output, found, batch, is_open)))
