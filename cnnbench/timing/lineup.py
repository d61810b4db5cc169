"""The lineup: networks made ready to be timed, in fresh workers where their names find them again.

A module that somebody holds is timed in this process, which alone has it, and so is all beside it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from torch import nn

from cnnbench import units
from cnnbench.counting.cost import Trace
from cnnbench.counting.totals import TOTALS, Totals, totals
from cnnbench.errors import CnnbenchError
from cnnbench.models.given import Inputs, read
from cnnbench.models.network import Model, Network
from cnnbench.progress import SILENT
from cnnbench.timing import backends
from cnnbench.timing.by_layer.by_node import ByNode, watched
from cnnbench.timing.by_layer.by_operator import ByOperator, Watched
from cnnbench.timing.latency import Latency, failed
from cnnbench.timing.preparing.builder import Builder, doing
from cnnbench.timing.preparing.prepared import called
from cnnbench.timing.preparing.run_folder import run_folder
from cnnbench.timing.preparing.subject import Subject
from cnnbench.timing.samples.sampling import Entry
from cnnbench.timing.session import Session
from cnnbench.timing.setting import Setting
from cnnbench.timing.workers.crew import Crew, Crewed
from cnnbench.timing.workers.order import Job, Order

Asked = Sequence[tuple[Model | Network, Setting]]
Known = Sequence[Trace | Totals | None]


@dataclass(frozen=True)
class Lineup:
    """One row a network, in the order asked for: ready, or a latency that says why not.

    `teams` are the entries of those that are ready, of each process; `processes` is how many there
    are, 0 for this one. Where operators are timed, `watched` are the same networks, whose entries
    follow those of all whole passes.
    """

    rows: list[Subject | Latency]
    teams: list[list[Entry]]
    processes: int = 0
    watched: Sequence[Watched] = ()

    @property
    def subjects(self) -> list[Subject]:
        """Those that are ready, in the order of a team's entries."""
        return [row for row in self.rows if not isinstance(row, Latency)]


@contextmanager
def lineup(
    asked: Asked,
    known: Known,
    given: Inputs | None,
    session: Session,
    *,
    largest: bool = False,
    layers: bool = False,
) -> Iterator[Lineup]:
    """Make them ready, and end their processes afterwards."""
    if layers:  # operators are joined with a trace, which totals do not hold
        known = [cost if isinstance(cost, Trace) else None for cost in known]
    jobs = [
        _job(model, given, setting, None if layers else cost, largest)
        for (model, setting), cost in zip(asked, known, strict=True)
    ]
    if not session.rule.processes or None in jobs:
        yield _here(asked, known, given, session, largest, layers)
        return
    crews: dict[str, Crew] = {}
    try:
        yield _there([job for job in jobs if job], session, crews, layers)
    finally:
        for crew in crews.values():
            crew.close()


def order(session: Session) -> Order:
    """What workers of this folder are told."""
    machine = session.machine
    return Order(
        folder=os.getcwd(),
        paths=tuple(filter(None, sys.path)),
        device=str(machine.device),
        threads=machine.threads.number,
        seed=session.rule.seed,
    )


def _job(
    model: Model | Network,
    given: Inputs | None,
    setting: Setting,
    cost: Trace | Totals | None,
    largest: bool,
) -> Job | None:
    """What a worker is told of a network; None of one that it cannot find."""
    asked = None if given is None else read(given).plain()
    if isinstance(model, Network):
        if not model.by_name:
            return None
        asked = model.given.plain() if model.asked else None
    elif isinstance(model, nn.Module):
        return None
    whole = totals(cost) if isinstance(cost, Trace) else cost
    plain = None if whole is None else TOTALS.dump_python(whole, mode="json")
    return Job(called(model), asked, setting, plain, largest=largest)


def _here(
    asked: Asked,
    known: Known,
    given: Inputs | None,
    session: Session,
    largest: bool,
    layers: bool,
) -> Lineup:
    """Networks of this process."""
    builder = Builder(session.machine.device, session.rule.seed, session.progress)
    rows: list[Subject | Latency] = []
    entries: list[Entry] = []
    by_operator: list[ByOperator | ByNode] = []
    for (model, setting), cost in zip(asked, known, strict=True):
        try:
            ready = builder.prepared(model, given, setting, cost, largest=largest)
            by_operator += [watched(ready)] if layers else []
        except CnnbenchError as error:
            rows.append(failed(called(model), setting, session.machine, str(error)))
        else:
            rows.append(ready)
            entries.append(ready)
    return Lineup(rows, [[*entries, *by_operator]], watched=by_operator)


def _there(jobs: Sequence[Job], session: Session, crews: dict[str, Crew], layers: bool) -> Lineup:
    """Networks of crews of workers: one for each runtime, whose threads would fight in one."""
    rows: list[Subject | Latency] = []
    ready: list[Crewed] = []
    for job in jobs:
        session.progress.say(doing(job.model, job.setting))
        runtime = backends.process_of(job.setting.backend)
        if runtime not in crews:
            told = order(session)
            if runtime != backends.TORCH:
                told = replace(told, run_folder=run_folder())
            crews[runtime] = Crew(told, session.machine.device, session.rule.processes)
        try:
            one = crews[runtime].prepare(job)
        except CnnbenchError as error:
            rows.append(failed(job.model, job.setting, session.machine, str(error)))
        else:
            rows.append(one)
            ready.append(one)
    if ready and session.progress is not SILENT:
        with suppress(CnnbenchError):  # it is met again where it counts
            seen = units.duration(ready[0].glance())
            session.progress.say(
                f"{ready[0].model}: {seen} at first sight; starting more processes"
            )
    teams = _teams(ready, list(crews.values()), layers)
    return Lineup(rows, teams, len(teams), ready if layers else ())


def _teams(ready: Sequence[Crewed], crews: Sequence[Crew], layers: bool) -> list[list[Entry]]:
    """A team is a worker of each crew: the entries of all, in the order of those that are ready."""
    crews = [crew for crew in crews if any(one.crew is crew for one in ready)]
    if len(crews) < 2:
        return crews[0].teams(ready, layers=layers) if crews else [[]]
    of_crews = [
        crew.teams([one for one in ready if one.crew is crew], layers=layers) for crew in crews
    ]
    teams = []
    for members in zip(*of_crews, strict=False):  # as many as memory allows of each
        left = [iter(member) for member in members]
        times = 2 if layers else 1  # those by operator follow all whole passes
        teams.append([next(left[crews.index(one.crew)]) for _ in range(times) for one in ready])
    return teams
