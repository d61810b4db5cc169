"""`cnnbench claims`: what papers and courses say, held against numbers from this machine."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cnnbench.cli import INTERRUPTED
from cnnbench.cli import options as opt
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.files import check_writable
from cnnbench.reports import columns as col
from cnnbench.reports.formats.emit import Format, emit, format_of
from cnnbench.reports.report import Column, Report, Table

if TYPE_CHECKING:
    from cnnbench.devices.environment import Environment
    from cnnbench.studies.papers.claims.study import Findings

_STYLES = {"confirmed": "green", "qualified": "yellow", "refuted": "red"}
TABLE = (
    Column("claim", "claim", left=True),
    Column("source", "source", left=True, under=True),
    Column("promised", "promised"),
    Column("shown", "found", col.optional(str)),
    Column(
        "verdict",
        "verdict",
        col.optional(str),
        left=True,
        style=lambda value: _STYLES.get(str(value), ""),
    ),
)
THRESHOLD = Column("threshold", "by", left=True)
DETAIL = Column("detail", "in detail", left=True)


def claims(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="CLAIM…", help="By name; default: all.", show_default=False),
    ] = None,
    static: Annotated[
        bool, typer.Option("--static", help="Those that are counted: no timing, no training.")
    ] = False,
    device: opt.DeviceOption = None,
    threads: opt.Threads = None,
    precision: opt.Precision = "2%",
    max_time: opt.MaxTime = 5.0,
    seed: opt.Seed = 0,
    form: opt.FormatOption = None,
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Hold what papers and Andrew Ng's course claim against numbers from this machine.

    Each verdict follows from thresholds that stand beside it: confirmed, qualified, refuted.

    Counting takes seconds, all of it some minutes.

    Trainings are short ones on scikit-learn's handwritten digits: they show that, and no more.

    cnnbench claims --static

    cnnbench claims --output claims.md

    cnnbench claims lenet5_digits
    """
    plan_of = opt.read_plan(precision, max_time, seed)
    opt.read_threads(threads)
    check_writable(output)
    opt.no_picture(output)
    with heavy_imports():
        from cnnbench.devices import cores
        from cnnbench.devices.device import find_device
        from cnnbench.devices.environment import environment
        from cnnbench.studies.papers.claims.claim import Claim, Need, Setup
        from cnnbench.studies.papers.claims.study import chosen, findings
        from cnnbench.timing.sampling import StopRule
    asked = chosen(names or [], static=static)
    found, used, plan = find_device(device), cores.threads(threads), StopRule(*plan_of)
    counting = all(claim.need is Need.COUNTING for claim in asked)
    about = None if counting else environment(found, used)
    with opt.their_code(), cores.limited(used.number), bar(plan.max_time) as shown:
        setup = Setup(found, used, plan, seed, shown.part, shown.rounds)

        def begin(claim: Claim) -> None:
            shown.say(claim.text)

        done = findings(asked, setup, begin)
    report = report_of(done, about, seed, detailed=format_of(form, output) is Format.MARKDOWN)
    emit(report, form, output)
    if done.interrupted:
        raise typer.Exit(INTERRUPTED)


def report_of(done: Findings, about: Environment | None, seed: int, *, detailed: bool) -> Report:
    """The table, and how each verdict comes about: `detailed` in it, else below it."""
    from cnnbench.counting.rules import convention
    from cnnbench.reports.environment import software, where
    from cnnbench.studies.papers.claims.study import record

    results = [record(row) for row in done.rows]
    verdicts = Counter(row["verdict"] for row in results if row["verdict"])
    notes = [", ".join(f"{number} {verdict}" for verdict, number in verdicts.items())]
    if not detailed:
        notes += [
            f"{row['name']}: {row['detail']} ({row['threshold']})"
            for row in results
            if row["detail"]
        ]
    notes += [f"{row['name']}: not found: {row['failure']}" for row in results if row["failure"]]
    if done.interrupted:
        notes.append("interrupted: this is what there was")
    if about is not None:
        notes.append(f"timed on {where(about, ['float32'])}")
        notes.append(f"trainings and gradients are of the CPU, from seed {seed} on")
    columns = (*TABLE, THRESHOLD, DETAIL) if detailed else TABLE
    return Report(
        command="claims",
        results=results,
        records=[_flat(row) for row in results],
        tables=[Table(columns, results)],
        notes=[*notes, convention.FOOTER],
        environment={
            **software(),
            **(asdict(about) if about else {}),
            "seed": seed,
            "interrupted": done.interrupted,
        },
    )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A record whose ranges have a cell for each end."""
    ends = {
        f"{key}_{end}": value
        for key in ("confirms", "qualifies")
        for end, value in zip(("from", "to"), row[key], strict=True)
    }
    return {
        **{key: value for key, value in row.items() if key not in ("confirms", "qualifies")},
        **ends,
    }
