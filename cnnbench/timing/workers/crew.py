"""A crew: several fresh workers that all have the same networks.

What a process got by chance, where its memory lies, say, it keeps as long as it runs. So samples
of one network come from several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from cnnbench.counting.totals import TOTALS, Totals
from cnnbench.devices.device import Device
from cnnbench.devices.passes import Passes
from cnnbench.devices.warnings import Warning
from cnnbench.timing.by_layer.by_operator import Medians
from cnnbench.timing.by_layer.onednn import Reorders, median_of
from cnnbench.timing.by_layer.threads import Threads
from cnnbench.timing.preparing.ran import Ran
from cnnbench.timing.samples.sampling import Entry
from cnnbench.timing.setting import Setting
from cnnbench.timing.workers.order import Job, Order
from cnnbench.timing.workers.remote import Remote, RemoteEntry, WorkerError

_OF_FREE = 0.5  # of the free memory, that all workers together may take


class _Member:
    """A worker and its networks; begun anew, without the culprit, where one ended it."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._remote: Remote | None = Remote(order)
        self.entries: dict[int, RemoteEntry] = {}  # by the number of the job
        self._jobs: dict[int, Job] = {}
        self._failures: dict[int, WorkerError] = {}
        self.held_bytes = 0  # the most that it said that it holds

    def prepare(self, number: int, job: Job) -> RemoteEntry:
        """The network that it builds and runs; WorkerError where it cannot."""
        remote = self._remote or self._alive()
        with self._ending(number):
            entry = self.entries[number] = remote.prepare(job)
            self._jobs[number] = job
            self.held_bytes = max(self.held_bytes, entry.held_bytes)
            return entry

    def follow(self, number: int, job: Job) -> None:
        """Build it, too; what goes wrong is met where it is timed."""
        try:
            self.prepare(number, job)
        except WorkerError as error:
            self._failures[number] = error

    def seconds(self, number: int, repeats: int, counts: bool, watched: bool = False) -> float:
        """Seconds of a network's passes, `watched` by operator; WorkerError where one fails."""
        self._alive()
        if number in self._failures:
            raise self._failures[number]
        with self._ending(number):
            return replace(self.entries[number], watched=watched).seconds(repeats, counts)

    def passes(self, number: int) -> Passes:
        """What its passes took beside time; of those of a process that has ended nothing."""
        with suppress(KeyError, WorkerError):
            return self.entries[number].passes()
        return Passes()

    def operators(self, number: int) -> Medians:
        """Its operators' median seconds; none of a process that has ended."""
        try:
            return self.entries[number].operators() if number in self.entries else []
        except WorkerError as error:
            if error.ended:
                return []
            raise

    def reorders(self, number: int) -> Reorders | None:
        """What oneDNN spends on its layouts; None of a process that has ended."""
        with suppress(KeyError, WorkerError):
            return self.entries[number].reorders()
        return None

    def threads(self, number: int) -> Threads | None:
        """What tells how long its threads waited; None of a process that has ended."""
        with suppress(KeyError, WorkerError):
            return self.entries[number].threads()
        return None

    def close(self) -> None:
        """End its process."""
        if self._remote is not None:
            self._remote.close()
        self._remote = None
        self.entries.clear()

    @contextmanager
    def _ending(self, number: int) -> Iterator[None]:
        """Forget the network, and the process, where it has ended that."""
        try:
            yield
        except WorkerError as error:
            if error.ended:
                self._failures[number] = error
                self._jobs.pop(number, None)
                self.close()
            raise

    def _alive(self) -> Remote:
        """The process, begun anew where it has ended; without what ends it again."""
        while self._remote is None:
            self._remote = Remote(self._order)
            for number, job in list(self._jobs.items()):
                self.follow(number, job)
                if self._remote is None:
                    break
        return self._remote


@dataclass
class Crewed:
    """A network that every worker of a crew has: what the first said of it."""

    model: str
    setting: Setting
    device: Device
    dtype: str
    totals: Totals
    warnings: list[Warning]
    ran: Ran
    number: int
    crew: Crew = field(repr=False)

    def glance(self) -> float:
        """Seconds of one pass in the first worker, at first sight."""
        first = self.crew.members[0]
        first.seconds(self.number, 1, counts=False)
        return first.seconds(self.number, 1, counts=False)

    @cached_property
    def passes(self) -> Passes:
        """What the timed passes of all workers took beside time."""
        return sum((one.passes(self.number) for one in self.crew.members), Passes())

    def reorders(self) -> Reorders | None:
        """What oneDNN spends on its layouts, of the workers in the middle."""
        return median_of(one.reorders(self.number) for one in self.crew.members)

    def threads(self) -> Threads | None:
        """What tells how long threads waited, in the first worker, while the others rest."""
        return self.crew.members[0].threads(self.number)

    def medians(self) -> Medians:
        """Its operators' median seconds: medians of the workers', of those that ran the same."""
        found = list(filter(None, (one.operators(self.number) for one in self.crew.members)))
        if not found:
            return []
        ran = [[(op, kernel) for op, _, kernel in each] for each in found]
        usual = max(ran, key=ran.count)
        alike = [
            [s for _, s, _ in one] for one, ops in zip(found, ran, strict=True) if ops == usual
        ]
        seconds = map(float, np.median(alike, axis=0))
        return [(op, s, kernel) for (op, kernel), s in zip(usual, seconds, strict=True)]


@dataclass
class _Turn:
    """A network in one worker: an entry of rounds."""

    member: _Member
    number: int
    watched: bool = False

    def seconds(self, repeats: int, counts: bool = True) -> float:
        """Seconds of so many passes."""
        return self.member.seconds(self.number, repeats, counts, self.watched)


class Crew:
    """Workers with the same networks; the first tells what can be run, the others follow."""

    def __init__(self, order: Order, device: Device, number: int) -> None:
        """Start the first; the others when they are to follow, so that it is not slowed."""
        self._order, self._device, self._number = order, device, number
        self.members = [_Member(order)]
        self._jobs: list[Job] = []

    def prepare(self, job: Job) -> Crewed:
        """The network that the first worker builds and runs; WorkerError where it cannot."""
        number = len(self._jobs)
        self._jobs.append(job)
        entry = self.members[0].prepare(number, job)
        return Crewed(
            model=entry.model,
            setting=job.setting,
            device=self._device,
            dtype=entry.dtype,
            totals=TOTALS.validate_python(entry.cost),
            warnings=[Warning(**one) for one in entry.warnings],
            ran=Ran(**entry.ran),
            number=number,
            crew=self,
        )

    def teams(self, chosen: Sequence[Crewed], *, layers: bool = False) -> list[list[Entry]]:
        """Each worker's entries, in the order of those chosen, once the others have followed.

        With `layers` those by operator follow. As many workers stay as memory allows.
        """
        if not chosen:
            return [[]]
        (first,) = self.members
        free, more = self._device.free_bytes(), self._number - 1
        if first.held_bytes and free is not None:
            more = min(more, int(_OF_FREE * free // first.held_bytes))
        for _ in range(more):  # which import torch at once
            self.members.append(_Member(self._order))
        for member in self.members[1:]:  # one by one: at once their threads would wait in turn
            for one in chosen:
                member.follow(one.number, self._jobs[one.number])
        asked = [
            (watched, one) for watched in ((False, True) if layers else (False,)) for one in chosen
        ]
        return [
            [_Turn(member, one.number, watched) for watched, one in asked]
            for member in self.members
        ]

    def close(self) -> None:
        """End them all."""
        for member in self.members:
            member.close()
