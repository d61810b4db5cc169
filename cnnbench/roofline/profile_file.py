"""A device's profile as a TOML file: measured on another machine, or typed from a datasheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tomli_w

from cnnbench.errors import DeviceError
from cnnbench.files import Complaint, read_toml, validated
from cnnbench.roofline.profile import Profile

_HEAD = """\
# What a device can do, for `cnnbench predict --on` and `cnnbench compare --on`; base units.
# A datasheet's numbers do too: flops_per_s by dtype, bytes_per_s of its memory, and call_s, the
# seconds that one operator costs whatever it computes.
#
# Under operators, by dtype and kind, every row is one that was timed, seconds last. Before them of
# a convolution or linear layer: batch, channels in, filters, height and width that come out,
# kernel, stride, groups; of the rest: elements read, elements written, window. Under backends are
# those of runtimes, by the names of ONNX: what is fused into the product before it, and before what
# the layout of a map is changed.
"""


def as_toml(profile: Profile) -> str:
    """All that predicts, and whether something disturbed it."""
    content = profile.model_dump(exclude_none=True, exclude={"noise", "spread", "probes"})
    return _HEAD + "\n" + tomli_w.dumps(content)


def read(path: Path) -> Profile:
    """Read what `as_toml` wrote or a person has typed; DeviceError in one line where it is none."""
    hint = "; 'cnnbench device --output device.toml' writes one"
    content = read_toml(path, DeviceError, hint=hint)

    def tell(complaint: Complaint) -> DeviceError:
        key = complaint.key
        key = key.replace("copies.0.bytes_per_s", _TYPED) if _TYPED in content else key
        example = f"; {_EXAMPLE}" if key.partition(".")[0] in _IN_EXAMPLE else ""
        return DeviceError(f"{path}: {key}: {complaint.text}{example}")

    profile = validated(Profile, _typed({"name": path.stem, **content}), tell)
    there = {"flops_per_s": profile.flops_per_s, _TYPED: profile.copies, "call_s": profile.call_s}
    for key, value in there.items():
        if not value:
            raise DeviceError(f"{path} has no {key}; {_EXAMPLE}")
    return profile


_TYPED = "bytes_per_s"
_IN_EXAMPLE = ("flops_per_s", _TYPED, "call_s", "copies")
_EXAMPLE = "write flops_per_s = { float32 = 2.4e10 }, bytes_per_s = 3.2e9 and call_s = 2e-5"


def _typed(content: dict[str, Any]) -> dict[str, Any]:
    """A datasheet has one bandwidth, where we measure several."""
    if _TYPED not in content:
        return content
    rest = {key: value for key, value in content.items() if key != _TYPED}
    return {"copies": [{"working_set": 0, "bytes_per_s": content[_TYPED]}], **rest}
