"""`cnnbench why`: one page on why a network is not as much faster as its MACs promise."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.blocks import Block
from cnnbench.cli.completion import complete_backend, complete_spec
from cnnbench.cli.frame import Measuring, Written, command
from cnnbench.cli.passed import Passed
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import CnnbenchError, SomeFailed
from cnnbench.models.spec import parse_together
from cnnbench.timing.backends import is_run_as_it_stands


@dataclass(frozen=True)
class _Page(Written):
    """How it is handed out: also as a page with pictures."""

    output: Annotated[Path | None, opt.output("; .html is a page with pictures")] = None
    apart: ClassVar[dict[str, str]] = {".html": "a page"}


@command
def why(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="A B",
            help="Two blocks, or two networks (no files); the first is the reference.",
            autocompletion=complete_spec,
        ),
    ],
    block: Block = Block(),
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            metavar="NAME[,NAME…]",
            help="Which back ends are tried beside eager; 'all' that can run here.",
            autocompletion=complete_backend,
        ),
    ] = reading.ALL,
    measuring: Measuring = Measuring(max_time=4.0),
    written: _Page = _Page(),
) -> None:
    """Explain on one page why B is not as much faster than A as its MACs promise.

    What the papers promise, what it takes here, what each pass spends its time on by its own
    record, both networks under the device's roof, and what changes the answer: layout, folded batch
    norm, a compiler, every runtime that is installed, more images at once, all in the same rounds.

    Blocks stand in the middle of their papers' stages unless --shape says otherwise, six in a row
    where they are equal.

    cnnbench why conv depthwise

    cnnbench why resnet50 mobilenet_v2 --output why.html

    cnnbench why plain bottleneck --shape 28x28x192 --output why.md
    """
    specs = parse_together(models)
    if len(specs) != 2:
        raise CnnbenchError(f"name two models, the reference first; here are {len(specs)}")
    given = passed.given(batch, specs)
    if files := [str(spec) for spec in specs if is_run_as_it_stands(spec)]:
        raise CnnbenchError(
            f"{files[0]} runs in its runtimes alone; 'cnnbench compare' has it in several of them"
        )
    measuring.begin()
    with heavy_imports():
        from cnnbench.reports.why import report_of, title
        from cnnbench.studies.comparison import compare as study
        from cnnbench.studies.comparison.cases import pair
        from cnnbench.studies.comparison.rows import count_rows
        from cnnbench.studies.comparison.ways import ways
        from cnnbench.timing import backends
        from cnnbench.timing.setting import Setting, check

        written.require()
    asked = pair(specs, block.given())
    device, base = measuring.machine().device, Setting(batch)
    if reading.are_all(backend):
        others = [n for n in backends.names() if backends.can_run(Setting(backend=n), device)]
    else:
        others = reading.read_backends(backend)
        for name in others:
            check(replace(base, backend=name), device)
    tried = ways(base, others, device)
    with measuring.session(len(tried)) as session:
        values = not session.rule.processes  # it is timed in this process
        rows = count_rows([asked], given, tried[:-1], values=values, seed=measuring.seed)
        with suppress(CnnbenchError):  # its inputs may have a batch of their own
            rows += count_rows([asked], given, tried[-1:], values=values, seed=measuring.seed)
        done = study.time_rows(rows, session)
    if done.rows[0].failure:
        raise SomeFailed([done.rows[0].failure], exit_code=2)

    def draw() -> Any:
        from cnnbench.reports.charts.why import pictures
        from cnnbench.reports.formats.html import ReportPage

        return ReportPage(title(done), report, pictures(done))

    report = measuring.told(report_of(done))
    written.hand_over(report, interrupted=done.interrupted, strict=measuring.strict, draw=draw)
