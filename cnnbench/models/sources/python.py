"""Finding what a spec names: in a module, a file or a package. Importing a module runs its code."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from cnnbench.errors import MissingError, SourceError, nearest
from cnnbench.models.sources import plugins
from cnnbench.models.sources.source import Found, reported
from cnnbench.models.spec import SourceSpec

library = ""
_folders: list[str] = []  # where networks have been imported from: they stay on Python's path


def find(spec: SourceSpec) -> Found:
    """Return what `spec` names; SourceError in one line where it cannot be imported."""
    if not spec.source:
        with reported(spec, "import"):
            return Found(plugins.find(spec.name).load())
    file = spec.source.endswith(".py") or "/" in spec.source or os.sep in spec.source
    target: object = _from_file(spec) if file else _from_name(spec)
    for name in spec.name.split("."):
        if not hasattr(target, name):
            offered = [key for key, value in vars(target).items() if callable(value)]
            known = nearest(name, (key for key in offered if not key.startswith("_")))
            raise MissingError(f"{spec.source} has no {name!r}{known}")
        target = getattr(target, name)
    return Found(target)


def _from_name(spec: SourceSpec) -> ModuleType:
    """Import a module, from the working directory first, as `python -m` does."""
    top = spec.source.partition(".")[0]
    if not top:
        raise SourceError(f"{spec}: leave out the leading dot; write package.module:NAME")
    _put_first(os.getcwd())
    if top not in sys.modules and importlib.util.find_spec(top) is None:
        raise MissingError(f"there is no module {top!r} in this folder or on Python's path")
    with reported(spec, "import"):
        return importlib.import_module(spec.source)


def _from_file(spec: SourceSpec) -> ModuleType:
    """Import a file that may import its neighbours, as `python path/file.py` does."""
    try:
        path = Path(spec.source).expanduser().resolve()
    except RuntimeError as error:  # there is no user of that name
        raise MissingError(f"there is no file {spec.source}; write path/file.py:NAME") from error
    name = f"cnnbench_file_{path.stem}_{abs(hash(path))}"
    if not path.is_file():
        raise MissingError(f"there is no file {spec.source}; write path/file.py:NAME")
    _put_first(str(path.parent))  # also for a module that is known: it may import as it builds
    if name in sys.modules:
        return sys.modules[name]
    description = importlib.util.spec_from_file_location(name, path)
    if description is None or description.loader is None:
        raise SourceError(f"{spec.source} is no Python file; write path/file.py:NAME")
    module = sys.modules[name] = importlib.util.module_from_spec(description)
    try:
        with reported(spec, "import"):
            description.loader.exec_module(module)
    except SourceError as error:
        del sys.modules[name]
        if "relative import" in str(error):
            inside, folder = _in_package(path)
            raise SourceError(
                f"{error}; it is a part of a package: write {inside}:{spec.name} in {folder}"
            ) from error
        raise
    return module


def _in_package(path: Path) -> tuple[str, Path]:
    """A module's name within its package, and the folder that the package lies in."""
    names, folder = [path.stem], path.parent
    while len(names) == 1 or (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names), folder


def _put_first(folder: str) -> None:
    """Find modules in `folder` first; it stays there, since a network may import as it is built.

    A neighbour of the same name that came from another network's folder is imported anew, so that
    two versions of a project can be counted side by side.
    """
    entries = list(Path(folder).iterdir())
    here = {entry.stem for entry in entries if entry.suffix == ".py" or entry.is_dir()}
    here -= {__name__.partition(".")[0]}  # ourselves, in a checkout
    others = {Path(other) for other in _folders if other != folder}
    for name in [name for name in sys.modules if name.partition(".")[0] in here]:
        if _home(sys.modules.get(name.partition(".")[0])) in others:
            del sys.modules[name]
    if folder in _folders:
        _folders.remove(folder)
        if folder in sys.path:
            sys.path.remove(folder)
    _folders.append(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()


def _home(module: ModuleType | None) -> Path | None:
    """The folder that a top-level module or package lies in."""
    file = getattr(module, "__file__", None)
    if file is None:
        return None
    return Path(file).parent.parent if Path(file).stem == "__init__" else Path(file).parent
