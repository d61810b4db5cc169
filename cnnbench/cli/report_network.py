"""`cnnbench report MODEL`: everything about one network."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cnnbench import units
from cnnbench.cli.frame import Written, require_pictures, their_code
from cnnbench.cli.progress import bar
from cnnbench.cli.startup import heavy_imports
from cnnbench.cli.times import Counted, Times
from cnnbench.errors import CnnbenchError, SomeFailed
from cnnbench.models.given import Inputs
from cnnbench.models.inputs import Dtype
from cnnbench.models.spec import AnySpec
from cnnbench.reports.charts import style
from cnnbench.reports.formats.emit import say

if TYPE_CHECKING:
    from cnnbench.reports.network.subject import Subject


def report_network(
    spec: AnySpec,
    given: Inputs | None,
    batch: int,
    dtype: Dtype | None,
    times: Times,
    written: Written,
    figures: Path | None,
    *,
    measure: bool,
) -> None:
    """Count a network, time it where asked, and hand all of it out, its charts into `figures`.

    SomeFailed where a back end could not run it, after that.
    """
    profile = times.begin_with([spec], "--time", measure=measure)
    with heavy_imports():
        from cnnbench.counting.count import import_for
        from cnnbench.reports import page
        from cnnbench.reports.network.page import report_of

        import_for([spec])
        if written.is_apart:
            require_pictures(written)
        if figures is not None:
            style.require_altair()
    subject, known = _subject(spec, given, batch, dtype), None
    if measure or profile is not None:
        known = times.known(Counted([spec], [subject.trace], given, batch, dtype), profile)
        subject = replace(
            subject, times=known.passes[0], profile=known.profile, timing=known.timing
        )
    found, shows = report_of(subject)
    found = times.told(found)
    shows = replace(shows, lead=[*filter(None, [found.alert]), *found.findings])
    with bar() as shown:
        if written.is_apart and written.output is not None:
            shown.say("drawing the page")
            shows.save(written.output)
        if figures is not None:
            page.draw(shows, figures, shown.say)
    if written.is_apart:
        charts = units.number(len(page.figures(shows)), "chart")
        layers = units.number(len(found.tables[0].rows), "layer")
        say(f"{written.output}: {layers}, {charts}")
        written.judge(found, strict=times.strict)
    else:
        written.hand_over(found, strict=times.strict)
    if known is not None and known.failed:
        raise SomeFailed(known.failed)


def _subject(spec: AnySpec, given: Inputs | None, batch: int, dtype: Dtype | None) -> Subject:
    """The network, counted: also in training, and by others, where that can be."""
    from cnnbench.counting.count import count
    from cnnbench.reports.network.subject import Subject
    from cnnbench.studies.audit.audit import installed, judge, prepare

    with their_code(), bar() as shown:
        shown.say(f"counting {spec}")
        subject = Subject(str(spec), count(spec, given, batch=batch, dtype=dtype))
        try:
            training = count(spec, given, batch=batch, dtype=dtype, train=True)
            subject = replace(subject, training=training)
        except CnnbenchError as error:  # a file has no gradients
            subject = replace(subject, training=str(error))
        if subject.trace.file:
            return subject
        accounts = []
        with suppress(CnnbenchError):  # audit says why
            done = prepare(spec, given, batch)
            for counter in installed()[0]:
                shown.say(f"asking {counter.name}")
                accounts.append(judge(counter, done))
        return replace(subject, accounts=accounts)
