"""The cache as a command sees it: the program's words become a report, a refusal, or a note of `up`."""

from __future__ import annotations

import json

import pytest

from envkit.environment.cache import Amount, CacheEntry, look, program, retention_s, tidy
from envkit.errors import EnvkitError, HostError, UsageError
from tests.scripted_host import ScriptedHost

TOLD = {
    "folder": "/data/cache", "filesystem": "ext4", "reading_leaves_a_trace": True, "retention_s": 259200.0,
    "states": {"removed": {"entries": 2, "bytes": 5_000_000, "files": 7}},
    "entries": [{"name": "uv", "state": "removed", "bytes": 4_000_000, "unused_s": 300_000}],
    "finished": 0, "stopped": "", "failures": [],
}  # fmt: skip


def machine(told: object, code: int = 0) -> ScriptedHost:
    text = told if isinstance(told, str) else json.dumps(told)
    return ScriptedHost(answers={"realpath": (0, "/data/cache\n"), "python3 -I -": (code, text)})


def notes(told: object, code: int = 0) -> list[str]:
    said: list[str] = []
    tidy(machine(told, code), "/data/cache", 259_200, said.append)
    return said


def test_the_program_goes_to_the_machine_over_stdin() -> None:
    host = machine(TOLD)
    report = look(host, "/data/cache", 259_200, "clean")
    assert json.loads(host.asked[-1].words[-1]) == {
        "folder": "/data/cache",
        "mode": "clean",
        "retention_s": 259_200,
    }
    assert host.asked[-1].stdin == program()
    assert report.amount("removed") == Amount(entries=2, bytes=5_000_000, files=7)
    assert report.entries == (CacheEntry(name="uv", state="removed", bytes=4_000_000, unused_s=300_000),)


def test_the_program_is_python_in_one_piece() -> None:
    compile(program(), "sweep", "exec")


@pytest.mark.parametrize(
    ("refused", "what", "fix"),
    [
        ("not marked", "nothing in it is removed", "touch /data/cache/.envkit-cache"),
        ("not there", "there is no cache /data/cache yet", "`envkit up` makes it"),
        ("another run is at it", "another run is cleaning", "wait for it"),
        ("it is odd", "the cache /data/cache: it is odd", "--cache"),
    ],
)
def test_a_refusal_says_what_to_do(refused: str, what: str, fix: str) -> None:
    with pytest.raises(EnvkitError, match=what) as caught:
        look(machine({"refused": refused}), "/data/cache", 0)
    assert fix in caught.value.fix


def test_a_machine_whose_python_fails_is_a_host_error() -> None:
    with pytest.raises(HostError, match="failed: MemoryError"):
        look(machine("Traceback\nMemoryError\n", code=1), "/data/cache", 0)


def test_a_part_of_the_system_is_no_cache() -> None:
    with pytest.raises(UsageError, match="/etc belongs to the system"):
        look(ScriptedHost(answers={"realpath": (0, "/etc\n")}), "/etc", 0, "clean")


def test_up_tells_what_it_removed() -> None:
    assert notes(TOLD) == ["cache: 5.0 MB removed that nobody used for 3 days"]


@pytest.mark.parametrize(
    ("stopped", "words"), [("half", "more than half"), ("clock", "clock jumped"), ("large", "too large")]
)
def test_up_tells_why_it_removed_nothing(stopped: str, words: str) -> None:
    [note] = notes({**TOLD, "states": {}, "stopped": stopped})
    assert words in note


def test_up_says_nothing_when_it_was_here_not_long_ago() -> None:
    assert notes({**TOLD, "states": {}, "stopped": "soon"}) == []


def test_up_goes_on_when_the_cache_cannot_be_looked_at() -> None:
    [note] = notes({"refused": "not marked"})
    assert note.startswith("the cache was not cleaned: /data/cache was not made by envkit")


@pytest.mark.parametrize(("text", "expected"), [("3d", 259_200), ("12h", 43_200), ("0", 0), ("1.5h", 5400)])
def test_a_retention_is_a_time(text: str, expected: float) -> None:
    assert retention_s(text) == expected


def test_the_setting_is_a_variable_and_three_days_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVKIT_CACHE_RETENTION", raising=False)
    assert retention_s(None) == 259_200
    monkeypatch.setenv("ENVKIT_CACHE_RETENTION", "1d")
    assert (retention_s(None), retention_s("2h")) == (86_400, 7200)
    monkeypatch.setenv("ENVKIT_CACHE_RETENTION", "soon")
    with pytest.raises(UsageError, match="ENVKIT_CACHE_RETENTION soon: not a duration"):
        retention_s(None)
