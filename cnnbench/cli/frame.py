"""What commands share: groups of options that check themselves, measuring, handing out.

`command` puts the fields of a parameter that is a group into the command's own options; every
command takes --debug, which `run` reads where it meets an error.
"""

from __future__ import annotations

import inspect
import math
import mimetypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_type_hints

import typer

from cnnbench.cli import options as opt
from cnnbench.cli import reading
from cnnbench.cli.process import INTERRUPTED
from cnnbench.cli.progress import bar
from cnnbench.counting.division import Division
from cnnbench.devices import cores
from cnnbench.errors import CnnbenchError, OutputError, SomeFailed
from cnnbench.files import check_writable
from cnnbench.reports.charts import style
from cnnbench.reports.formats.emit import emit
from cnnbench.timing.session import Session, StopRule, check_precision
from cnnbench.timing.workers.process import begin_early

if TYPE_CHECKING:
    from cnnbench.devices.machine import Machine
    from cnnbench.reports.report import Report

_BURST_S = 1.0  # of samples, where it is to be quick

_DEBUG = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an error in a network's own code.")
]


def command(called: Callable[..., None]) -> Callable[..., None]:
    """The function with each group's fields in its signature, and --debug behind them."""
    hints = get_type_hints(called, include_extras=True)
    taken: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}

    def take(name: str, kind: Any, default: Any) -> None:
        keyword = inspect.Parameter.KEYWORD_ONLY
        taken.append(inspect.Parameter(name, keyword, default=default, annotation=kind))

    for one in inspect.signature(called).parameters.values():
        kind = hints[one.name]
        if not is_dataclass(kind):
            take(one.name, kind, one.default)
            continue
        groups[one.name] = one.default
        own = get_type_hints(kind, include_extras=True)
        for field in fields(kind):
            take(field.name, own[field.name], getattr(one.default, field.name))
    take("debug", _DEBUG, False)

    @wraps(called)
    def run(debug: bool, **given: Any) -> None:
        for name, usual in groups.items():
            given[name] = replace(usual, **{f.name: given.pop(f.name) for f in fields(usual)})
        called(**given)

    run.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in taken}
    return run


@dataclass(frozen=True)
class Here:
    """The device and the threads of whatever runs."""

    device: opt.DeviceOption = None
    threads: opt.Threads = None

    def __post_init__(self) -> None:
        """CnnbenchError for threads that are none."""
        if self.threads is not None:
            cores.check_threads(self.threads)

    @property
    def named(self) -> bool:
        """Whether either was given."""
        return bool(self.device or self.threads)

    def machine(self) -> Machine:
        """The device that is named, or the best there is, with its threads."""
        from cnnbench.devices.machine import Machine

        return Machine.find(self.device, self.threads)

    def unless(self, static: bool, on: Path | None) -> bool:
        """Whether anything is measured; CnnbenchError for options that contradict each other."""
        if static and on:
            raise CnnbenchError("--static leaves times out, --on predicts them; give one of them")
        if (static or on) and self.named:
            here = "--static" if static else "--on"
            raise CnnbenchError(f"{here} measures nothing; leave --device and --threads out")
        return not (static or on)


@dataclass(frozen=True)
class Measuring(Here):
    """The place to measure, and when it is enough."""

    precision: opt.Precision = "2%"
    max_time: opt.MaxTime = 10.0
    seed: opt.Seed = 0
    quick: opt.Quick = False
    no_wait: opt.NoWait = False
    strict: opt.StrictTimes = False

    def __post_init__(self) -> None:
        """CnnbenchError for what makes no sense."""
        super().__post_init__()
        reading.check_seed(self.seed)
        StopRule(self._share(), self.max_time, self.seed, 1)

    def rule(self) -> StopRule:
        """When to stop, and how many processes share the samples."""
        if self.quick:
            return StopRule(self._share(), min(self.max_time, _BURST_S), self.seed, 1)
        return StopRule(self._share(), self.max_time, self.seed)

    def _share(self) -> float:
        """The precision, `2%` or 0.02, as a share."""
        text, share = self.precision.strip(), math.nan
        with suppress(ValueError):
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        check_precision(share, self.precision)
        return share

    def begin(self) -> None:
        """Begin a worker, which imports torch while this process does."""
        if self.rule().processes:
            begin_early()

    def told(self, report: Report) -> Report:
        """The report, which says where it was only a glance."""
        if not self.quick:
            return report
        glance = "Quick: one process and one burst of a second; a rerun may differ by more."
        return replace(report, findings=[*report.findings, glance])

    @contextmanager
    def session(self, rows: float = 1) -> Iterator[Session]:
        """Measure within it: `rows` are as many as `max_time` is for, one by one."""
        machine, rule = self.machine(), self.rule()
        with their_code(), bar(rule.max_time * rows, rule.precision) as shown:
            yield Session(machine, rule, shown, wait=not self.no_wait)


@dataclass(frozen=True)
class Divided(Division):
    """The options of a division of a network's operators."""

    by: opt.ByOption = None
    depth: opt.Depth = None
    sort: opt.SortOption = None
    top: opt.Top = None

    def __post_init__(self) -> None:
        """CnnbenchError for a division in two ways."""
        if self.by is not None and self.depth is not None:
            raise CnnbenchError("--by and --depth divide a network in two ways; give one of them")

    @property
    def named(self) -> bool:
        """Whether any was given."""
        return any(value is not None for value in (self.by, self.depth, self.sort, self.top))


@dataclass(frozen=True)
class Written:
    """How a report is handed out."""

    form: opt.FormatOption = None
    output: opt.Output = None
    wide: opt.Wide = False
    explain: opt.Explain = False
    apart: ClassVar[dict[str, str]] = {}  # suffixes of files beside which the table is printed

    def __post_init__(self) -> None:
        """OutputError for a file that cannot be written, or is of a format that is not."""
        check_writable(self.output)
        if self.is_apart and self.output is not None and self.form is not None:
            kind = self.apart[self.output.suffix.lower()]
            raise CnnbenchError(
                f"{self.output} is {kind}; give it or --format {self.form}, not both"
            )
        check_suffix(self.output, *self.apart)

    @property
    def is_apart(self) -> bool:
        """Whether the file is written beside the report: a picture, say."""
        return self.output is not None and self.output.suffix.lower() in self.apart

    def require(self) -> None:
        """OutputError where a picture is asked for and what draws is not installed."""
        if self.is_apart:
            style.require_altair()

    def hand_over(
        self,
        report: Report,
        *,
        interrupted: bool = False,
        strict: bool = False,
        draw: Callable[[], Any] | None = None,
    ) -> None:
        """Draw the picture, print the report; exit as Ctrl-C does where that ended it.

        SomeFailed where `strict` and the times are not usable.
        """
        if self.is_apart and self.output is not None and draw is not None:
            draw().save(self.output)
        output = None if self.is_apart else self.output
        emit(report, self.form, output, wide=self.wide, explain=self.explain)
        if interrupted:
            raise typer.Exit(INTERRUPTED)
        self.judge(report, strict=strict)

    def judge(self, report: Report, *, strict: bool) -> None:
        """SomeFailed where `strict` and the times of what was handed out are not usable."""
        if strict and report.alert:
            raise SomeFailed([report.alert])


@dataclass(frozen=True)
class Drawn(Written):
    """How a report is handed out that has a picture, too."""

    output: opt.OutputOrPicture = None
    apart: ClassVar[dict[str, str]] = dict.fromkeys(style.SUFFIXES, "a picture")


def require_pictures(written: Written) -> None:
    """OutputError where what draws a network is not installed."""
    from cnnbench.reports.pictures import layout

    written.require()
    layout.require()


def check_suffix(output: Path | None, *more: str) -> None:
    """OutputError for a file of a format that is not written; `more` are suffixes that are."""
    if output is not None and output.suffix.lower() not in more and _foreign(output):
        known = ", ".join((".txt", ".json", ".csv", ".md", *more))
        raise OutputError(f"cannot write {output} in that format; give one of {known}")


_OTHERS = {".jsonl", ".yaml", ".yml", ".toml", ".parquet"}  # whatever a system knows


def _foreign(path: Path) -> bool:
    """Whether the suffix stands for something that we do not write: a picture, YAML, an archive."""
    kind, packed = mimetypes.guess_type(path.name)
    known = (None, "text/plain", "application/json", "text/csv", "text/markdown")
    return packed is not None or kind not in known or path.suffix.lower() in _OTHERS


@contextmanager
def their_code() -> Iterator[None]:
    """Run somebody else's network: what it prints goes to stderr, away from the data.

    A copy of the process that a network has made ends here.
    """
    process, arguments = os.getpid(), sys.argv[1:]
    del sys.argv[1:]  # it may read them as its own
    sys.stdout.flush()
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if hasattr(os, "fork") and os.getpid() != process:
            os._exit(1)
        os.dup2(output, 1)
        os.close(output)
        sys.argv[1:] = arguments
