"""JUnit's XML, which CI servers read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from cnnbench.harmless import line


@dataclass(frozen=True)
class Case:
    """One thing that was checked: failed where there is a `failure`, undecided with an `error`.

    `details` are lines for a person who asks why.
    """

    group: str
    name: str
    failure: str = ""
    error: str = ""
    skipped: str = ""
    details: tuple[str, ...] = ()


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
            root, "testcase", classname=line(case.group), name=line(case.name)
        )
        outcomes = {"failure": case.failure, "error": case.error, "skipped": case.skipped}
        for kind, message in outcomes.items():
            if message:
                made = ElementTree.SubElement(element, kind, message=line(message))
                made.text = "\n".join(map(line, case.details))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
