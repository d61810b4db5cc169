"""`cnnbench audit`: why other counters print other numbers, term by term."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Written, command, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.counting.files import file_of
from cnnbench.errors import InputError, SourceError
from cnnbench.models.given import Given, read
from cnnbench.models.sources.source import file_in
from cnnbench.models.spec import SourceSpec, parse
from cnnbench.reports.report import Report

if TYPE_CHECKING:
    from cnnbench.progress import Progress
    from cnnbench.studies.audit.audit import Account
    from cnnbench.studies.audit.counter import OtherCounter

_INSTALL = "pip install 'cnnbench[counters]'"


@command
def audit(
    model: opt.OneSpec,
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    written: Written = Written(),
) -> None:
    """Say why fvcore and the other counters print other numbers, term by term.

    Asks every counter that is installed, each by a real forward pass on the CPU, and evaluates its
    convention on our trace: what remains unexplained should be 0. Of a file of ONNX it asks
    onnx-tool and onnx-opcounter.

    cnnbench audit resnet50

    cnnbench audit package.module:build_net --input 3x96x96

    cnnbench audit net.onnx
    """
    spec = parse(model)
    given = passed.given(batch, [spec])
    if (file := file_of(spec)) is not None:
        written.hand_over(_of_file(file, given, batch))
        return
    with heavy_imports():
        from cnnbench.models.sources.torchvision import claimed_macs
        from cnnbench.reports.audit import report_of
        from cnnbench.studies.audit.audit import installed, judge, prepare
    counters, absent = installed()
    with their_code(), bar() as shown:
        shown.say(f"building {spec}")
        done = prepare(spec, given, batch)
        accounts = _asked(str(spec), counters, judge, done, shown)
    claim = None
    if isinstance(spec, SourceSpec) and given is None and batch == 1:
        claim = claimed_macs(spec)  # of one image of the usual size
    written.hand_over(report_of(str(spec), done, accounts, absent, claim))


def _of_file(spec: SourceSpec, given: Given | None, batch: int) -> Report:
    """The audit of a file of ONNX, by the counters of such files."""
    path = file_in(spec)
    if path.suffix.lower() != ".onnx":
        raise SourceError(f"no other counter reads {path}; audit takes files of ONNX")
    with heavy_imports():
        import cnnbench.counting.files.onnx.reading  # noqa: F401 - says what to install
        from cnnbench.reports.audit import report_of
        from cnnbench.studies.audit.audit import installed
        from cnnbench.studies.audit.files import COUNTERS
        from cnnbench.studies.audit.files.judge import judge
        from cnnbench.studies.audit.files.steps import prepare
    counters, absent = installed(COUNTERS)
    if not counters:
        raise InputError(f"neither {' nor '.join(absent)} is installed; type: {_INSTALL}")
    with bar() as shown:
        shown.say(f"reading {spec}")
        done = prepare(path, read(given, str(spec)), batch)
        accounts = _asked(str(spec), counters, judge, done, shown)
    return report_of(str(spec), done, accounts, absent)


def _asked(
    spec: str,
    counters: Sequence[OtherCounter],
    judge: Callable[[OtherCounter, Any], Account],
    done: Any,
    shown: Progress,
) -> list[Account]:
    """Every counter's account; InputError where none has an answer."""
    accounts = []
    for counter in counters:
        shown.say(f"asking {counter.name}")
        accounts.append(judge(counter, done))
    if all(one.failure for one in accounts):
        reasons = "; ".join(f"{one.counter.name}: {one.failure}" for one in accounts)
        raise InputError(f"no counter that is installed can count {spec}: {reasons}")
    return accounts
