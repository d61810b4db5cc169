"""JUnit's XML, which CI servers read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Case:
    """One thing that was checked: failed where there is a `failure`, undecided with an `error`.

    `details` are for a person who asks why.
    """

    group: str
    name: str
    failure: str = ""
    error: str = ""
    skipped: str = ""
    details: str = ""


def as_junit(suite: str, cases: Sequence[Case]) -> str:
    """Render one test suite."""
    root = ElementTree.Element(
        "testsuite",
        name=suite,
        tests=str(len(cases)),
        failures=str(sum(bool(case.failure) for case in cases)),
        errors=str(sum(bool(case.error) for case in cases)),
        skipped=str(sum(bool(case.skipped) for case in cases)),
    )
    for case in cases:
        element = ElementTree.SubElement(
            root, "testcase", classname=_legal(case.group), name=_legal(case.name)
        )
        outcomes = {"failure": case.failure, "error": case.error, "skipped": case.skipped}
        for kind, message in outcomes.items():
            if message:
                made = ElementTree.SubElement(element, kind, message=_legal(message))
                made.text = _legal(case.details)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _legal(text: str) -> str:
    """What XML 1.0 can hold."""
    return _ILLEGAL.sub("?", text)
