"""How a ratio's verdict reads: by a mark before it."""

from __future__ import annotations

from cnnbench import units
from cnnbench.timing.samples.pairing import Verdict

_MARKS = {
    Verdict.INDISTINGUISHABLE: "~ ",
    Verdict.NOT_CONVERGED: "! ",
    Verdict.FASTER_HERE: "? ",
    Verdict.SLOWER_HERE: "? ",
}


def marked(ratio: float | None, verdict: Verdict | None) -> str:
    """`~` where no difference can be told, `?` of this run alone, `!` where too little is known."""
    return "" if ratio is None else _MARKS.get(verdict or Verdict.FASTER, "") + units.ratio(ratio)
