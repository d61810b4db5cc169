"""Somebody's text in every format: it is shown, and commands nothing."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from cnnbench import harmless
from cnnbench.reports.formats import csv as as_csv
from cnnbench.reports.formats import json as as_json
from cnnbench.reports.formats import markdown, terminal
from cnnbench.reports.formats.github import Annotation, Level, commands
from cnnbench.reports.formats.junit import Case, as_junit
from cnnbench.reports.report import Column, Report, Table

from .. import hostile

rows = st.lists(st.fixed_dictionaries({"a": hostile.texts, "b": hostile.texts}), min_size=1)


def report(records: list[dict[str, str]], text: str) -> Report:
    columns = (Column("a", "layer", left=True), Column("b", "operator", left=True, under=True))
    tables = [Table(columns, records, text)]
    return Report("flops", list(records), tables, [text, "note"], {"a": text}, findings=[text])


@given(rows, hostile.texts, st.integers(20, 120))
def test_a_terminal_shows_it_and_obeys_nothing(
    records: list[dict[str, str]], text: str, width: int
) -> None:
    hostile.check(terminal.plain(report(records, text), width))


@given(rows, hostile.texts)
def test_markdown_holds_it_as_text(records: list[dict[str, str]], text: str) -> None:
    shown = markdown.text(report(records, text))
    hostile.check(shown)
    hostile.check_markdown(shown)


@given(rows)
def test_a_spreadsheet_finds_no_formula(records: list[dict[str, str]]) -> None:
    shown = as_csv.text(report(records, ""))
    hostile.check(shown)
    found = list(csv.DictReader(io.StringIO(shown)))
    assert len(found) == len(records)
    hostile.check_csv(found)


@given(rows, hostile.texts)
def test_json_is_exact(records: list[dict[str, str]], text: str) -> None:
    shown = as_json.text(report(records, text))
    hostile.check(shown)
    shown.encode("utf-8")
    found = json.loads(shown)
    assert found["results"] == records and found["environment"] == {"a": text}


@given(hostile.texts, hostile.texts)
def test_ci_servers_read_what_is_ours_alone(name: str, text: str) -> None:
    shown = commands([Annotation(Level.ERROR, name, (text, name))])
    hostile.check(shown)
    assert shown.count("\n") == 1 and shown.startswith("::error title=")
    case = Case(name, text, failure=f"x{text}", details=(text, name))
    shown = as_junit("cnnbench", [case])
    hostile.check(shown)
    ElementTree.fromstring(shown)


@given(hostile.texts)
def test_what_can_be_seen_stays_as_it_is(text: str) -> None:
    assert harmless.line("".join(filter(str.isalnum, text))).isprintable()
    plain = "".join(letter for letter in text if letter.isprintable() and letter not in ":#")
    assert harmless.line(plain) == plain


def test_a_chart_has_no_name_that_every_object_has() -> None:
    names = ["constructor", "__proto__", "toString", "conv"]
    assert harmless.chart(names) == ["constructor ", "__proto__ ", "toString ", "conv"]
