"""How charts look and are written: one definition gives SVG, PNG and a page that works offline.

Whoever draws imports the other files of this folder then: they need altair, the extra `report`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnbench import harmless
from cnnbench.errors import OutputError
from cnnbench.files import write

if TYPE_CHECKING:
    import altair as alt

Records = Sequence[dict[str, Any]]
Width = int | str  # pixels, or "container": that of the page

SUFFIXES = (".svg", ".png", ".html")
# Okabe & Ito 2008: told apart by colour-blind readers too.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
GREY, LIGHT = "#595959", "#e4e4e4"
SIDES = [ORANGE, BLUE, GREEN, PINK, "#56B4E9", "#D55E00", "#F0E442", "#000000"]
_PNG_SCALE = 2
_LINES = 7  # of a logarithmic axis, at most
NARROW, PHONE = 640, 260  # pixels for which names are placed: of a page, and of a phone's
# Fonts of the same widths, so that what is laid out here fits on another machine, too.
_FONT = "DejaVu Sans, Verdana, sans-serif"


def require_altair() -> None:
    """OutputError where what draws is not installed."""
    try:
        import altair
        import vl_convert
    except ImportError as error:
        raise OutputError("a picture needs altair; type: pip install 'cnnbench[report]'") from error
    assert altair
    assert vl_convert


class Drawing:
    """A chart as all charts look, in which no name is more than a text."""

    def __init__(self, chart: Any) -> None:
        """Nothing is drawn yet."""
        self._chart: alt.TopLevelMixin = (
            chart.configure(font=_FONT, background="white")
            .configure_view(stroke=None)
            .configure_axis(
                labelFontSize=11,
                titleFontSize=12,
                titleFontWeight="normal",
                gridColor=LIGHT,
                domainColor=GREY,
                tickColor=GREY,
            )
            .configure_header(labelFontSize=12, labelFontWeight="bold")
            .configure_legend(labelFontSize=11, titleFontSize=12, titleFontWeight="normal")
            .configure_title(fontSize=14, anchor="start", fontWeight="bold", subtitleFontSize=11)
        )

    def to_dict(self, **how: Any) -> dict[str, Any]:
        """Its Vega-Lite JSON."""
        found: dict[str, Any] = harmless.chart(self._chart.to_dict(**how))
        return found

    def svg(self) -> str:
        """As a part of a page: names are text in it."""
        return str(self._drawn("svg", {}))

    def save(self, path: Path) -> None:
        """Write it whole: .svg, .png, or .html with all that it needs inside."""
        kind = path.suffix.lower().removeprefix(".")
        how: dict[str, Any] = {"scale_factor": _PNG_SCALE}
        if kind == "html":
            how = {"template": "inline", "embed_options": {"renderer": "svg"}}
        content = self._drawn(kind, how)
        write(path, _in_a_script(content) if kind == "html" else content)

    def _drawn(self, kind: str, how: dict[str, Any]) -> Any:
        from altair.utils.mimebundle import spec_to_mimebundle

        draw: Any = spec_to_mimebundle
        made = draw(self.to_dict(), format=kind, **_versions(), **how)
        (content,) = (made[0] if kind == "png" else made).values()
        return content


def _versions() -> dict[str, Any]:
    """What altair draws with."""
    import altair as alt

    return {
        "mode": "vega-lite",
        "vega_version": alt.VEGA_VERSION,
        "vegaembed_version": alt.VEGAEMBED_VERSION,
        "vegalite_version": alt.VEGALITE_VERSION,
    }


def _in_a_script(page: str) -> str:
    """The page, where no name can end the script that it stands in."""
    head, mark, rest = page.partition("const spec = ")
    spec, end, tail = rest.partition("\n")
    spec = harmless.json(spec).replace("<", "\\u003c")
    return "".join((head, mark, spec, end, tail))


def ticks(low: float, high: float) -> list[float]:
    """Powers of ten, every second or third where they are many; of a short axis round steps."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    powers = [10.0**power for power in range(first, last + 1)]
    if len(powers) > 1:
        return powers[:: math.ceil(len(powers) / _LINES)]
    steps = [part * 10.0**power for power in range(first - 1, last + 2) for part in (1, 2, 5)]
    steps = [step for step in steps if low <= step <= high]
    return steps if len(steps) > 1 else _even(low, high)


def _even(low: float, high: float) -> list[float]:
    """Multiples of the largest round step of which the axis has two."""
    step = 10.0 ** math.ceil(math.log10(high - low))
    while True:
        for part in (1, 2, 5):
            every = step / part
            first = math.ceil(low / every)
            if (first + 1) * every <= high:
                return [every * n for n in range(first, math.floor(high / every) + 1)]
        step /= 10


def bounds(values: Sequence[float]) -> tuple[float, float]:
    """The ends of a logarithmic axis around values."""
    return min(values) / 1.6, max(values) * 1.6
