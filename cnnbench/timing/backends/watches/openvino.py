"""OpenVINO's counters of a pass, joined with the file by the names that its nodes keep.

A counter is the mean of all passes since the model was compiled, in whole microseconds: those that
bring the caches into their state, too, once the first that counts has begun.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnbench.timing.backends.watches.nodes import File, NodeTime, Watch

if TYPE_CHECKING:
    import openvino

_NO_WORK = ("Const", "Input", "Output")


class Counters(Watch):
    """A compiled model that counts what each node took."""

    def __init__(
        self,
        file: Path,
        compiled: openvino.CompiledModel,
        request: openvino.InferRequest,
        run: Callable[[], None],
    ) -> None:
        """It has run once."""
        self.file = file
        self._compiled, self._request, self._pass = compiled, request, run
        self._runs = self._first = 1
        self._before: dict[str, float] = {}

    def __call__(self, counts: bool = True) -> None:
        """Run it."""
        if counts and not self._before:
            self._first, self._before = self._runs, self._seconds()
        self._pass()
        self._runs += 1

    def _seconds(self) -> dict[str, float]:
        """The mean of each node over all passes so far."""
        found = self._request.profiling_info
        return {one.node_name: one.real_time.total_seconds() for one in found}

    def nodes(self) -> list[NodeTime]:
        """The mean of each node over the passes that count."""
        now, runs = self._seconds(), max(1, self._runs - self._first)
        ran = [
            one
            for one in nodes_of(self._compiled)
            if one["name"] in now and one.get("execTimeMcs") != "not_executed"
        ]
        file = File.of_onnx(self.file)
        claimed: dict[int, int] = {}
        for place, one in enumerate(ran):
            for name in one["originalLayersNames"].split(","):
                if (index := _index(name, file)) is not None:
                    claimed.setdefault(index, place)
        held = file.held(claimed, len(ran))
        found = []
        for one, holds in zip(ran, held, strict=True):
            name = one["name"]
            before = self._before.get(name, 0.0) * self._first
            seconds = max(0.0, (now[name] * self._runs - before) / runs)
            found.append(NodeTime(one["primitiveType"], seconds, holds))
        return found


def nodes_of(compiled: openvino.CompiledModel) -> list[dict[str, str]]:
    """Its nodes in order, with what the compiled model says of each."""
    found = []
    for node in compiled.get_runtime_model().get_ordered_ops():
        about: dict[str, Any] = dict(node.get_rt_info())
        said = {key: _text(value) for key, value in about.items()}
        if said.get("layerType") not in _NO_WORK:
            found.append({"name": node.get_friendly_name(), **said})
    return found


def _text(value: Any) -> str:
    return str(value.astype(str)) if hasattr(value, "astype") else str(value)


def _index(name: str, file: File) -> int | None:
    """The file's node of a layer: by its name, or the output that it makes; parts have a slash."""
    for one in (name, name.rpartition("/")[0]):
        if one and (index := file.by_name.get(one, file.maker.get(one))) is not None:
            return index
    return None
