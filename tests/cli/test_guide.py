"""The documentation in a terminal and in a pipe."""

from __future__ import annotations

import os
import re
import sys

import pexpect
import pytest

from cnnbench.reports.guide import OF_COMMAND, pages

from ..commands import SECONDS, command, python
from ..golden.play import COMMANDS


def test_the_list_names_every_page() -> None:
    shown = command("guide", COLUMNS="80").stdout
    assert max(map(len, shown.splitlines())) <= 80
    for page in pages():
        assert re.search(rf"^{page.topic} ", shown, re.MULTILINE)
        assert len(page.summary) < 200


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.topic)
def test_a_page_is_plain_in_a_pipe(page) -> None:
    shown = command("guide", page.topic).stdout
    assert shown.startswith("# ")
    assert "\x1b" not in shown and "![" not in shown and "<!--" not in shown and ".md)" not in shown


@pytest.mark.parametrize("missing", ["nosuchpager -x", "'cat"])
def test_a_pager_that_is_missing_hides_no_page(missing: str) -> None:
    assert "Exit codes" in on_a_terminal(MANPAGER=missing, PAGER="cat")


def test_a_page_is_rendered_and_paged_on_a_terminal() -> None:
    shown = on_a_terminal(PAGER="cat")
    assert "\x1b[" in shown and "# Exit codes" not in shown and "Exit codes" in shown


def on_a_terminal(**more: str) -> str:
    """What a terminal shows of a short page."""
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", **more}
    arguments = ["-m", "cnnbench", "guide", "exit-codes"]
    shown: bytes = pexpect.run(
        f"{sys.executable} {' '.join(arguments)}", env=environment, timeout=int(SECONDS)
    )
    return shown.decode()


def test_a_command_leads_to_its_page() -> None:
    assert set(OF_COMMAND) == set(COMMANDS) - {"guide"}
    assert set(OF_COMMAND.values()) <= {page.topic for page in pages()}
    assert command("guide", "fit").stdout == command("guide", "scale").stdout
    for name, topic in OF_COMMAND.items():
        assert f"cnnbench guide {topic}" in command(name, "--help").stdout


def test_an_unknown_topic_is_one_line() -> None:
    done = command("guide", "tming")
    assert done.returncode == 2
    assert "no page 'tming' (did you mean timing" in done.stderr


def test_no_torch_is_imported() -> None:
    code = "import sys; from cnnbench.cli import run; run(['guide']); print('torch' in sys.modules)"
    assert python("-c", code).stdout.endswith("False\n")
