"""A door beyond loopback, decided."""

from __future__ import annotations

import pytest

from envkit.errors import UsageError
from envkit.plan.exposure import (
    Exposure,
    certificate_names,
    exposure,
    nearest,
    origin,
    public_name,
    record,
    recorded,
)

MACHINE = ("gpu7.lan", "gpu7", "192.0.2.2", "fd00::2")


def test_without_expose_the_door_is_on_loopback() -> None:
    assert exposure(None, (), None, None) is None
    with pytest.raises(UsageError, match="go with --expose"):
        exposure(None, ("gpu7",), None, None)


@pytest.mark.parametrize(
    ("address", "names", "files", "what"),
    [
        ("preset:cpu", (), (None, None), "no IP address"),
        ("gpu7", (), (None, None), "no IP address"),
        ("127.0.0.1", (), (None, None), "loopback, where the door is anyway"),
        ("0.0.0.0", ("a b",), (None, None), "neither a host name nor an address"),
        ("0.0.0.0", ("*.lan",), (None, None), "neither a host name nor an address"),
        ("0.0.0.0", ("-a",), (None, None), "neither a host name nor an address"),
        ("0.0.0.0", (), ("/c", None), "go together"),
        ("0.0.0.0", (), (None, "/k"), "go together"),
    ],
)
def test_what_cannot_be_exposed_is_refused(
    address: str, names: tuple[str, ...], files: tuple[str | None, str | None], what: str
) -> None:
    with pytest.raises(UsageError, match=what):
        exposure(address, names, *files)


def test_names_are_read_without_their_capitals() -> None:
    assert exposure("0.0.0.0", ("GPU7.Example.org",), None, None) == Exposure(
        address="0.0.0.0", names=("gpu7.example.org",)
    )


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (Exposure(address="0.0.0.0"), "192.0.2.2"),
        (Exposure(address="192.0.2.9"), "192.0.2.9"),
        (Exposure(address="0.0.0.0", names=("a.org", "b.org")), "a.org"),
    ],
)
def test_a_browser_is_sent_to_the_name_that_was_asked_for(asked: Exposure, name: str) -> None:
    assert public_name(asked, MACHINE) == name


def test_the_certificate_is_for_the_addresses_that_are_published_and_for_loopback() -> None:
    loopback = ("localhost", "127.0.0.1", "::1")
    assert certificate_names(Exposure(address="0.0.0.0"), MACHINE) == (*MACHINE, *loopback)
    one = Exposure(address="192.0.2.2", names=("a.org",))
    assert certificate_names(one, MACHINE) == ("a.org", "192.0.2.2", *loopback)


def test_what_is_recorded_can_be_read_back() -> None:
    full = Exposure(address="::", names=("a.org",), certificate="/c", key="/k")
    for asked in (None, full, Exposure(address="0.0.0.0")):
        assert recorded(record(asked)) == asked
    assert set(record(None).values()) == {None}
    assert recorded({}) is None


def test_an_address_of_six_stands_in_brackets() -> None:
    assert origin("fd00::2", 1, tls=True) == "https://[fd00::2]:1"
    assert origin("127.0.0.1", 1, tls=False) == "http://127.0.0.1:1"
    assert (nearest("0.0.0.0"), nearest("::"), nearest("192.0.2.2")) == ("127.0.0.1", "::1", "192.0.2.2")
