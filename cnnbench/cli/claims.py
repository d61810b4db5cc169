"""`cnnbench claims`: what papers and courses say, held against numbers from this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench.cli.frame import Measuring, Written, command
from cnnbench.cli.startup import heavy_imports
from cnnbench.reports.formats.emit import Format, format_of


@command
def claims(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="CLAIM…", help="Claims by name. Default: all."),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Only claims that are counted: no timing, no training.")
    ] = False,
    measuring: Measuring = Measuring(max_time=5.0),
    written: Written = Written(),
) -> None:
    """Hold what papers and Andrew Ng's course claim against numbers from this machine.

    Each verdict follows from thresholds that stand beside it: confirmed, qualified, refuted.

    Counting takes seconds, all of it some minutes.

    Trainings are short ones on scikit-learn's handwritten digits: they show that, and no more.

    cnnbench claims --static

    cnnbench claims --output claims.md

    cnnbench claims lenet5_digits
    """
    with heavy_imports():
        from cnnbench.devices import cores
        from cnnbench.devices.environment import environment
        from cnnbench.reports.claims import report_of
        from cnnbench.studies.papers.claims.claim import Need, Setup
        from cnnbench.studies.papers.claims.study import chosen, findings
    asked = chosen(names or [], static=static)
    counting = all(claim.need is Need.COUNTING for claim in asked)
    with measuring.session() as session, cores.limited(session.machine.threads.number):
        about = None if counting else environment(session.machine)
        done = findings(asked, Setup(session.machine, session.rule, session.progress))
    detailed = format_of(written.form, written.output) is Format.MARKDOWN
    report = report_of(done, about, measuring.seed, detailed=detailed)
    written.hand_over(report, interrupted=done.interrupted)
