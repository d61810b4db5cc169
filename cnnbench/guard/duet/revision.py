"""A revision's files in a folder of their own, which git never hears of.

The files are written through an index of our own, so that the clone's index, its list of worktrees
and its hooks are not touched, and nothing can be left in it whatever happens.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cnnbench.errors import RevisionError, reason_of


@dataclass(frozen=True)
class Revision:
    """A commit to compare with: what was asked for, and the commit where this branch left it."""

    asked: str
    commit: str

    def __str__(self) -> str:
        """The name a person knows: origin/main (1a2b3c4d)."""
        return f"{self.asked} ({self.commit[:8]})"


def top(folder: Path) -> Path:
    """The top folder of the clone; RevisionError where there is none."""
    return Path(_git(folder, "rev-parse", "--show-toplevel")).resolve()


def resolve(folder: Path, asked: str) -> Revision:
    """The commit at which HEAD left `asked`, or its own where they share none.

    RevisionError where git does not know it, or a shallow clone hides where they parted.
    """
    if not asked.isprintable():
        raise RevisionError(f"{asked!r} is no revision; name one such as origin/main")
    try:
        commit = _git(
            folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{asked}^{{commit}}"
        )
    except _GitFailed as error:
        raise RevisionError(
            f"git knows no revision {asked!r} here; fetch it, or name one of 'git branch --all'"
        ) from error
    try:
        return Revision(asked, _git(folder, "merge-base", "HEAD", commit).splitlines()[0])
    except _GitFailed as error:
        if _git(folder, "rev-parse", "--is-shallow-repository") == "true":
            raise RevisionError(
                f"this clone is too shallow to know where it left {asked}; type "
                "'git fetch --unshallow', or give actions/checkout 'fetch-depth: 0'"
            ) from error
    return Revision(asked, commit)


@contextmanager
def files_of(folder: Path, revision: Revision) -> Iterator[Path]:
    """A temporary folder with all files of the revision, removed afterwards.

    A process that is killed leaves it to the worker that runs in it, which then removes it; only
    one that is killed while it has no worker cannot.
    """
    made = Path(tempfile.mkdtemp(prefix="cnnbench-base-")).resolve()
    try:
        files = made / "files"
        files.mkdir()
        index = {"GIT_INDEX_FILE": str(made / "index")}
        _git(folder, "read-tree", "--no-sparse-checkout", revision.commit, **index)
        _git(folder, "checkout-index", "--all", f"--prefix={files}/", **index)
        yield files
    finally:
        with _undisturbed():
            shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no further Ctrl-C in; elsewhere than in the main thread there is none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class _GitFailed(RevisionError):
    """A git command that ended with an error."""


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    """What git prints, run from `folder` whatever a hook has put into the environment."""
    kept = {key: value for key, value in os.environ.items() if key not in _LOCAL}
    try:
        done = subprocess.run(
            ["git", *_QUIET, *arguments],
            cwd=folder,
            env={**kept, "LC_ALL": "C", **environment},
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        what = "cannot run git" if shutil.which("git") else "--against needs git"
        raise RevisionError(f"{what}: {error.strerror or error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it says no more"]
        raise _GitFailed(f"git {arguments[0]}: {reason_of(RevisionError(lines[-1]))}")
    return done.stdout.removesuffix("\n")


# A clone's own code that git would run.
_QUIET = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
# What `git rev-parse --local-env-vars` lists: of a hook's repository, not of the folder's.
_LOCAL = frozenset(
    "GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT "
    "GIT_OBJECT_DIRECTORY GIT_DIR GIT_WORK_TREE GIT_IMPLICIT_WORK_TREE GIT_GRAFT_FILE "
    "GIT_INDEX_FILE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE GIT_PREFIX GIT_SHALLOW_FILE "
    "GIT_COMMON_DIR".split()
)
