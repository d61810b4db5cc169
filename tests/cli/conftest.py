"""What the tests of several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cnnbench.cli import run

# The command line on a machine that nothing disturbs, which this one is not while tests run, with
# small matrices, one operator of each kind and small networks.
QUICK_DEVICE = """
import cnnbench.timing.noise as noise, cnnbench.timing.operators as operators
import cnnbench.timing.disturbances as disturbances, cnnbench.timing.ceilings as ceilings
import cnnbench.cli as cli
ceilings._SECONDS, ceilings._SIDE = 0.05, {"cpu": 256}
disturbances.Watch.warnings = lambda self: []
whole, operators._SECONDS = operators.grid(), 0.0
kinds = {sample.kind: sample for sample in reversed(whole)}
operators.grid = lambda: list(kinds.values())
noise.MODEL, noise.CHECKED, noise._CHECK_S = "resnet20", ("lenet5", "resnet20"), 0.3
cli.main()
"""

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
