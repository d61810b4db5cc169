"""`cnnbench audit`: why other counters print other numbers, term by term."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cnnbench import units
from cnnbench.cli import options as opt
from cnnbench.cli.startup import heavy_imports
from cnnbench.errors import InputError
from cnnbench.files import check_writable
from cnnbench.models.spec import SourceSpec, parse
from cnnbench.reports import columns as col
from cnnbench.reports.formats.emit import emit
from cnnbench.reports.report import Column, Report, Table

if TYPE_CHECKING:
    from cnnbench.studies.audit.audit import Account

_SHOWN = 5  # layers of a counter that differ, before the rest is only numbered


def audit(
    model: opt.OneSpec,
    inputs: opt.InputOption = None,
    batch: opt.Batch = 1,
    form: opt.FormatOption = None,
    output: opt.Output = None,
    debug: opt.Debug = False,
) -> None:
    """Say why fvcore and the other counters print other numbers, term by term.

    Asks every counter that is installed, each by a real forward pass on the CPU, and evaluates its
    convention on our trace: what remains unexplained should be 0.

    cnnbench audit resnet50

    cnnbench audit package.module:build_net --input 3x96x96
    """
    spec = parse(model)
    given = opt.read_inputs(inputs, batch, [spec])
    check_writable(output)

    with heavy_imports():
        from cnnbench.models.sources.libraries import claimed_macs
        from cnnbench.reports.environment import software
        from cnnbench.studies.audit.audit import installed, judge, prepare
    counters, absent = installed()
    with _status() as say, opt.their_code():
        say(f"building {spec}")
        done = prepare(spec, given, batch)
        verdicts = []
        for counter in counters:
            say(f"asking {counter.name}")
            verdicts.append(judge(counter, done))
    if all(verdict.failure for verdict in verdicts):
        reasons = "; ".join(f"{v.counter.name}: {v.failure}" for v in verdicts)
        raise InputError(f"no counter that is installed can count {spec}: {reasons}")
    claim = None
    if isinstance(spec, SourceSpec) and given is None and batch == 1:
        claim = claimed_macs(spec)  # of one image of the usual size
    shapes = [list(shape) for shape in done.trace.input_shapes]
    head = {
        "model": str(spec),
        "input": shapes,
        "dtype": done.trace.dtype,
        "macs": done.trace.total.macs,
        "claimed_macs": claim,
    }
    notes = [f"{v.counter.name} fails: {v.failure}" for v in verdicts if v.failure]
    if absent:
        notes.append(f"not installed: {', '.join(absent)}; pip install 'cnnbench[counters]'")
    report = Report(
        command="audit",
        results=[{**head, "counters": [_record(verdict) for verdict in verdicts]}],
        records=[
            {"model": str(spec), "counter": verdict.counter.name, **line}
            for verdict in verdicts
            for line in _account(verdict)
        ],
        tables=[
            _accounts(f"{spec}  {col.shapes(shapes)}", verdicts),
            _habits(verdicts),
            *(_layers(verdict) for verdict in verdicts if verdict.layers),
        ],
        notes=[*notes, _closing(verdicts, claim)],
        environment=software(),
    )
    emit(report, form, output)


@contextmanager
def _status() -> Iterator[Callable[[str], None]]:
    """Say on a terminal what takes so long."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status("") as status:
        yield lambda text: status.update(text)


def _record(verdict: Account) -> dict[str, Any]:
    return {
        "counter": verdict.counter.name,
        "unit": verdict.counter.prints,
        "printed": verdict.printed,
        "terms": verdict.terms,
        "explained": verdict.explained,
        "remaining": verdict.remaining,
        "layers": verdict.layers,
        "failure": verdict.failure,
        "conventions": asdict(verdict.counter.habits),
    }


def _account(verdict: Account) -> list[dict[str, Any]]:
    """Every line of a counter's account, with its unit."""
    unit = verdict.counter.prints
    ends = ("explained", verdict.explained), ("printed", verdict.printed)
    return [
        *({"term": str(what), "value": n, "unit": "MACs"} for what, n in verdict.terms.items()),
        *({"term": term, "value": number, "unit": unit} for term, number in ends),
        {"term": "remaining", "value": verdict.remaining, "unit": unit},
    ]


def _accounts(title: str, verdicts: list[Account]) -> Table:
    """One row a term, one column a counter."""

    def row(label: str, cell: Callable[[Account], str]) -> dict[str, Any]:
        return {"term": label, **{v.counter.name: cell(v) for v in verdicts}}

    ours, *others = dict.fromkeys(what for verdict in verdicts for what in verdict.terms)
    rows = [
        row("our MACs", lambda v: units.count(v.terms[ours])),
        *(row(_label(t), lambda v, t=t: _signed(v.terms.get(t, 0))) for t in others),  # type: ignore[misc]
        row("a MAC counts", lambda v: f"x {v.counter.unit}"),
        row("so it should print", lambda v: "?" if v.failure else units.count(v.explained)),
        row("it prints", lambda v: "fails" if v.printed is None else units.count(v.printed)),
    ]
    last = row("unexplained", lambda v: "?" if v.remaining is None else units.exact(v.remaining))
    names = [verdict.counter.name for verdict in verdicts]
    columns = (Column("term", "", left=True), *(Column(name, name) for name in names))
    return Table(columns, rows, title, last)


def _habits(verdicts: list[Account]) -> Table:
    """One row a convention, one column a counter."""
    habits = {verdict.counter.name: asdict(verdict.counter.habits) for verdict in verdicts}
    columns = tuple(Column(name, name, left=True) for name in habits)
    rows = [
        {"habit": key.replace("_", " "), **{name: habits[name][key] for name in habits}}
        for key in next(iter(habits.values()))
    ]
    return Table((Column("habit", "counts", left=True), *columns), rows)


def _layers(verdict: Account) -> Table:
    """Layers that differ, the largest difference first."""
    ordered = sorted(verdict.layers.items(), key=lambda item: -abs(item[1]))
    rows: list[dict[str, Any]] = [
        {"layer": path or "the network", "difference": n} for path, n in ordered[:_SHOWN]
    ]
    if len(ordered) > _SHOWN:
        others = sum(n for _, n in ordered[_SHOWN:])
        rows.append({"layer": f"{len(ordered) - _SHOWN} more", "difference": others})
    columns = (
        Column("layer", "layer", left=True),
        Column("difference", f"{verdict.counter.prints} unexplained", _signed),
    )
    return Table(columns, rows, f"{verdict.counter.name}: layers that differ")


def _closing(verdicts: list[Account], claim: float | None) -> str:
    """One line to quote: what everyone says, and what they differ by."""
    answers = [verdict for verdict in verdicts if verdict.printed is not None]
    said = [("torchvision", units.count(round(claim)))] if claim else []
    for verdict in answers:
        unit = " FLOPs" if verdict.counter.unit == 2 else ""
        said.append((verdict.counter.name, units.count(verdict.printed or 0) + unit))
    (first, number), *rest = said
    quoted = ", ".join([f"{first} says {number}", *(f"{name} {n}" for name, n in rest)])
    most: dict[str, int] = {}
    for verdict in answers:
        for what, amount in list(verdict.terms.items())[1:]:
            most[what] = max(most.get(what, 0), amount, key=abs)
    reasons = [f"{_label(what)} ({_signed(amount)})" for what, amount in most.items()]
    reasons += ["two FLOPs a MAC"] if any(v.counter.unit == 2 for v in answers) else []
    ours = units.count(next(iter(verdicts[0].terms.values())))
    differ = f"they differ by {', '.join(reasons)}" if reasons else "they agree"
    return f"{quoted}: the same network of {ours} MACs; {differ}"


def _label(what: str) -> str:
    return what.replace("_", " ")


def _signed(value: int) -> str:
    return f"{'+' if value > 0 else '-'}{units.count(abs(value))}" if value else "0"
