"""A report as CI systems read it."""

from __future__ import annotations

from xml.etree import ElementTree

from envkit.smoke.junit import xml
from envkit.smoke.result import Result, Slower
from tests.smoke_reports import a_report, a_speed


def test_each_outcome_is_told_as_junit_knows_it() -> None:
    report = a_report(
        a_speed(500),
        Result(id="training", outcome="failed", figure="", reason="it <rises>", words="last\x1b words"),
        Result(id="compile", outcome="skipped", figure="", reason="no Triton"),
        Result(id="loader", outcome="warned", figure="1 GB/s", reason="small"),
        slower=(Slower(id="matmul speed", what="TFLOPS", now=5, before=10, allowed=0.1),),
    )
    root = ElementTree.fromstring(xml(report))
    suite = root[0]
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "2", "errors": "0", "skipped": "1"}
    cases = {(case.get("classname"), case.get("name")): case for case in suite.iter("testcase")}
    failure = cases["smoke.cuda", "training"].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("it <rises>", "last? words")
    assert cases["smoke.cuda", "compile"].find("skipped") is not None
    assert [child.tag for child in cases["smoke.cuda", "loader"]] == ["system-out"]
    assert cases["smoke.baseline", "matmul speed"].find("failure") is not None
    assert suite.find("properties/property[@name='torch']") is not None
