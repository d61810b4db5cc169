"""How an audit reads: a counter's account term by term, its habits, layers that differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cnnbench import units
from cnnbench.reports import columns as col
from cnnbench.reports.environment import software
from cnnbench.reports.report import Column, Report, Table
from cnnbench.studies.audit.audit import Account
from cnnbench.studies.audit.counter import Pass, What

if TYPE_CHECKING:
    from cnnbench.studies.audit.files.steps import FilePass

_DOCUMENTED = "What torchvision's and timm's documentation calls GFLOPS are MACs, in billions."
_OF_ACCOUNT = ("printed", "terms", "explained", "remaining", "layers", "failure")
_SHOWN = 5  # layers of a counter that differ, before the rest is only numbered


def report_of(
    model: str,
    done: Pass | FilePass,
    accounts: list[Account],
    absent: list[str],
    claim: float | None = None,
) -> Report:
    """Each counter's account, their habits, and one line to quote.

    `absent` are counters that are not installed, `claim` the MACs that a library says of its own.
    """
    shapes = [list(shape) for shape in done.trace.input_shapes]
    head = {
        "model": model,
        "input": shapes,
        "dtype": done.trace.dtype,
        "macs": done.trace.total.macs,
        "claimed_macs": claim,
    }
    notes = [
        f"{one.counter.name} fails, so its rows are not known (?): {one.failure}"
        for one in accounts
        if one.failure
    ]
    if absent:
        notes.append(f"not installed: {', '.join(absent)}; pip install 'cnnbench[counters]'")
    return Report(
        command="audit",
        results=[{**head, "counters": [_record(one) for one in accounts]}],
        records=[
            {"model": model, "counter": one.counter.name, **line}
            for one in accounts
            for line in _account(one)
        ],
        tables=[
            _accounts(f"{model}  {col.shapes(shapes)}", accounts),
            _habits(accounts),
            *(_layers(one) for one in accounts if one.layers),
        ],
        findings=[_closing(accounts, claim), *_open(done, accounts)],
        notes=[*notes, *([] if done.trace.file else [_DOCUMENTED])],
        environment=software([done.trace]),
    )


def _record(verdict: Account) -> dict[str, Any]:
    return {
        "counter": verdict.counter.name,
        "unit": verdict.counter.prints,
        **{key: getattr(verdict, key) for key in _OF_ACCOUNT},
        "conventions": asdict(verdict.counter.habits),
    }


def _account(verdict: Account) -> list[dict[str, Any]]:
    """Every line of a counter's account, with its unit."""
    unit = verdict.counter.prints
    ends = {key: getattr(verdict, key) for key in ("explained", "printed", "remaining")}
    return [
        *({"term": str(what), "value": n, "unit": "MACs"} for what, n in verdict.terms.items()),
        *({"term": term, "value": number, "unit": unit} for term, number in ends.items()),
    ]


def _accounts(title: str, verdicts: list[Account]) -> Table:
    """One row a term, one column a counter."""

    def row(label: str, cell: Callable[[Account], str]) -> dict[str, Any]:
        return {"term": label, **{v.counter.name: cell(v) for v in verdicts}}

    ours, *others = dict.fromkeys(what for verdict in verdicts for what in verdict.terms)
    rows = [
        row("our MACs", lambda v: units.count(v.terms[ours])),
        *(row(_label(t), lambda v, t=t: _term(v, t)) for t in others),  # type: ignore[misc]
        row("a MAC counts", lambda v: f"x {v.counter.unit}"),
        row("so it should print", lambda v: "?" if v.failure else units.count(v.explained)),
        row("it prints", lambda v: "fails" if v.printed is None else units.count(v.printed)),
    ]
    last = row("unexplained", lambda v: "?" if v.remaining is None else units.exact(v.remaining))
    names = [verdict.counter.name for verdict in verdicts]
    columns = (Column("term", "", left=True), *(Column(name, name) for name in names))
    return Table(columns, rows, title, last)


def _term(verdict: Account, what: What) -> str:
    """A term of an account; what a counter that failed would have counted is not known."""
    return "?" if verdict.failure else col.signed(verdict.terms.get(what, 0))


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
        Column("difference", f"{verdict.counter.prints} unexplained", col.signed),
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
    reasons = [f"{_label(what)} ({col.signed(amount)})" for what, amount in most.items()]
    reasons += ["two FLOPs a MAC"] if any(v.counter.unit == 2 for v in answers) else []
    ours = units.count(next(iter(verdicts[0].terms.values())))
    differ = f"they differ by {', '.join(reasons)}" if reasons else "they agree"
    return f"{quoted}: the same network of {ours} MACs; {differ}"


def _open(done: Pass | FilePass, verdicts: list[Account]) -> list[str]:
    """What no term explains: whose, how much, and the kinds of layer that it is in."""
    left = [one for one in verdicts if one.remaining]
    if not left:
        return []
    whose = ", ".join(f"{one.counter.name} {col.signed(one.remaining or 0)}" for one in left)
    kinds = done.kinds({path for one in left for path in one.layers})
    where = f", in layers of {', '.join(kinds)}" if kinds else ""
    return [f"not explained: {whose}{where}"]


def _label(what: str) -> str:
    return what.replace("_", " ")
