"""Somebody's text as an output may hold it: shown, and obeyed by no terminal, CI server or page.

Names, paths, reasons, stores and baselines are text that anybody can fill. Whatever writes one out
calls the function of its format here. What cannot be seen reads as Python escapes it: `\\x1b`,
`\\u202e`, `\\n`.
"""

from __future__ import annotations

import re
from typing import Any

# What CI servers run (GitHub Actions, Azure Pipelines, TeamCity): `::` where a line starts, and
# `##[`, `##vso[`, `##teamcity[` within.
_STARTS = re.compile(r"(?:^|(?<=\s)):(?=:)")
_WITHIN = re.compile(r"#(?=#\w*\[)")
_LINE_STARTS = re.compile(r"^((?:[^\S\n]|\x1b\[[\d;]*m)*):(?=:)", re.MULTILINE)
_FORMULA = re.compile(r"\s*[=+\-@]")
_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=\bwww)\.")
_BLOCK = re.compile(r"[-+=#]|\d+[.)]")
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def line(text: str) -> str:
    """One line of plain text."""
    if not text.isprintable():
        text = "".join(map(_seen, text))
    if "::" in text:
        text = _STARTS.sub(r"\\x3a", text)
    return _WITHIN.sub(r"\\x23", text) if "##" in text else text


def message(text: str) -> str:
    """One line of somebody's sentence: its own line breaks are spaces."""
    return line(" ".join(text.split()))


def lines(text: str) -> str:
    """Lines of plain text that were laid out: a name that was folded may begin one."""
    return _LINE_STARTS.sub(r"\1\\x3a", text) if "::" in text else text


def cell(text: str) -> str:
    """A cell of CSV, which is no formula to a spreadsheet (OWASP, CSV injection)."""
    return f"'{line(text)}" if _FORMULA.match(text) else line(text)


def markdown(text: str) -> str:
    """A part of a line of Markdown, in which nothing is markup, HTML or the address of a page."""
    return _MARKDOWN.sub(r"\\\g<0>", line(text)).translate(_HTML)


def paragraph(text: str) -> str:
    """A whole line of Markdown, which is no heading, no list and no code either."""
    text = text.strip()
    start = "&#8203;" if _BLOCK.match(text) else ""  # a space without width
    return start + markdown(text)


def json(text: str) -> str:
    """The same JSON document, with escapes for what cannot be seen; the values stay exact."""
    if not text.isascii() or "\x7f" in text:
        text = "".join(
            letter if letter.isprintable() or letter == "\n" else _unicode(letter)
            for letter in text
        )
    return _WITHIN.sub(r"\\u0023", text) if "##" in text else text


_OF_OBJECTS = frozenset(
    "constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf "
    "__proto__ __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__".split()
)


def chart(value: Any) -> Any:
    """The same lists and dictionaries, in which every text is a line of plain text; keys are ours.

    A backslash is a sign that looks like it, since Vega-Lite writes titles into expressions as they
    are. So an expression of ours has none. Vega finds what belongs to a name in an object: a name
    that every object of JavaScript has ends in a space.
    """
    if isinstance(value, str):
        shown = line(value).replace("\\", "\N{SET MINUS}")
        return f"{shown} " if shown in _OF_OBJECTS else shown
    if isinstance(value, dict):
        return {key: chart(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [chart(item) for item in value]
    return value


def _seen(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


def _unicode(letter: str) -> str:
    """JSON's escape: two of them above the first 65,536 letters."""
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
