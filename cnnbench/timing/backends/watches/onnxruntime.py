"""ONNX Runtime's profile of a pass, joined with the file by names.

A profile can be ended once, so the passes after enough of them are timed without. A node whose
layout was changed for vectors (nchwc) is called after the tensor that it made when it was changed.
"""

from __future__ import annotations

import json
import re
import tempfile
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnbench.timing.backends.watches.nodes import File, NodeTime, Watch, weights_beside
from cnnbench.timing.preparing.run_folder import run_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnxruntime

_ENOUGH = 200  # passes of a profile, whose file grows by 50 KB each
_LAYOUT = ("ReorderInput", "ReorderOutput")


class Profile(Watch):
    """A session that writes down what each node took."""

    def __init__(
        self,
        file: Path,
        options: onnxruntime.SessionOptions,
        opened: Callable[[Path, onnxruntime.SessionOptions], tuple[Any, Callable[[], None]]],
    ) -> None:
        """Open it with a profile, and the graph that it made beside it."""
        self.file = file
        self._folder = tempfile.TemporaryDirectory(dir=run_folder())
        named = Path(self._folder.name) / "named.onnx"
        self._optimised = Path(self._folder.name) / "optimised.onnx"
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(self._folder.name) / "profile")
        options.optimized_model_filepath = str(self._optimised)
        self._session, self._pass = opened(_named(file, named), options)
        self._counting = [False]  # of each pass under the profile; it has run once
        self._found: list[NodeTime] | None = None

    def __call__(self, counts: bool = True) -> None:
        """Run it, with a profile until there are enough of them."""
        self._pass()
        if self._found is None:
            self._counting.append(counts)
            if sum(self._counting) >= _ENOUGH:
                self.nodes()

    def nodes(self) -> list[NodeTime]:
        """The median of each node."""
        if self._found is None:
            self._found = list(self._read(Path(self._session.end_profiling())))
        return self._found

    def _read(self, profile: Path) -> Iterator[NodeTime]:
        import onnx

        events = json.loads(profile.read_text())
        passes = sorted(one["ts"] for one in events if one["name"] == "model_run")
        graph = onnx.load(self._optimised, load_external_data=False).graph
        self._folder.cleanup()
        names = {node.name for node in graph.node}  # a branch's nodes lie within their own parent
        seconds: dict[str, list[float]] = defaultdict(list)
        waits: dict[str, list[float]] = defaultdict(list)
        for event in events:
            name = event["name"].removesuffix("_kernel_time")
            number = bisect_right(passes, event["ts"]) - 1
            if event["cat"] == "Node" and name in names and self._counting[number]:
                seconds[name].append(event["dur"] * 1e-6)
                waits[name] += _waited(event["args"])
        ran = [node for node in graph.node if node.name in seconds]
        file = File.of_onnx(self.file)
        held = file.held(claims(ran, file), len(ran))
        for node, holds in zip(ran, held, strict=True):
            waited = float(np.median(waits[node.name])) if waits[node.name] else None
            taken = float(np.median(seconds[node.name]))
            yield NodeTime(_kernel(node), taken, holds, waited)


def _waited(about: dict[str, Any]) -> list[float]:
    """Seconds that the first thread waited for the others; nothing where it is not said."""
    try:
        first = about["thread_scheduling_stats"]["main_thread"]
        return [1e-6 * (float(first["Wait"]) + float(first["WaitRevoke"]))]
    except (KeyError, TypeError, ValueError):
        return []


def _named(file: Path, target: Path) -> Path:
    """The file, or where nodes have no name a copy in which each is called after its output.

    A file whose weights lie beside it is left as it is.
    """
    import onnx

    model = onnx.load(file, load_external_data=False)
    if weights_beside(model.graph) or all(node.name for node in model.graph.node):
        return file
    for node in model.graph.node:
        node.name = node.name or next(iter(node.output), "")
    target.write_bytes(model.SerializeToString())
    return target


def _kernel(node: Any) -> str:
    """The kernel's name, with its layout where that is another."""
    domain = node.domain.rpartition(".")[2]
    return f"{domain}.{node.op_type}" if domain in ("nchwc", "nhwc") else str(node.op_type)


def claims(ran: list[Any], file: File) -> dict[int, int]:
    """Which nodes of the file those that ran hold, as far as their names and tensors say."""
    found: dict[int, int] = {}
    for place, node in enumerate(ran):
        if node.op_type in _LAYOUT:
            continue
        index = _of_name(node.name, file)
        if node.op_type == "Transpose" and index is None:  # put in between
            continue
        known = [file.maker[name] for name in node.output if name in file.maker]
        if node.name.endswith("_nchwc"):
            known += _of_tensor(node.name.removesuffix("_nchwc"), file)
        for one in (*([] if index is None else [index]), *known):
            found.setdefault(one, place)
    for place, node in enumerate(ran):
        if node.op_type == "Conv" and len(node.input) > 3 and node.input[3]:
            _sum_of(place, file, found)
    return found


def _of_name(name: str, file: File) -> int | None:
    """The file's node in a name: `n_token_7`, `n/QuickGeluFusion/`, `n/duplicated`."""
    for one in (name, re.sub(r"_token_\d+$", "", name)):
        while one:
            if one in file.by_name:
                return file.by_name[one]
            one = one.rpartition("/")[0]
    return None


def _of_tensor(name: str, file: File) -> list[int]:
    """The node that makes a tensor whose name has endings: `mul_7_mul` of `mul_7`."""
    name = re.sub(r"_token_\d+$", "", name)
    while name and name not in file.maker:
        name = name.rpartition("_")[0]
    return [file.maker[name]] if name else []


def _sum_of(place: int, file: File, found: dict[int, int]) -> None:
    """A convolution that adds another input holds the sum after it, and what follows that alone."""
    index = max((one for one, owner in found.items() if owner == place), default=None)
    while index is not None:
        readers = file.readers(index)
        index = readers[0] if len(readers) == 1 and readers[0] not in found else None
        if index is None or file.nodes[index].operator not in ("Add", "Sum", "Relu", "Clip"):
            return
        found[index] = place
