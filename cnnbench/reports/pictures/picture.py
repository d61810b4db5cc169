"""A picture as SVG, how it looks, and how it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from cnnbench import harmless
from cnnbench.errors import OutputError
from cnnbench.files import write

_PNG_SCALE = 2
_LIGHT = {
    "text": "font:13px 'DejaVu Sans',Verdana,sans-serif;fill:#1a1a1a",
    ".small": "font-size:11px;fill:#333",
    ".title": "font-size:15px;font-weight:bold",
    ".ground": "fill:#fff",
    ".box": "fill:#fff;stroke:#595959",
    ".box.differs": "stroke:#D55E00;stroke-width:4",
    ".shade": "fill:#0072B2",
    ".shade.memory": "fill:#E69F00",
    ".shade.overhead": "fill:#009E73",
    ".wire": "fill:none;stroke:#595959;stroke-width:1.3",
    ".tip": "fill:#595959",
    ".fold": "fill:none;stroke:#595959;stroke-dasharray:5 4",
    ".front": "fill:#cfe3f1;stroke:#2b4a60",
    ".top": "fill:#e6f1f8;stroke:#2b4a60",
    ".side": "fill:#a9c9de;stroke:#2b4a60",
    ".part:focus": "outline:none",
    ".part:focus .box,.net .part:hover .box": "stroke:#D55E00;stroke-width:3",
}
_DARK = {
    "text": "fill:#f4f4f4",
    ".small": "fill:#f4f4f4",
    ".ground": "fill:#161616",
    ".box": "fill:#222;stroke:#b0b0b0",
    ".wire,.net .fold": "stroke:#b0b0b0",
    ".tip": "fill:#b0b0b0",
}


def _rules(style: dict[str, str]) -> str:
    """Rules that hold within a picture alone, though a page has other ones beside it."""
    return "".join(f".net {what}{{{how}}}" for what, how in style.items())


_STYLE = _rules(_LIGHT) + f"@media (prefers-color-scheme:dark){{{_rules(_DARK)}}}"


@dataclass(frozen=True)
class Picture:
    """An SVG, as wide and high as it is drawn; `title` says what it is of."""

    title: str
    width: float
    height: float
    content: Sequence[str]

    @property
    def svg(self) -> str:
        """The whole file, in which every name is text."""
        width, height = round(self.width), round(self.height)
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" class="net" viewBox="0 0 {width} '
                f'{height}" width="{width}" height="{height}" role="group" '
                f'aria-label="{said(self.title)}">',
                f"<title>{said(self.title)}</title>",
                f"<style>{_STYLE}</style>",
                f'<rect class="ground" width="{width}" height="{height}"/>',
                *self.content,
                "</svg>",
            ]
        )

    def save(self, path: Path) -> None:
        """Write it whole: .svg, .png, or .html to look at.

        OutputError where it is too large for points.
        """
        kind = path.suffix.lower()
        if kind == ".png":
            write(path, self._points(path))
        elif kind == ".html":
            from cnnbench.reports.assets import file, rendered

            page = rendered(
                "network.html", title=self.title, picture=self.svg, script=file("network.js")
            )
            write(path, page)
        else:
            write(path, self.svg + "\n")

    def _points(self, path: Path) -> bytes:
        import vl_convert

        try:
            return bytes(vl_convert.svg_to_png(self.svg, scale=_PNG_SCALE))
        except (ValueError, RuntimeError, MemoryError) as error:
            raise OutputError(
                f"{path} would have {_PNG_SCALE * self.height:,.0f} rows of points; give .svg, or "
                "--level stages"
            ) from error


def text(words: str, x: float, y: float, kind: str = "") -> str:
    """Words that begin at a point, on its line."""
    styled = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{styled}>{said(words)}</text>'


def said(words: str) -> str:
    """Somebody's words as text of XML."""
    return escape(harmless.line(words), quote=True)
