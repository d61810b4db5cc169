"""SAY: parse, call, print. One file per command; errors become one line and an exit code here."""

from __future__ import annotations

import _thread
import io
import math
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from time import monotonic
from typing import NoReturn

from cnnbench import harmless
from cnnbench.cli.completion import joined_bash_words
from cnnbench.cli.process import INTERRUPTED, attend, complain, end, open_streams
from cnnbench.cli.startup import imports, interrupted
from cnnbench.errors import CnnbenchError
from cnnbench.models.nesting import room

_AGAIN_S = 0.3  # within which a second signal is the first one, handed on


def main() -> NoReturn:
    """Run the command line and end the process with its code."""
    open_streams()
    if sys.stdout is None:
        end(complain("standard output is closed; leave it open", 2))
    attend(sys.argv[1:])
    _heed_interrupts()
    try:
        code = _command()
    except SystemExit as error:  # the shell's completion
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        if interrupted.is_set() or isinstance(error, KeyboardInterrupt):
            code = complain("interrupted", INTERRUPTED)
        else:
            code = _told("".join(traceback.format_exception(error)))
    end(code)


def _command() -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a pipe that cannot write a tree's branches
    with imports():
        import cnnbench.cli.app  # noqa: F401
    with joined_bash_words():
        return run(sys.argv[1:])


def _told(trace: str) -> int:
    """Print a traceback, of which a name can be a part; a bug is no violation."""
    for line in trace.splitlines():
        print(harmless.line(line), file=sys.stderr)
    return 2


def _heed_interrupts() -> None:
    """Let no Ctrl-C be lost: numpy's import makes another error of it, a destructor nothing."""
    first = -math.inf

    def interrupt(*_: object) -> None:
        nonlocal first
        if (now := monotonic()) - first < _AGAIN_S:
            return  # the terminal's, and the same handed on by who waits for us
        first = now
        interrupted.set()
        raise KeyboardInterrupt

    def again(lost: sys.UnraisableHookArgs) -> None:
        nonlocal first
        if isinstance(lost.exc_value, KeyboardInterrupt):
            first = -math.inf
            _thread.interrupt_main()
        else:
            sys.__unraisablehook__(lost)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, interrupt)
        for name in ("SIGTERM", "SIGHUP"):  # what a CI's cancel and a closed terminal send
            number = getattr(signal, name, None)  # which nohup ignores, and Windows has not
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, interrupt)
        sys.unraisablehook = again


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
        if "--debug" in arguments:
            _told("".join(traceback.format_exception(error)))
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
