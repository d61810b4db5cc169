"""What the tests of several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cnnbench.cli import run

Refused = Callable[[Sequence[str], str], None]


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Refused:
    """Bad input: one clear line on stderr, exit code 2, and nothing left behind.

    In this process, for speed: what escapes `run` would be a traceback.
    """

    def check(arguments: Sequence[str], complaint: str) -> None:
        monkeypatch.chdir(tmp_path)
        assert run(arguments) == 2
        output, errors = capsys.readouterr()
        assert output == "" and not list(tmp_path.iterdir())
        assert errors.startswith("cnnbench: ") and errors.count("\n") == 1, errors
        assert complaint in errors

    return check
