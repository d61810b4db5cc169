"""`cnnbench audit`: why other counters print other numbers, term by term."""

from __future__ import annotations

from cnnbench.cli import options as opt
from cnnbench.cli.frame import Written, command, their_code
from cnnbench.cli.passed import Passed
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import InputError
from cnnbench.models.spec import SourceSpec, parse


@command
def audit(
    model: opt.OneSpec,
    passed: Passed = Passed(),
    batch: opt.Batch = 1,
    written: Written = Written(),
) -> None:
    """Say why fvcore and the other counters print other numbers, term by term.

    Asks every counter that is installed, each by a real forward pass on the CPU, and evaluates its
    convention on our trace: what remains unexplained should be 0.

    cnnbench audit resnet50

    cnnbench audit package.module:build_net --input 3x96x96
    """
    spec = parse(model)
    given = passed.given(batch, [spec])
    with heavy_imports():
        from cnnbench.models.sources.torchvision import claimed_macs
        from cnnbench.reports.audit import report_of
        from cnnbench.studies.audit.audit import installed, judge, prepare
    counters, absent = installed()
    with their_code(), bar() as shown:
        shown.say(f"building {spec}")
        done = prepare(spec, given, batch)
        accounts = []
        for counter in counters:
            shown.say(f"asking {counter.name}")
            accounts.append(judge(counter, done))
    if all(one.failure for one in accounts):
        reasons = "; ".join(f"{one.counter.name}: {one.failure}" for one in accounts)
        raise InputError(f"no counter that is installed can count {spec}: {reasons}")
    claim = None
    if isinstance(spec, SourceSpec) and given is None and batch == 1:
        claim = claimed_macs(spec)  # of one image of the usual size
    written.hand_over(report_of(str(spec), done, accounts, absent, claim))
