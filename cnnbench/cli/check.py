"""`cnnbench check`: fail where a cost rose, and say which layer did it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Here, check_suffix, command, their_code
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import BaselineError, CnnbenchError
from cnnbench.files import check_writable
from cnnbench.reports.formats.emit import Format, deliver, emit, text
from cnnbench.timing.session import Session, StopRule


class CheckFormat(StrEnum):
    """How a check is reported: as everything is, and as CI systems read it."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    GITHUB = "github"
    JUNIT = "junit"


@command
def check(
    only: opt.Only = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REVISION",
            help="Also time each model against the commit where this branch left REVISION.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Also fail when a cost fell unrecorded, or a latency is not precise enough.",
        ),
    ] = False,
    config: opt.Config = None,
    here: Here = Here(),
    max_time: Annotated[
        float,
        typer.Option(
            "--max-time", metavar="SECONDS", help="Time each model for at most this long."
        ),
    ] = 120.0,
    form: Annotated[
        CheckFormat | None,
        typer.Option(
            "--format",
            "-f",
            help="The format; github also appends to $GITHUB_STEP_SUMMARY. Default: table, or what "
            "the suffix of --output says (.xml is junit).",
        ),
    ] = None,
    output: opt.Output = None,
) -> None:
    """Check costs against the recorded ones, and latencies against another revision's.

    Exit code 0: nothing rose; 1: a cost rose or broke a limit; 2: cannot tell.

    What rose comes with the layers that did it, what cannot be told with what to type.

    pyproject.toml names what is guarded: [cyan]\\[\\[tool.cnnbench.model]][/], name, input, limits.

    cnnbench check

    cnnbench check --only mypackage.nets:detector --strict

    cnnbench check --against origin/main --format github
    """
    rule = StopRule(max_time=max_time)
    if not against and here.named:
        raise CnnbenchError("--device and --threads are for timing; give --against REVISION, too")
    check_writable(output)
    check_suffix(output, ".xml")
    if form is None and output is not None and output.suffix.lower() == ".xml":
        form = CheckFormat.JUNIT
    with heavy_imports():
        from cnnbench.guard import config as configs
        from cnnbench.guard.check import raise_unknown, static
        from cnnbench.guard.duet.latencies import latencies
        from cnnbench.guard.finding import unreadable
        from cnnbench.reports import check as check_report
        from cnnbench.reports import check_ci
        from cnnbench.reports.formats import github
        from cnnbench.reports.formats.junit import as_junit
    found = configs.find(config)
    found.check_output(output)
    chosen = found.chosen(only)
    revision = None
    with their_code(), bar(max_time) as shown:
        try:
            findings = static(found, chosen, whole=not only, progress=shown)
        except BaselineError as error:
            if form not in (CheckFormat.GITHUB, CheckFormat.JUNIT):
                raise
            findings = [unreadable(found.baseline, str(error))]  # one line more for a CI to show
        if against is not None:
            session = Session(here.machine(), rule, shown)
            revision, timed = latencies(found, chosen, against, session)
            findings += timed
    report = check_report.report_of(findings, revision)
    if form is CheckFormat.JUNIT:
        deliver(as_junit("cnnbench", check_ci.cases(findings, strict)), output)
    elif form is CheckFormat.GITHUB:
        annotated = github.commands(check_ci.remarks(findings, strict))
        deliver(annotated + text(report, Format.TABLE), output)
        github.append_summary(f"## cnnbench\n\n{text(report, Format.MARKDOWN)}")
    else:
        emit(report, None if form is None else Format(form), output)
    raise_unknown(findings, strict)
    if any(finding.violates(strict) for finding in findings):
        raise typer.Exit(1)
