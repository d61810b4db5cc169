"""SAY: parse, call, print. One file per command; errors become one line and an exit code here."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from cnnbench.cli.completion import joined_bash_words
from cnnbench.cli.interrupts import heed_interrupts, interrupted
from cnnbench.cli.process import (
    INTERRUPTED,
    attend,
    complain,
    end,
    open_streams,
    print_trace,
)
from cnnbench.cli.startup import imports
from cnnbench.errors import CnnbenchError
from cnnbench.models.nesting import room


def main() -> NoReturn:
    """Run the command line and end the process with its code."""
    open_streams()
    if sys.stdout is None:
        end(complain("standard output is closed; leave it open", 2))
    attend(sys.argv[1:])
    try:
        code = _outcome()
    except KeyboardInterrupt:  # another one, meanwhile
        code = INTERRUPTED
    end(code)


def _outcome() -> int:
    """The command's exit code, whatever it raises; a bug is no violation, which 1 would say."""
    try:
        heed_interrupts()
        return _command()
    except SystemExit as error:  # the shell's completion
        return error.code if isinstance(error.code, int) else 2 if error.code else 0
    except BaseException as error:
        if interrupted.is_set() or isinstance(error, KeyboardInterrupt):
            return complain("interrupted", INTERRUPTED)
        print_trace(error)
        return 2


def _command() -> int:
    if len(os.environ.get("COLUMNS", "")) > 4:  # more than any terminal has, or than rich can take
        del os.environ["COLUMNS"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a pipe that cannot write a tree's branches
    with imports():
        import cnnbench.cli.app  # noqa: F401
    with joined_bash_words():
        return run(sys.argv[1:])


def run(arguments: Sequence[str]) -> int:
    """Run one command line. 0 done, 1 a check found a violation, 2 it cannot be carried out."""
    import typer
    from typer.main import get_command

    from cnnbench.cli.app import app

    try:
        with room():
            code = get_command(app).main(
                list(arguments), prog_name="cnnbench", standalone_mode=False
            )
        sys.stdout.flush()
        if code == INTERRUPTED:
            return complain("interrupted", INTERRUPTED)
        return code if isinstance(code, int) else 0
    except CnnbenchError as error:
        if "--debug" in arguments and error.__cause__ is not None:
            print_trace(error)
        return [complain(line, error.exit_code) for line in error.lines][-1]
    except BrokenPipeError:  # `cnnbench … | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return complain("interrupted", INTERRUPTED)
    except OSError as error:  # stdout is a full disk
        return complain(f"cannot write: {error.strerror or error}", 2)
    except Exception as error:
        # Usage errors are typer's own class, which it does not export; the rest is a bug.
        if not hasattr(error, "format_message"):
            raise
        message = error.format_message()
        return complain(_usage(message, error), 2) if message else 2  # help has been shown


def _usage(message: str, error: Exception) -> str:
    """Typer's own message on one line, and where help is."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", None) or "cnnbench"
    message = " ".join(message.replace("Value error, ", "").split()).rstrip(".")
    return f"{message}; see '{command} --help'"
