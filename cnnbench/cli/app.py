"""The command group: what `cnnbench --help` shows, in panels named after the rooms."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Annotated

import typer

from cnnbench.cli import (
    audit,
    baseline,
    check,
    choose,
    claims,
    compare,
    device,
    export,
    fit,
    flops,
    gradients,
    guide,
    listing,
    merge,
    predict,
    published,
    report,
    scale,
    show,
    sweep,
    time,
    why,
)
from cnnbench.reports.guide import OF_COMMAND
from cnnbench.version import __version__

BUILD = "Build: what there is to measure"
COUNT = "Count: exact static cost"
TIME = "Time: measured cost"
ASK = "Ask: why, and what if"
SWEEP = "Sweep: many configurations"
GUARD = "Guard: keep costs from creeping up"
READ = "Read: how all this works"

app = typer.Typer(
    name="cnnbench",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"cnnbench {__version__}, torch {version('torch')}")
        raise typer.Exit


@app.callback()
def cnnbench(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Print the versions of cnnbench and torch.",
        ),
    ] = False,
) -> None:
    """What does this convolutional network cost, and why is the cheaper one not as much faster?

    A MODEL is a spec: [cyan]resnet50[/], [cyan]mobilenet_v1@width_mult=0.5,resolution=160[/].
    'cnnbench list' shows every model and its options. Your own network is
    [cyan]package.module:NAME[/] or [cyan]path/file.py:NAME[/], where NAME is a function, a class or
    a network; [cyan]timm:NAME[/] and [cyan]torchvision:NAME[/] are theirs. 'cnnbench guide' is the
    documentation.
    """


def _filled(text: str) -> str:
    """Paragraphs of one line each, which the terminal breaks where it is full."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


_PANELS: dict[str, dict[str, Callable[..., None]]] = {
    BUILD: {"list": listing.list_models, "show": show.show, "export": export.export},
    COUNT: {"flops": flops.flops, "audit": audit.audit},
    TIME: {"time": time.time, "device": device.device},
    ASK: {
        "compare": compare.compare,
        "why": why.why,
        "predict": predict.predict,
        "scale": scale.scale,
        "fit": fit.fit,
        "choose": choose.choose,
        "gradients": gradients.gradients,
        "published": published.published,
        "claims": claims.claims,
    },
    SWEEP: {"sweep": sweep.sweep, "merge": merge.merge, "report": report.report},
    GUARD: {"baseline": baseline.baseline, "check": check.check},
    READ: {"guide": guide.guide},
}
for panel, commands in _PANELS.items():
    for name, called in commands.items():
        topic = OF_COMMAND.get(name)
        epilog = f"More: cnnbench guide {topic}" if topic else None
        help_ = _filled(called.__doc__ or "")
        app.command(name, help=help_, rich_help_panel=panel, epilog=epilog)(called)
