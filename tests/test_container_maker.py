"""Who made a container is told by its label, and whether that process still runs."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import datetime, timezone

from envkit.container.maker import (
    LABEL,
    condition,
    is_this_process,
    labels,
    maker_of,
    maker_of_word,
    this_process,
    word,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def test_the_label_tells_who_where_and_since_when() -> None:
    told = json.loads(labels(this_process(NOON))[LABEL])
    assert (told["pid"], told["since"]) == (os.getpid(), "2026-01-01T12:00:00Z")
    maker = replace(this_process(NOON), user="ada", machine="box", pid=12)
    assert str(maker) == "ada@box (pid 12, since 2026-01-01 12:00:00Z)"


def test_the_label_is_read_back_and_other_labels_are_nobodys() -> None:
    maker = this_process()
    assert maker_of(labels(maker)) == maker
    assert maker_of({}) is None
    assert maker_of({LABEL: "ada"}) is None
    assert maker_of({LABEL: '{"user": "ada"}'}) is None


def test_two_makings_of_one_process_differ() -> None:
    assert this_process(NOON) != this_process(NOON)


def test_a_process_lives_as_long_as_its_pid_is_its_own() -> None:
    me = this_process()
    assert condition(me) == "alive"
    assert condition(replace(me, started="1")) == "gone"  # the pid was given again
    assert condition(replace(me, pid=2**22 + 1)) == "gone"  # beyond the largest that Linux gives
    assert condition(replace(me, place="elsewhere")) == "unknown"
    assert condition(None) == "unknown"


def test_this_process_knows_itself() -> None:
    assert is_this_process(this_process())
    assert not is_this_process(replace(this_process(), place="elsewhere"))
    assert not is_this_process(None)


def test_a_word_tells_as_much_as_is_needed_to_ask_for_the_process() -> None:
    me = this_process()
    told = maker_of_word(word(me))
    assert told is not None and condition(told) == "alive"
    assert str(told) == f"a process of this machine (pid {os.getpid()})"
    assert maker_of_word("0badcafe") is None
    assert re.fullmatch(r"[\w.-]{1,110}", word(me))  # a tag has at most 128
