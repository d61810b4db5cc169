"""A runtime's part of a device's profile: how long its nodes take, by its own clock.

It runs one graph that holds every kind of operator, a medley, as it runs any other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cnnbench.counting.cost import OpCost
from cnnbench.devices.disturbances import Disturbances, slowing
from cnnbench.devices.machine import Machine
from cnnbench.errors import DeviceError
from cnnbench.models.spec import SourceSpec
from cnnbench.roofline import calibrate
from cnnbench.roofline.grid import BATCHES
from cnnbench.roofline.profile import Profile, Runtime
from cnnbench.roofline.runtimes import learning
from cnnbench.roofline.runtimes.medley import VERSION, medley, small_medley
from cnnbench.timing import backends
from cnnbench.timing.by_layer.layers import LayerTimes
from cnnbench.timing.measure import timed
from cnnbench.timing.session import Session, StopRule, usual_processes
from cnnbench.timing.setting import Setting, check

if TYPE_CHECKING:
    import onnx

Say = Callable[[str], None]
# At a batch what runs for so many seconds, and as long with its nodes timed; the first shows what
# a clock on a node takes.
_GRAPHS: tuple[tuple[int, Callable[[], onnx.ModelProto], float], ...] = (
    (1, small_medley, 2.0),
    *((batch, partial(medley, batch), 4.5) for batch in BATCHES),
)
_PRECISION = 0.01
_VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")  # kernels that compute nothing


def current(kept: Profile, machine: Machine) -> Profile:
    """The profile without what was measured of another version, or while something disturbed.

    Nor with the networks that were timed in it. While something disturbs now, another measurement
    would be no better.
    """
    busy = Disturbances(machine.device, machine.threads.number).busy
    known = {
        name: part
        for name, part in kept.backends.items()
        if (part.version, part.medley) == (backends.version(name), VERSION)
        if not part.operators_disturbed or busy()
    }
    if len(known) == len(kept.backends):
        return kept
    networks = [one for one in kept.networks if one.backend is None or one.backend in known]
    return kept.model_copy(update={"backends": known, "networks": networks})


def check_some(machine: Machine, names: Iterable[str]) -> None:
    """CnnbenchError for a back end that has no such profile, or does not run there."""
    for name in names:
        backends.check_predicted(name)
        check(Setting(backend=name), machine.device)


def complete(
    machine: Machine, name: str, dtypes: Iterable[str], kept: Profile, say: Say = lambda text: None
) -> Profile:
    """The profile with what a runtime takes in these dtypes: known, or measured now and kept."""
    new = Runtime(version=backends.version(name), medley=VERSION)
    found = kept.backends.get(name, new)
    for dtype in dtypes:
        if dtype not in found.operators:
            found = _measured(machine, name, dtype, found, say)
    if found == kept.backends.get(name):
        return kept
    kept = kept.model_copy(update={"backends": {**kept.backends, name: found}})
    calibrate.keep_lasting(kept, machine.device)
    return kept


def _measured(machine: Machine, name: str, dtype: str, known: Runtime, say: Say) -> Runtime:
    """With the nodes of the graph at each batch; DeviceError where it does not run there."""
    check(Setting(dtype=dtype, backend=name), machine.device)
    nodes: list[tuple[OpCost, float]] = []
    clock, disturbed = 0.0, False
    for batch, graph, seconds in _GRAPHS:
        say(f"measuring the operators of {name} in {dtype}, {len(nodes)} nodes so far")
        setting = Setting(batch, dtype, backend=name)
        found, busy = _timed(machine, setting, graph(), seconds)
        if not nodes:
            clock = found.added_s / len(found.operators)
        nodes += [
            (op.cost, max(op.seconds - clock, op.seconds / 2))
            for op in found.operators
            if op.kernel not in _VIEWS
        ]
        disturbed = disturbed or busy
    return known.model_copy(
        update={
            "fused": {**known.fused, dtype: learning.fused(nodes)},
            "unblocked": {**known.unblocked, dtype: learning.unblocked(nodes)},
            "operators": {
                **known.operators,
                dtype: calibrate.rows(learning.samples(nodes)),
            },
            "operators_disturbed": known.operators_disturbed or disturbed,
        }
    )


def _timed(
    machine: Machine, setting: Setting, graph: onnx.ModelProto, seconds: float
) -> tuple[LayerTimes, bool]:
    """The nodes of a graph, and whether something disturbed them."""
    rule = StopRule(_PRECISION, seconds, processes=min(1, usual_processes()))
    with tempfile.TemporaryDirectory(prefix="cnnbench-") as folder:
        file = Path(folder) / "graph.onnx"
        file.write_bytes(graph.SerializeToString())
        asked = [(SourceSpec(str(file), ""), setting)]
        timing = timed(asked, None, Session(machine, rule), layers=True, kept=False)
    if timing.interrupted:
        raise KeyboardInterrupt
    found = (timing.networks or [])[0]
    if not found.operators:
        why = found.whole.error or "it ran without a node"
        raise DeviceError(f"{setting.backend} cannot be measured: {why}")
    return found, slowing(timing.warnings)
