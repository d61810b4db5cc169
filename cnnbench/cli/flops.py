"""`cnnbench flops`: params, MACs, FLOPs, activations, memory of models, layers or kinds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Divided, Written, command, their_code
from cnnbench.cli.memory import Memory
from cnnbench.cli.passed import Passed
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.counting.division import By, Sort
from cnnbench.errors import CnnbenchError, SomeFailed
from cnnbench.models import registry
from cnnbench.models.spec import AnySpec, parse
from cnnbench.reports import columns as col
from cnnbench.studies.papers.given import take

if TYPE_CHECKING:
    from cnnbench.counting.cost import Trace
    from cnnbench.reports.memory import Held


@command
def flops(
    models: opt.Specs = None,
    everything: Annotated[bool, typer.Option("--all", help="Count every built-in model.")] = False,
    layers: Annotated[
        bool, typer.Option("--layers", help="Show one row for each operator, in execution order.")
    ] = False,
    operators: Annotated[
        bool,
        typer.Option(
            "--operators", help="Show one row for each kind of operator, with its shares."
        ),
    ] = False,
    divided: Divided = Divided(),
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 2 if an operator is not in the convention.")
    ] = False,
    train: opt.Train = False,
    memory: Memory = Memory(),
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    dtype: opt.DtypeOption = None,
    accuracy: opt.AccuracyTable = None,
    written: Written = Written(),
) -> None:
    """Count params, MACs, FLOPs, activations and memory, exactly, without running the network.

    cnnbench flops mobilenet

    cnnbench flops resnet50 vgg16 mobilenet_v2@width_mult=0.5 --batch 8

    cnnbench flops mobilenet --operators --format json

    cnnbench flops mobilenet_v2 --layers --sort memory --top 10

    cnnbench flops resnet50 --train --optimizer adamw --fit-memory 24GiB

    cnnbench flops package.module:build_net@num_classes=10 --input 3x96x96
    """
    if everything == bool(models):
        raise CnnbenchError(
            "name at least one model, or --all, not both; 'cnnbench list' shows all"
        )
    if operators and (layers or divided.by or divided.depth):
        raise CnnbenchError("give --operators or --layers, --by, --depth, not both")
    if divided.sort is Sort.TIME:
        raise CnnbenchError(
            "flops counts and does not time; 'cnnbench time --layers' sorts by time"
        )
    memory.check(train=train, batched=not passed.no_batch)
    division = replace(divided, by=By.KIND) if operators else divided
    specs = [parse(text) for text in (models or [m.name for m in registry.MODELS])]
    if accuracy is not None:
        take(accuracy, specs)
    given = passed.given(batch, specs)
    with heavy_imports():
        from cnnbench.counting.count import count, import_for
        from cnnbench.reports.flops import report_of

        import_for(specs)
    asked = division if layers or operators or divided.named else None
    traces: dict[str, Trace] = {}
    held: dict[str, Held] = {}

    def counted_at(spec: AnySpec, size: int) -> Trace:
        return count(spec, given, batch=size, dtype=dtype, train=train)

    failures: dict[str, CnnbenchError] = {}
    with their_code(), bar() as shown:
        for number, spec in enumerate(specs):
            shown.counted(number, len(specs))
            try:
                trace = counted_at(spec, batch)
                one = memory.of(trace, partial(counted_at, spec))
                traces[str(spec)] = trace
                if one is not None:
                    held[str(spec)] = one
            except CnnbenchError as error:
                failures[str(spec)] = error
    if not traces:
        first, *more = failures.values()
        raise SomeFailed([str(first), *map(str, more)], exit_code=2) from first
    if strict and (unknown := {k: t.uncounted for k, t in traces.items() if t.uncounted}):
        told = [col.uncounted(name, names) for name, names in unknown.items()]
        raise CnnbenchError("; ".join([*map(str, failures.values()), *told]))
    counted = [str(spec) for spec in specs if str(spec) in traces]
    found = [traces[name] for name in counted]
    written.hand_over(report_of(counted, found, asked, held, batch))
    if failures:
        raise SomeFailed(list(map(str, failures.values())))
