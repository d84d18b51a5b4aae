"""What was found becomes what is done about it."""

from __future__ import annotations

from envkit.save.findings import Finding, Scrub, scrub, shown, without_allowed


def finding(path: str, remedy: str, **more: object) -> Finding:
    given = {"where": "file", "rule": "a token", **more}
    return Finding(path=path, remedy=remedy, **given)  # type: ignore[arg-type]


def test_each_finding_has_its_remedy() -> None:
    found = (
        finding("/a", "drop"),
        finding("/b", "edit", content=b"clean"),
        finding("HF_TOKEN", "unset", where="variable"),
        finding("/c", "flatten", where="lower layer", layer=3),
    )
    assert scrub(found) == Scrub(drop=("/a",), replace={"/b": b"clean"}, unset=("HF_TOKEN",), flatten=True)


def test_a_file_that_must_go_is_not_edited() -> None:
    assert scrub((finding("/a", "edit", content=b"x"), finding("/a", "drop"))) == Scrub(drop=("/a",))


def test_a_file_whose_clean_content_is_not_known_goes() -> None:
    assert scrub((finding("/a", "edit"),)) == Scrub(drop=("/a",))


def test_a_name_that_holds_a_value_is_removed_by_its_true_name() -> None:
    assert scrub((finding("/REMOVED", "drop", real="/s3cr3t"),)).drop == ("/s3cr3t",)


def test_a_finding_is_one_line_that_says_what_scrub_does() -> None:
    assert str(finding("/opt/a.py", "edit", line=12)) == "/opt/a.py:12: a token; --scrub cuts it out"
    assert str(finding("/o/b.tgz", "drop", inside="etc/x")) == (
        "/o/b.tgz (etc/x in it): a token; --scrub leaves the file out"
    )
    assert (
        str(finding("HF", "unset", where="variable")) == "variable HF: a token; --scrub removes the variable"
    )
    assert str(finding("/x", "flatten", where="lower layer", layer=2)) == (
        "layer 2, /x: a token; it lies in a layer beneath: only --squash with --scrub removes it"
    )


def test_a_name_with_a_line_end_stays_on_its_line() -> None:
    assert shown("a\nb\x1b[31m\udcff 中") == "a\\nb\\x1b[31m\\udcff 中"


def test_nothing_of_a_file_is_printed() -> None:
    found = finding("/a", "edit", content=b"private", real="/s3cr3t")
    assert "private" not in repr(found) and "s3cr3t" not in repr(found)
    assert "private" not in repr(scrub((found,)))


def test_what_the_user_answers_for_is_left_out_and_a_handed_value_never() -> None:
    key = "a private key"
    given = (
        finding("/opt/x/tests/a.pem", "drop", rule=key),
        finding("/opt/x/tests", "drop", rule=key),
        finding("/opt/x/tests2/a.pem", "drop", rule=key),
        finding("/opt/x/tests/b", "drop", rule="the value of HF_TOKEN"),
        finding("/opt/x/tests", "drop", rule=key, where="variable"),
    )
    for allowed in ("/opt/x/tests", "opt/x/tests/"):
        assert without_allowed(given, (allowed,)) == given[2:]
    assert without_allowed(given, ("/", "/opt/y")) == given
