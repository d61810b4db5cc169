"""The recorded costs: a JSON file, one line a model and layer, trusted only where it adds up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field

from cnnbench import harmless
from cnnbench.counting.metrics import STATIC
from cnnbench.counting.rules import convention
from cnnbench.errors import BaselineError, reason_of
from cnnbench.files import Complaint, validated, write
from cnnbench.guard.costs import Costs
from cnnbench.models.given_keys import Text
from cnnbench.version import __version__

FORMAT = 2  # the first had no digest
RECORD = "cnnbench baseline"  # the command that mends most of what can be wrong
_KEY = b'"cnnbench": "'  # in every baseline
_MARKERS = ("<<<<<<< ", ">>>>>>> ", "=======", "||||||| ")


class Baseline(BaseModel):
    """Costs by label, and what counted them; `digest` is of all that it says.

    A file of format 1 has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: Annotated[int, Field(strict=True)] = FORMAT
    digest: Text = ""
    cnnbench: Text = __version__
    torch: Text = torch.__version__.partition("+")[0]
    convention: Text = convention.FOOTER
    models: dict[Text, Costs]


def as_text(baseline: Baseline) -> str:
    """Models sorted, layers in the order they run, what is zero left out; with its digest."""
    digest = _digest(json.loads(_text(baseline)))
    return _text(baseline.model_copy(update={"digest": digest}))


def _digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of all that a file says, however it is laid out."""
    said = {key: value for key, value in content.items() if key != "digest"}
    text = json.dumps(said, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode('ascii')).hexdigest()}"


def _text(baseline: Baseline) -> str:
    head = baseline.model_dump(mode="json", exclude={"models"})
    lines = [f"{_json(key)}: {_json(value)}," for key, value in head.items()]
    models = [_model(label, costs) for label, costs in sorted(baseline.models.items())]
    return "\n".join(["{", *lines, '"models": {', ",\n".join(models), "}", "}"]) + "\n"


def _model(label: str, costs: Costs) -> str:
    totals = {
        key: getattr(costs, key) for key in ("input", "dtype", *STATIC, "uncounted", "idle_params")
    }
    for key in ("uncounted", "idle_params"):
        if not totals[key]:
            del totals[key]
    rows = [
        "  " + _json({k: v for k, v in layer.record().items() if v != 0 or k == "layer"})
        for layer in costs.layers
    ]
    rows_text = "\n" + ",\n".join(rows) + "\n" if rows else ""
    return f'{_json(label)}: {_json(totals)[:-1]}, "layers": [{rows_text}]}}'


def _json(value: object) -> str:
    return harmless.json(json.dumps(value, ensure_ascii=False))


def keep(baseline: Baseline, file: Path) -> None:
    """Write it whole or not at all; BaselineError where that would lose somebody's other file."""
    _check_regular(file)
    if file.is_file() and not _is_ours(file):
        raise BaselineError(
            f"{file.name} is not overwritten, since it does not look like a baseline; "
            "remove it, or name another file in the configuration"
        )
    write(file, as_text(baseline))


def _check_regular(file: Path) -> None:
    """BaselineError for a pipe or a folder, which cannot be read back."""
    if file.exists() and not file.is_file():
        raise BaselineError(f"{file.name} is no file; name another in the configuration")


def _is_ours(file: Path) -> bool:
    """Whether a file may be replaced: a baseline, also of another version, or a broken one."""
    try:
        data = file.read_bytes()
    except OSError:
        return True  # and writing says why it cannot be written
    return not data.strip() or _KEY in data


def read(file: Path) -> Baseline:
    """Read it and hold that it adds up; BaselineError with the line, and the command that mends."""
    _check_regular(file)
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        raise BaselineError(f"there is no {file.name} yet; record it: {RECORD}") from None
    except OSError as error:
        raise BaselineError(f"cannot read {file}: {error.strerror or error}") from error
    except ValueError as error:
        raise _broken(f"{file.name} is no UTF-8 text") from error
    content = _parsed(text, file.name)
    _check_head(content, file.name)
    found = validated(
        Baseline, content, lambda complaint: _broken(_sentence(complaint, text, file.name))
    )
    if found.digest != _digest(content) and (found.digest or found.format == FORMAT):
        raise BaselineError(
            f"{file.name} was changed after it was recorded, by hand or by a merge; record it anew "
            f"and look at what changes: {RECORD}"
        )
    return found


def _broken(what: str) -> BaselineError:
    return BaselineError(f"{what}; record it anew: {RECORD}")


def _parsed(text: str, name: str) -> dict[str, Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_MARKERS):
            raise BaselineError(
                f"{name}, line {number}: a conflict that git left to be resolved; "
                f"take either side, then record it anew: {RECORD}"
            )
    if not text.strip():
        raise _broken(f"{name} is empty")
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_refused)
    except json.JSONDecodeError as error:
        raise _broken(f"{name}, line {error.lineno}: no JSON ({error.msg})") from error
    except (ValueError, RecursionError) as error:
        raise _broken(f"{name}: {reason_of(error)}") from error
    if not isinstance(content, dict):
        raise _broken(f"{name} is no baseline")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A merge by hand can leave a key twice, of which JSON would take the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{twice!r} stands in it twice")
    return found


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no cost")


def _check_head(content: Mapping[str, Any], name: str) -> None:
    """BaselineError where another version or another convention wrote it."""
    form = content.get("format")
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise BaselineError(f"{name} has no format; it is no baseline: record it anew: {RECORD}")
    if form > FORMAT:
        by = content.get("cnnbench")
        raise BaselineError(
            f"{name} was written by a newer cnnbench ({by}, format {form}; this is {__version__}, "
            f"format {FORMAT}); upgrade: pip install --upgrade cnnbench"
        )
    for key in Baseline.model_fields:
        if key not in content and key != "digest":
            raise _broken(f"{name} has no {key}")
    if content["convention"] != convention.FOOTER:
        by = content["convention"]
        raise _broken(f"{name} was counted by another convention ({by}), which cannot be compared")


def _sentence(complaint: Complaint, text: str, name: str) -> str:
    """The first thing that is wrong, and the line it stands on."""
    place = list(complaint.place)
    label = str(place[1]) if place[:1] == ["models"] and len(place) > 1 else None
    index = place[3] if place[2:3] == ["layers"] and len(place) > 3 else None
    line = _line(text, label, index if isinstance(index, int) else None)
    key = place[-1] if place and isinstance(place[-1], str) and place[-1] != label else ""
    where = f", line {line}" if line else ""
    what = " ".join(filter(None, (f"{label}:" if label else "", str(key), complaint.text)))
    return f"{name}{where}: {what}"


def _line(text: str, label: str | None, index: int | None) -> int | None:
    """The line of a model, or of its layer at `index`, as `as_text` writes them."""
    if label is None:
        return None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(f"{_json(label)}: "):
            return number if index is None else number + 1 + index
    return None
