"""What the services print: whole lines, each with its service before it."""

from __future__ import annotations

from types import SimpleNamespace

from envkit.environment.reading import mark_of
from envkit.probes.supervise_lines import Lines


def event(name: str, data: bytes | str = b"") -> SimpleNamespace:
    return SimpleNamespace(process=SimpleNamespace(config=SimpleNamespace(name=name)), data=data)


def handed_on(*events: SimpleNamespace) -> list[bytes]:
    """Return the lines that come out; an event without data is an end."""
    written: list[bytes] = []
    lines = Lines(written.append)
    for one in events:
        lines.heard(one) if one.data else lines.ended(one)
    return b"".join(written).splitlines()


def test_each_line_tells_its_service_as_logs_looks_for_it() -> None:
    assert handed_on(event("jupyterlab", b"one\n\ntwo\n")) == [
        b"jupyterlab | one",
        b"jupyterlab | ",
        b"jupyterlab | two",
    ]
    assert handed_on(event("code-server", "text\n")) == [mark_of("code-server") + b"text"]


def test_halves_of_two_services_do_not_mix() -> None:
    told = handed_on(
        event("a", b"begin "), event("b", b"other\n"), event("a", b"end\nmore"), event("a", b"\n")
    )
    assert told == [b"b | other", b"a | begin end", b"a | more"]


def test_last_words_without_a_newline_come_with_the_end() -> None:
    assert handed_on(event("a", b"no such file"), event("a"), event("a")) == [b"a | no such file"]


def test_who_never_ends_a_line_does_not_fill_the_memory() -> None:
    assert handed_on(event("a", b"x" * 70_000)) == [b"a | " + b"x" * 70_000]
