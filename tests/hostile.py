"""Text meant to do harm, the networks and files that carry it, and what no output may do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from markdown_it import MarkdownIt

from .sweeps import made

TEXTS = (
    "::stop-commands::tok",
    "  ::error::indented",
    "line\n::add-mask::a",
    "return\r::error::a",
    "\x1b[31mred\x1b[0m",
    "\x9b2J",
    "\x1b]0;title\x07",
    "\u202etxt.exe\u2066",
    "zero\u200bwidth\u2028line",
    "##[error]old",
    "a ##vso[task complete]",
    '=HYPERLINK("http://x")',
    "+1-1",
    "@SUM(A1)",
    "\t=1",
    "<img src=x onerror=document;title='owned'>",
    "</script><script>document;title='owned'</script>",
    "|a|*b*|[c](d)|`e`|__f__|https://g|www;h|~~i~~|$j$|&lt;",
    "# heading",
    "[bold]rich[/bold] [/red]",
    "long" * 9 + "::warning::folded",
    "\udc80",
)
_PIECES = st.sampled_from([*TEXTS, "::", "##[", "\x1b", "\u202e", "\n", "=", "<b>", "|", " "])
texts = st.lists(_PIECES | st.text(max_size=8), max_size=4).map("".join)

NETWORK = f'''
from torch import nn

WIDTH = 3
NAMES = {[name.replace(".", ";") for name in TEXTS]!r}


class Hostile(nn.Sequential):
    """Layers of every name, which raise a text where they are asked to."""

    def __init__(self, raises: int = -1, printable: bool = False) -> None:
        super().__init__()
        self.raises = raises
        for name in NAMES:
            if name.isprintable() or not printable:
                self.add_module(name, nn.Conv2d(3, WIDTH, 1))
                self.add_module(name + "b", nn.Conv2d(WIDTH, 3, 1))
        for layer in (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)):
            self.add_module("::" + type(layer).__name__, layer)

    def forward(self, x):
        if self.raises >= 0:
            raise ValueError(NAMES[self.raises])
        return super().forward(x)
'''
FILE = "=<b>|*.py"  # what a spec takes of hostile names: no colon, and all of it printable
MODEL = f"{FILE}:Hostile"
DEVICE = "device\x1b[31m\u202e<b>\n::error::x.toml"
CONFIG = f"""
baseline = "costs.json"
[[model]]
name = "{MODEL}@printable=true"
input = "3x8x8"
"""
FOLDER = "[bold]run\x1b[31m\u202e<b>\n::error::x\\n\"+1+'"


def project(folder: Path, texts: Sequence[str] = TEXTS) -> None:
    """A folder of a network, a device, a configuration and two stores, all of them hostile."""
    (folder / FILE).write_text(NETWORK)
    (folder / DEVICE).write_text(
        'name = "\\u001b[31mred\\n::error::x\\u202e"\n'
        "flops_per_s = { float32 = 1e11 }\nbytes_per_s = 1e10\ncall_s = 1e-5\n"
    )
    (folder / "cnnbench.toml").write_text(CONFIG)
    for name in (FOLDER, f"{FOLDER}2"):
        made.store(folder / name, records(texts))


def records(texts: Sequence[str]) -> list[made.Record]:
    """A store's records with a hostile text wherever one can be."""
    found = [made.record("lenet5"), made.record("resnet18", 2 * 10**9, 0.03)]
    for number, text in enumerate(texts):
        text = text.encode("utf-8", "replace").decode()
        model = "".join(filter(str.isprintable, text)).strip().replace("@", "")
        device = TEXTS[4 if number % 2 else 15]
        one = made.record(f"nets.py:{model}", 10**9 + number, 0.01 + 0.001 * number, device=device)
        one["cost"]["uncounted"] = {text: 1}
        one["prediction"]["bound"] = text
        one["environment"] |= {"platform": text, "torch": text, "driver": text}
        one["environment"]["warnings"] = [{"name": text, "text": text}]
        one["latency"]["warnings"] = [{"name": f"{text}2", "text": text}]
        found += [one, made.failed(f"nets.py:{model}_failed", text)]
    return found


_COMMAND = re.compile(r"^(?:\s|\x1b\[[\d;]*m)*::", re.MULTILINE)
_OURS = re.compile(r"^::(error|warning|notice) title=[^:]*::.*\n", re.MULTILINE)
_WITHIN = re.compile(r"##\w*\[")


def check(text: str) -> None:
    """No letter that cannot be seen, and nothing that a CI server would run."""
    unseen = {letter for letter in text if not (letter.isprintable() or letter == "\n")}
    assert not unseen, ascii(unseen)
    assert not _COMMAND.search(_OURS.sub("", text)), text
    assert not _WITHIN.search(text), text


_MARKUP = re.compile("html|link|image|em|strong|code|fence|list|quote|hr|^s_")


def check_markdown(text: str) -> None:
    """Tables, headings and paragraphs, and no other markup: what a name holds is text."""
    reader = MarkdownIt("gfm-like", {"linkify": False}).enable("table")
    for token in reader.parse(text):
        for one in (token, *(token.children or ())):
            assert not _MARKUP.search(one.type), (one, token.content)


def check_csv(rows: list[dict[str, Any]]) -> None:
    """Cells of which none is a formula: a number may be negative."""
    for row in rows:
        for cell in row.values():
            assert not re.match(r"\s*[=+@]|\s*-(?![\d.])", cell), cell
