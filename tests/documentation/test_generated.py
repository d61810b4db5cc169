"""What is generated in a page is what the code makes now, and says all that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnbench.counting.rules import convention as rules
from cnnbench.counting.rules.table import RULES

from ..golden.play import COMMANDS, RECORDED, recorded
from . import convention, keys
from .generated import PARTS, parts, renewed
from .pages import PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_holds_what_is_generated(page: Path) -> None:
    text = page.read_text("utf-8")
    assert text == renewed(text), "accept with: python -m tests.documentation"


def test_every_part_stands_in_a_page() -> None:
    there = [name for page in PAGES for name in parts(page.read_text("utf-8"))]
    assert sorted(there) == sorted(PARTS)


def test_every_operator_stands_in_a_table() -> None:
    rows = (*convention.product_rows(), *convention.elementwise_rows())
    shown = {name for _, _, names in rows for name in names}
    own = {name for name in RULES if "::" not in name or name.startswith("torchvision::")}
    shown = {name for name in shown if not name.startswith("quantized::")}
    assert shown == own | rules.VIEWS  # others' packages may have added some


def test_every_key_has_a_meaning_and_every_meaning_a_key() -> None:
    known = keys.read()
    used = [
        found
        for file in sorted(RECORDED.glob("*.json"))
        if file.stem in COMMANDS
        for line in recorded(file.stem).values()
        for output in (line["stdout"], list(line["files"].values()))
        for found in known.used(file.stem, output)
    ]
    assert sorted({key for key, row in used if row is None}) == []
    there = {row for _, row in used}
    assert [f"{row.section}: {row.key}" for row in known.rows if row not in there] == []
