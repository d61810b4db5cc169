"""The command group: what `cnnbench --help` shows, in panels named after the rooms."""

from __future__ import annotations

from typing import Annotated

import typer

from cnnbench.cli import (
    audit,
    baseline,
    check,
    claims,
    compare,
    device,
    fit,
    flops,
    gradients,
    listing,
    merge,
    predict,
    published,
    report,
    scale,
    show,
    sweep,
    time,
)
from cnnbench.version import __version__

BUILD = "Build: what there is to measure"
COUNT = "Count: exact static cost"
TIME = "Time: measured cost"
ASK = "Ask: why, and what if"
SWEEP = "Sweep: many configurations"
GUARD = "Guard: keep costs from creeping up"

app = typer.Typer(
    name="cnnbench",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cnnbench {__version__}")
        raise typer.Exit


@app.callback()
def cnnbench(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """What does this convolutional network cost, and why is the cheaper one not as much faster?

    A MODEL is a spec: [cyan]resnet50[/], [cyan]mobilenet_v1@width_mult=0.5,resolution=160[/].
    'cnnbench list' shows every model and its options. Your own network is
    [cyan]package.module:NAME[/] or [cyan]path/file.py:NAME[/], where NAME is a function, a class or
    a network; [cyan]timm:NAME[/] and [cyan]torchvision:NAME[/] are theirs.
    """


app.command("list", rich_help_panel=BUILD)(listing.list_models)
app.command("show", rich_help_panel=BUILD)(show.show)
app.command("flops", rich_help_panel=COUNT)(flops.flops)
app.command("audit", rich_help_panel=COUNT)(audit.audit)
app.command("time", rich_help_panel=TIME)(time.time)
app.command("device", rich_help_panel=TIME)(device.device)
app.command("compare", rich_help_panel=ASK)(compare.compare)
app.command("predict", rich_help_panel=ASK)(predict.predict)
app.command("scale", rich_help_panel=ASK)(scale.scale)
app.command("fit", rich_help_panel=ASK)(fit.fit)
app.command("gradients", rich_help_panel=ASK)(gradients.gradients)
app.command("published", rich_help_panel=ASK)(published.published)
app.command("claims", rich_help_panel=ASK)(claims.claims)
app.command("sweep", rich_help_panel=SWEEP)(sweep.sweep)
app.command("merge", rich_help_panel=SWEEP)(merge.merge)
app.command("report", rich_help_panel=SWEEP)(report.report)
app.command("baseline", rich_help_panel=GUARD)(baseline.baseline)
app.command("check", rich_help_panel=GUARD)(check.check)
