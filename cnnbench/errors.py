"""Everything that can go wrong for a reason a person can mend: one line of text, one exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from cnnbench.harmless import line

_LONGEST = 400  # characters of somebody else's error


class CnnbenchError(Exception):
    """A request that cannot be carried out; its text says what is wrong and what to type."""

    exit_code = 2

    @property
    def lines(self) -> list[str]:
        """What stands on stderr, a line each."""
        return [str(self)]


class SpecError(CnnbenchError):
    """A model spec that names no model, or an option the model does not take."""


class RuleError(CnnbenchError):
    """A rule of an operator that cannot be added."""


class SourceError(CnnbenchError):
    """Somebody else's network that cannot be found, imported or built."""


class MissingError(SourceError):
    """Somebody else's network that is not there: no such module, file or name in it."""


class ShapeError(CnnbenchError):
    """A shape, batch or dtype that cannot be read."""


class InputError(CnnbenchError):
    """An input that the network cannot take."""


class NoInputError(InputError):
    """A network that needs an input, and does not say which."""


class SettingError(CnnbenchError):
    """A way to run a network that there is not, such as a back end."""


class DeviceError(CnnbenchError):
    """A device that is not there, or cannot do what is asked of it."""


class MemoryShortage(CnnbenchError):
    """A pass that needs more memory than the device has."""


class ConfigError(CnnbenchError):
    """A configuration of the guard, or a plan of a sweep, that cannot be read."""


class BaselineError(CnnbenchError):
    """A baseline that is not there, or cannot be read or trusted."""


class RevisionError(CnnbenchError):
    """A revision that git does not know, or whose code cannot be had."""


class BudgetError(CnnbenchError):
    """A budget that cannot be read, or that nothing fits."""


class StoreError(CnnbenchError):
    """A store of a sweep's results that cannot be read, or that another sweep is writing."""


class SlurmError(CnnbenchError):
    """A job that Slurm does not take, or a cluster that is not there."""


class OutputError(CnnbenchError):
    """A file that cannot be written."""


class SomeFailed(CnnbenchError):
    """Several requests of which some could not be carried out, a line each; the others were."""

    def __init__(self, lines: list[str], exit_code: int = 1) -> None:
        """`lines` say why not; where none could be carried out, the exit code is 2."""
        super().__init__("; ".join(lines))
        self._lines = lines
        self.exit_code = exit_code

    @property
    def lines(self) -> list[str]:
        """Why not, each."""
        return self._lines


def reason_of(error: BaseException) -> str:
    """The first line of somebody else's error, fit for one line of ours."""
    lines = text_of(error).strip().splitlines()
    text = line(lines[0]).rstrip(".") if lines else "it says no more"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def text_of(error: BaseException) -> str:
    """An error's text, which may be somebody else's code, too; empty where that fails."""
    try:
        return str(error)
    except (Exception, SystemExit, GeneratorExit):
        return ""


def nearest(word: str, names: Iterable[str], limit: int = 3) -> str:
    """Return the names a person may have meant by `word`, as ` (did you mean a, b?)` or nothing."""
    written: dict[str, str] = {}
    for name in names:
        written.setdefault(name.lower(), name)
    close = difflib.get_close_matches(word.lower(), written, n=limit, cutoff=0.5)
    matches = [written[name] for name in close]
    return f" (did you mean {', '.join(matches)}?)" if matches else ""
