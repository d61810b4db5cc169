"""SAY: parse, call, print. One file per command; errors become one line and an exit code here."""

from __future__ import annotations

import _thread
import gc
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence

from cnnbench import harmless
from cnnbench.cli.completion import joined_bash_words
from cnnbench.cli.startup import heavy_imports, interrupted
from cnnbench.errors import CnnbenchError
from cnnbench.models.nesting import room

INTERRUPTED = 130  # as shells have it: 128 + SIGINT


def main() -> None:
    """Run the command line and exit with its code."""
    _heed_interrupts()
    try:
        if sys.stdout is None:
            sys.exit(_complain("standard output is closed; leave it open", 2))
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a pipe that cannot write a tree's branches
        with heavy_imports():
            import cnnbench.cli.app  # noqa: F401
        with joined_bash_words():
            code = run(sys.argv[1:])
    except BaseException as error:
        if not (interrupted.is_set() or isinstance(error, KeyboardInterrupt)):
            raise
        code = _complain("interrupted", INTERRUPTED)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # there is nothing left to interrupt
    gc.freeze()  # nothing to collect in a process that ends
    sys.exit(code)


def _heed_interrupts() -> None:
    """Let no Ctrl-C be lost: numpy's import makes another error of it, a destructor nothing."""

    def interrupt(*_: object) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    def again(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, KeyboardInterrupt):
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
            return _complain("interrupted", INTERRUPTED)
        return code if isinstance(code, int) else 0
    except CnnbenchError as error:
        if "--debug" in arguments:
            traceback.print_exception(error)
        return [_complain(line, error.exit_code) for line in error.lines][-1]
    except BrokenPipeError:  # `cnnbench … | head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", INTERRUPTED)
    except OSError as error:  # stdout is a full disk
        return _complain(f"cannot write: {error.strerror or error}", 2)
    except Exception as error:
        # Usage errors are typer's own class, which it does not export; the rest is a bug.
        if not hasattr(error, "format_message"):
            raise
        message = error.format_message()
        return _complain(_usage(message, error), 2) if message else 2  # help has been shown


def _usage(message: str, error: Exception) -> str:
    """Typer's own message on one line, and where help is."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", None) or "cnnbench"
    message = " ".join(message.replace("Value error, ", "").split()).rstrip(".")
    return f"{message}; see '{command} --help'"


def _complain(message: str, code: int) -> int:
    print(f"cnnbench: {harmless.message(message)}", file=sys.stderr)
    return code
