"""Files, written whole or not at all; read in one way, with one line where they are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from cnnbench.errors import CnnbenchError, OutputError, reason_of

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")


def check_writable(path: Path | None) -> None:
    """Raise OutputError before any work where `path` could not be written in the end."""
    if path is None:
        return
    folder = path.parent
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder; name a file in it")
    if not folder.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {folder}; make it first")
    target = path if path.exists() and not path.is_file() else Path(os.path.realpath(path)).parent
    if not os.access(target, os.W_OK):
        raise OutputError(f"cannot write {path}: permission denied")


def write(path: Path, content: str | bytes) -> None:
    """Write the whole file or nothing: a reader never sees half of it, nor is an old one lost."""
    import tempfile

    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        path = Path(os.path.realpath(path))  # a link stays, what it names is written
        if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced
            path.write_bytes(data)
            return
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".cnnbench-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else _new_mode())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def _new_mode() -> int:
    """Permissions of a file that a program makes anew, which temporary files do not have."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def read_toml(
    path: Path, error: type[CnnbenchError], *, name: str | None = None, hint: str = ""
) -> dict[str, Any]:
    """Read a TOML file; `error`, with `hint` where it cannot be opened, calls it `name`."""
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as reason:
        raise error(f"cannot read {path}: {reason.strerror or reason}{hint}") from reason
    except (ValueError, RecursionError) as reason:
        raise error(f"{name or path} is no TOML: {reason_of(reason)}") from reason


@dataclass(frozen=True)
class Complaint:
    """The first thing that is wrong with a content: where, of which kind, what, and the value."""

    place: tuple[str | int, ...]
    kind: str
    text: str
    value: object

    @property
    def key(self) -> str:
        """The place as one word."""
        return ".".join(map(str, self.place)) or "it"


def validated(
    model: type[Model], content: Any, tell: Callable[[Complaint], CnnbenchError]
) -> Model:
    """The content (bytes are JSON) as a pydantic model; what `tell` makes of a complaint."""
    from pydantic import ValidationError

    try:
        if isinstance(content, bytes):
            return model.model_validate_json(content)
        return model.model_validate(content)
    except ValidationError as error:
        # A key that is unknown may be why another is missing.
        first, *_ = sorted(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        text = first["msg"].removeprefix("Value error, ").strip()
        text = f"{text[:1].lower()}{text[1:]}"
        raise tell(Complaint(first["loc"], first["type"], text, first["input"])) from error
