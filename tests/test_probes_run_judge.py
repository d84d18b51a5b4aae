"""How an attempt ended, by what was seen of it: one line of evidence decides after another."""

from __future__ import annotations

from typing import Any

import pytest

from envkit.probes.run_judge import judge, last_words

TRACEBACK = """step 3
Traceback (most recent call last):
  File "/work/home/a b.py", line 9, in <module>
    main()
    ~~~~^^
  File "/work/home/lib.py", line 3, in deep
    raise ValueError("bad")
ValueError: bad
"""


def rank(number: int = 0, **how: Any) -> dict[str, Any]:
    return {"rank": number, "code": 0, "signal": None, "ended": 2.0 + number, **how}


def seen(*ranks: dict[str, Any], tail: str = "", **more: Any) -> dict[str, Any]:
    return {
        "ranks": list(ranks),
        "tails": {one["rank"]: tail for one in ranks},
        "stop": None,
        "asked": False,
        "not_started": None,
        "code": max((one["code"] for one in ranks), default=0),
        "launcher": "",
        "expected": max(1, len(ranks)),
        "shell": False,
        "oom_kills": False,
        "unkillable": 0,
        **more,
    }


KILLED = {"code": 137, "signal": "SIGKILL"}
OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n"


@pytest.mark.parametrize(
    ("facts", "state", "cause"),
    [
        (seen(rank()), "finished", None),
        (seen(rank(), rank(1)), "finished", None),
        (seen(rank(code=1), tail=TRACEBACK), "failed", "script-error"),
        (seen(rank(**KILLED), oom_kills=True), "failed", "host-memory"),
        (seen(rank(**KILLED)), "killed", "outside"),
        (seen(rank(code=1), tail=TRACEBACK, oom_kills=True), "failed", "script-error"),
        (seen(rank(code=1), tail="RuntimeError: worker (pid 3) is killed by signal: Killed.", oom_kills=True),
         "failed", "host-memory"),
        (seen(rank(code=1), tail=OOM), "failed", "device-memory"),
        (seen(rank(code=139, signal="SIGSEGV")), "failed", "signal"),
        (seen(rank(code=139), shell=True), "failed", "signal"),
        (seen(rank(code=139)), "failed", "script-error"),
        (seen(rank(code=1), stop={"by": "user"}), "stopped", "user"),
        (seen(rank(), stop={"by": "timeout"}), "timed-out", "timeout"),
        (seen(rank(), asked=True), "stopped", "outside"),
        (seen(not_started=("no such file", 127)), "failed", "not-started"),
        (seen(code=1, launcher="RendezvousConnectionError: no"), "failed", "rendezvous"),
    ],
)  # fmt: skip
def test_an_end_is_judged_by_its_evidence(facts: dict[str, Any], state: str, cause: str | None) -> None:
    end = judge(facts)
    assert (end["state"], end["cause"]) == (state, cause)
    assert end["sentence"]


def test_the_first_rank_that_failed_counts() -> None:
    late, early = rank(0, code=1, ended=9.0), rank(1, code=3, ended=4.0)
    end = judge(seen(late, early))
    assert (end["rank"], end["code"]) == (1, 3) and end["sentence"].startswith("rank 1 failed")


@pytest.mark.parametrize(
    ("tail", "says"),
    [
        (TRACEBACK, "the script failed with exit code 3: ValueError: bad (/work/home/lib.py:3 in deep)"),
        ("epoch 4\n", "the script failed with exit code 3; its last line: epoch 4"),
        ("", "the script failed with exit code 3"),
    ],
)
def test_a_last_line_is_no_cause_unless_a_traceback_says_so(tail: str, says: str) -> None:
    assert judge(seen(rank(code=3), tail=tail))["sentence"] == says


def test_a_crash_after_an_exception_names_that_too() -> None:
    end = judge(seen(rank(code=134, signal="SIGABRT"), tail=TRACEBACK + "terminate called\n"))
    crash = "the script crashed: SIGABRT after ValueError: bad (/work/home/lib.py:3"
    assert end["sentence"].startswith(crash)
    assert judge(seen(rank(code=139, signal="SIGSEGV"), tail="step 3\n"))["sentence"].endswith("SIGSEGV")


def test_the_last_frame_and_the_words_are_those_of_the_last_traceback() -> None:
    words, frame = last_words(
        'Traceback (most recent call last):\n  File "x", line 1\nOld: one\n' + TRACEBACK
    )
    assert words == "ValueError: bad"
    assert frame == {
        "file": "/work/home/lib.py",
        "line": 3,
        "function": "deep",
        "text": 'raise ValueError("bad")',
    }


def test_what_torch_puts_before_the_lines_of_a_rank_is_not_theirs() -> None:
    marked = "".join(f"[rank1]: {line}\n" for line in TRACEBACK.splitlines())
    assert last_words(marked) == last_words(TRACEBACK)


def test_without_a_traceback_the_last_line_is_quoted() -> None:
    assert last_words("one\n\x1b[31mtwo\x1b[0m\n\n") == ("two", None)
    assert last_words("") == ("", None)


def test_a_script_that_python_cannot_read_has_a_place_too() -> None:
    text = (
        '  File "/work/x.py", line 2\n    print(f"a\n          ^\nSyntaxError: unterminated string literal\n'
    )
    end = judge(seen(rank(code=1), tail="warming up\n" + text))
    assert end["sentence"] == (
        "the script failed with exit code 1: SyntaxError: unterminated string literal (/work/x.py:2)"
    )
    assert end["frame"]["text"] == 'print(f"a'


def test_what_a_finished_script_left_behind_is_named() -> None:
    end = judge(seen(rank(), behind=["python train.py", "sleep 9"]))
    assert end["state"] == "finished"
    assert end["sentence"] == "finished; what it left running was ended: python train.py, sleep 9"
