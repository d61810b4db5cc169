"""All claims, and what is found of them here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench.errors import CnnbenchError, SpecError, nearest
from cnnbench.studies.papers.claims import counted, timed, trained
from cnnbench.studies.papers.claims.claim import Answer, Claim, ClaimVerdict, Need, Setup
from cnnbench.timing import backends

CLAIMS: tuple[Claim, ...] = (*counted.CLAIMS, *timed.CLAIMS, *trained.CLAIMS)


@dataclass(frozen=True)
class Finding:
    """A claim with its number; without one `failure` says why."""

    claim: Claim
    found: Answer | None
    failure: str = ""

    @property
    def verdict(self) -> ClaimVerdict | None:
        """The verdict by the claim's own band: of the interval where there is one."""
        if self.found is None:
            return None
        return self.claim.band.verdict(*(self.found.interval or (self.found.value,)))


@dataclass(frozen=True)
class Findings:
    """All of them; where Ctrl-C ended it, those so far."""

    rows: list[Finding]
    interrupted: bool = False


def chosen(names: Sequence[str], *, static: bool) -> list[Claim]:
    """The claims of these names, or all that can be found here; with `static` those counted.

    SpecError for a name of none, and one that is not counted where only those are wanted.
    """
    known = {claim.name: claim for claim in CLAIMS}
    for name in names:
        if name not in known:
            raise SpecError(
                f"no claim is called {name!r}{nearest(name, known)}; 'cnnbench claims --static' "
                "shows their names"
            )
        if static and known[name].need is not Need.COUNTING:
            raise SpecError(f"{name} takes {known[name].need}; leave --static out")
    wanted = [known[name] for name in dict.fromkeys(names)]
    wanted = wanted or [one for one in CLAIMS if not one.backend or backends.is_here(one.backend)]
    return [claim for claim in wanted if not static or claim.need is Need.COUNTING]


def findings(claims: Iterable[Claim], setup: Setup) -> Findings:
    """Find each number, or why it cannot be found. Ctrl-C ends it with those so far."""
    rows: list[Finding] = []
    try:
        for claim in claims:
            setup.progress.say(claim.text)
            try:
                rows.append(Finding(claim, claim.find(setup)))
            except CnnbenchError as error:
                rows.append(Finding(claim, None, str(error)))
    except KeyboardInterrupt:
        if not rows:
            raise
        return Findings(rows, interrupted=True)
    return Findings(rows)


def record(finding: Finding) -> dict[str, Any]:
    """One claim, promised and found."""
    claim, found, band = finding.claim, finding.found, finding.claim.band
    low, high = _ends(*((found.interval if found else None) or (math.inf, math.inf)))
    return {
        "name": claim.name,
        "claim": claim.text,
        "source": claim.source,
        "needs": str(claim.need),
        "promised": claim.promised,
        "found": found.value if found else None,
        "ci_low": low,
        "ci_high": high,
        "shown": claim.show(found.value) if found else None,
        "verdict": str(finding.verdict) if finding.verdict else None,
        "confirms": _ends(band.low, band.high),
        "qualifies": _ends(band.wide_low, band.wide_high),
        "threshold": claim.threshold,
        "detail": found.detail if found else "",
        "failure": finding.failure,
    }


def _ends(low: float, high: float) -> list[float | None]:
    """Infinite ends are None."""
    return [None if math.isinf(end) else end for end in (low, high)]
