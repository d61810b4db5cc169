"""The files of one revision: where a network's own modules come from, and may not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from cnnbench.errors import RevisionError


@dataclass(frozen=True)
class Origin:
    """A revision's top folder, and the other's, none of whose files may be imported.

    `temporary` is a folder to remove where nobody else can.
    """

    top: str
    other: str | None = None
    temporary: str | None = None

    def check(self, model: str) -> None:
        """RevisionError where the network is not this revision's: both would time the same."""
        own = own_modules(Path(self.top))
        others = own_modules(Path(self.other)) if self.other else {}
        for name in others.keys() - own.keys():  # the base's files may lie within the clone
            path = others[name]
            raise RevisionError(
                f"{model} imports {name} from the working tree ({path}), not from its own "
                "revision; install the project so that its folder decides: pip install -e ."
            )
        if not own:
            raise RevisionError(
                f"{model} is not imported from this clone, so no revision of it can be timed; "
                "install the project from here: pip install -e ."
            )


def own_modules(top: Path) -> dict[str, Path]:
    """Imported modules whose files lie below `top`, and are not installed there."""
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and name.partition(".")[0] not in ("cnnbench", "__main__"):
            path = Path(file)
            if not path.is_absolute():  # torch.ops says _ops.py
                continue
            path = path.resolve()
            if path.is_relative_to(top) and not _is_installed(path, top):
                found[name] = path
    return found


def folders(top: Path) -> tuple[str, ...]:
    """Folders in which those are found, relative to `top`: `.`, `src`.

    RevisionError where that is above it, so that no other folder can stand for it.
    """
    found = set()
    for name, path in own_modules(top).items():
        root = path.parents[name.count(".") + (path.stem == "__init__")]
        if not root.is_relative_to(top):
            raise RevisionError(
                f"{name} is found from {root}, above the clone, so no other revision can be; "
                "move the package into a folder of its own"
            )
        found.add(str(root.relative_to(top)))
    return tuple(sorted(found))


def _is_installed(path: Path, top: Path) -> bool:
    """Whether it belongs to an environment, which may well lie within the clone."""
    prefix = Path(sys.prefix).resolve()
    within = prefix != top and prefix.is_relative_to(top) and path.is_relative_to(prefix)
    return within or bool({"site-packages", "dist-packages"} & set(path.parts))
