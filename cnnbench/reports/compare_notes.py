"""What stands around a comparison: where it was measured, what disturbed it. Needs torch."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from cnnbench import units
from cnnbench.counting.rules import convention
from cnnbench.reports.environment import software, where
from cnnbench.studies.comparison.comparison import Comparing
from cnnbench.timing.pairing import Verdict
from cnnbench.timing.setting import Setting

_MARKS = {Verdict.INDISTINGUISHABLE: "~ ", Verdict.NOT_CONVERGED: "! "}


def marked(ratio: float, verdict: Verdict | None) -> str:
    """`~` where no difference in time can be told, `!` where not enough is known."""
    return _MARKS.get(verdict or Verdict.FASTER, "") + units.ratio(ratio)


def surroundings(done: Comparing) -> dict[str, Any]:
    """The JSON's environment."""
    about: dict[str, Any] = {}
    if done.environment is not None:
        about = {**asdict(done.environment), "warnings": [asdict(w) for w in done.warnings]}
    if done.profile is not None:
        about["ceilings"] = done.profile.record()
    return {**software(), **about, "interrupted": done.interrupted}


def notes(done: Comparing, setting: Setting) -> list[str]:
    """Notes: where it was measured, and what disturbed it."""
    lines = []
    if done.environment is not None:
        lines.append(
            where(
                done.environment,
                [row.a.trace.dtype for row in done.rows],
                channels_last=setting.channels_last,
            )
        )
    elif done.profile is not None:
        lines.append(f"predicted for {done.profile.name}, nothing was measured")
    if done.profile is not None and not setting.plain:
        lines.append("predicted for eager passes in the default layout")
    if done.interrupted:
        timed = sum(row.measured is not None for row in done.rows)
        lines.append(f"interrupted: {timed} of {len(done.rows)} rows were measured")
    if any(row.verdict is Verdict.NOT_CONVERGED for row in done.rows):
        lines.append("!: not enough rounds to tell; raise --max-time")
    if any(row.verdict is Verdict.INDISTINGUISHABLE for row in done.rows):
        lines.append("~: indistinguishable, the interval holds 1")
    if done.profile is not None and (done.profile.disturbed or done.profile.operators_disturbed):
        lines.append(
            "predicted from ceilings measured while something disturbed; again on a quiet machine: "
            "cnnbench device --refresh"
        )
    told = {
        (side.name, w.text): None
        for row in done.rows
        for side in (row.a, row.b)
        for w in side.warnings
    }
    lines += [f"{name}: {text}" for name, text in told]
    lines += [f"warning: {warning.text}" for warning in done.warnings]
    return [*lines, convention.FOOTER]
