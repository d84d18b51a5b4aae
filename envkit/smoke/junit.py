"""A report as JUnit XML: what CI systems read."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from envkit.smoke.result import Report, Result

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd]")  # XML 1.0, "Char"


def xml(report: Report) -> bytes:
    """Return the report; a warning is a pass that says something."""
    slower = len(report.slower)
    suite = ElementTree.Element(
        "testsuite",
        name=f"envkit smoke {_text(report.target)}",
        tests=str(len(report.results) + slower),
        failures=str(len(report.failed) + slower),
        errors="0",
        skipped=str(sum(one.outcome == "skipped" for one in report.results)),
        time=f"{report.seconds:.1f}",
    )
    properties = ElementTree.SubElement(suite, "properties")
    subject = report.subject
    for name, value in (
        ("tier", report.tier),
        ("device", subject.kind),
        ("cards", ", ".join(subject.cards)),
        ("torch", subject.torch),
        ("processor", subject.processor),
    ):
        ElementTree.SubElement(properties, "property", name=name, value=_text(value))
    for result in report.results:
        _case(suite, result, subject.kind)
    for one in report.slower:
        case = ElementTree.SubElement(
            suite, "testcase", classname="smoke.baseline", name=_text(one.id), time="0"
        )
        ElementTree.SubElement(case, "failure", message=_text(str(one)))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _case(suite: ElementTree.Element, result: Result, kind: str) -> None:
    classname = f"smoke.{kind or 'unknown'}"
    case = ElementTree.SubElement(
        suite, "testcase", classname=classname, name=_text(result.id), time=f"{result.seconds:.2f}"
    )
    if result.outcome == "failed":
        ElementTree.SubElement(case, "failure", message=_text(result.reason)).text = _text(result.words)
    elif result.outcome == "skipped":
        ElementTree.SubElement(case, "skipped", message=_text(result.reason))
    said = result.figure + (f"\nwarning: {result.reason}" if result.outcome == "warned" else "")
    if said:
        ElementTree.SubElement(case, "system-out").text = _text(said)


def _text(value: str) -> str:
    return _NOT_XML.sub("?", value)
