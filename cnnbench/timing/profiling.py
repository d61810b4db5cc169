"""A device's profile, measured in the conditions in which networks are timed.

A process that keeps its memory writes a map that it has written before, a usual one pages in new
memory: a profile of the one does not predict the other. So operators that are not known yet are
measured in a process of its own, whose allocator is a worker's; that also leaves this one's as it
was.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from threading import Event

from cnnbench.devices import cores
from cnnbench.devices.machine import Machine
from cnnbench.errors import MemoryShortage
from cnnbench.lineage import end_with
from cnnbench.roofline import calibrate, ceilings
from cnnbench.roofline.profile import Profile
from cnnbench.timing import backends
from cnnbench.timing import profiling_runtimes as runtimes
from cnnbench.timing.session import usual_processes
from cnnbench.timing.workers.conditions import conditions
from cnnbench.timing.workers.process import HOME

Say = Callable[[str], None]
_PATIENCE_S = 1.0
_START = (
    "import sys; sys.path.append({!r}); from cnnbench.timing.profiling import main; "
    "main(*sys.argv[1:])"
)


def complete(
    machine: Machine,
    dtypes: Iterable[str],
    say: Say = lambda text: None,
    start: Profile | None = None,
    names: Sequence[str] = (backends.EAGER,),
) -> Profile:
    """All that predictions in these dtypes need: from `start` or before, or measured now.

    `names` are the back ends that they are of.
    """
    wanted = [dtype for dtype in dict.fromkeys(dtypes) if dtype in ceilings.DTYPES]
    number, device = machine.threads.number, machine.device
    runtimes.check_some(machine, names)
    kept = start or calibrate.holding(calibrate.stored(device, number), device, number)
    kept = runtimes.current(kept, machine)
    eager = backends.EAGER in names
    if eager:
        known = kept.call_s and all(dtype in kept.operators for dtype in wanted)
        if not known and usual_processes():
            kept = _apart(machine, wanted, kept, say) or kept
    kept = _measured(machine, wanted, kept, say, operators=eager)
    for name in names:
        if name != backends.EAGER:
            kept = runtimes.complete(machine, name, wanted, kept, say)
    return kept


def _measured(
    machine: Machine, dtypes: Sequence[str], kept: Profile, say: Say, *, operators: bool = True
) -> Profile:
    number = machine.threads.number
    with cores.limited(number):
        return calibrate.calibrate(
            machine.device, number, dtypes, memory=True, operators=operators, start=kept, say=say
        )


def _apart(machine: Machine, dtypes: Sequence[str], kept: Profile, say: Say) -> Profile | None:
    """What another process measures, which Ctrl-C ends; None where it ended otherwise."""
    line = [sys.executable, "-P", "-c", _START.format(HOME), str(machine.device)]
    found = None
    with subprocess.Popen(
        [*line, str(machine.threads.number), *dtypes],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **conditions()},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with process.stdin:
                process.stdin.write(kept.model_dump_json())
            for said in process.stdout:
                kind, value = json.loads(said)
                if kind == "say":
                    say(value)
                else:
                    found = Profile.model_validate(value)
        except (OSError, ValueError, TypeError):  # it ended, or said something else
            found = None
        finally:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_S)
            ended = process.poll()
            process.kill()
    if found is None and ended == -signal.SIGKILL:
        raise MemoryShortage("measuring the device's operators was killed; free some memory")
    return found


def main(device: str, threads: str, *dtypes: str) -> None:
    """Go on from the profile on stdin, and say how far it is, a line of JSON each."""

    def told(kind: str, value: object) -> None:
        print(json.dumps([kind, value]), flush=True)

    end_with(os.getppid(), Event().wait)
    machine = Machine.find(device, int(threads))
    kept = Profile.model_validate_json(sys.stdin.read())
    found = _measured(machine, dtypes, kept, lambda text: told("say", text))
    told("profile", found.model_dump(mode="json"))
