"""A run's state, from its folder and the engine's word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.run import states
from envkit.run.folder import End, Stop, Supervisor
from envkit.run.states import Evidence, Word, judge

BEGUN = Evidence(begun=True, supervisor=Supervisor(pid=7, started_ticks=1, boot_id="b", container="c"))
STOP = Stop(by="user", time=1.0)
ASKED = Evidence(begun=True, supervisor=BEGUN.supervisor, stop=STOP)
FINISHED = Evidence(begun=True, end=End(state="finished", sentence="it finished in 3 s"))


def in_environment(**words: object) -> Word:
    return Word(**{"place": "environment", "state": "running", **words})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("evidence", "word", "state", "cause"),
    [
        (FINISHED, Word(state="running"), "finished", None),
        (FINISHED, Word(state="unreachable"), "finished", None),
        (Evidence(), Word(state="created"), "starting", None),
        (Evidence(), Word(state="created", error="no such file"), "failed", "not-started"),
        (Evidence(), Word(state="running"), "starting", None),
        (Evidence(), Word(state="exited", exit_code=127), "failed", "not-started"),
        (Evidence(), Word(state="gone"), "lost", "not-started"),
        (BEGUN, Word(state="running"), "running", None),
        (BEGUN, Word(state="restarting"), "running", None),
        (ASKED, Word(state="running"), "stopping", None),
        (BEGUN, Word(state="removing"), "stopping", None),
        (BEGUN, Word(state="exited", exit_code=137), "killed", "outside"),
        (BEGUN, Word(state="exited", exit_code=137, oom_killed=True), "failed", "host-memory"),
        (BEGUN, Word(state="exited", exit_code=0, oom_killed=True), "lost", "engine-lost"),
        (BEGUN, Word(state="exited", exit_code=255), "lost", "engine-lost"),
        (BEGUN, Word(state="exited", exit_code=0), "lost", "engine-lost"),
        (BEGUN, Word(state="exited", exit_code=137, rebooted=True), "lost", "engine-lost"),
        (BEGUN, Word(state="dead"), "lost", "engine-lost"),
        (BEGUN, Word(state="gone"), "lost", "engine-lost"),
        (BEGUN, Word(state="unreachable"), "running", None),
        (ASKED, Word(state="unreachable"), "stopping", None),
        (BEGUN, in_environment(is_alive=True), "running", None),
        (BEGUN, in_environment(), "running", None),
        (BEGUN, in_environment(is_alive=False), "killed", "outside"),
        (Evidence(), in_environment(is_alive=False), "starting", None),
        (BEGUN, in_environment(is_same=False), "lost", "engine-lost"),
        (BEGUN, in_environment(state="exited"), "lost", "engine-lost"),
        (BEGUN, in_environment(state="gone"), "lost", "engine-lost"),
    ],
)
def test_the_folder_decides_and_else_the_engine(
    evidence: Evidence, word: Word, state: str, cause: str | None
) -> None:
    judged = judge(evidence, word)
    assert (judged.state, judged.end.cause if judged.end else None) == (state, cause)


def test_an_engine_that_does_not_answer_is_said_beside_the_state() -> None:
    judged = judge(BEGUN, Word(state="unreachable", error="nobody listens"))
    assert judged.state == "running"
    assert judged.beside == "as its folder says; the engine does not answer: nobody listens"


def test_an_end_without_a_sentence_gets_one() -> None:
    judged = judge(Evidence(begun=True, end=End(state="timed-out")), Word())
    assert judged.sentence == "its time was over"


ENDS = st.sampled_from(["finished", "failed", "stopped", "timed-out", "killed", "lost"])
EVIDENCE = st.builds(
    Evidence,
    begun=st.booleans(),
    end=st.none() | st.builds(End, state=ENDS, sentence=st.text(max_size=3)),
    stop=st.none() | st.just(STOP),
    supervisor=st.none() | st.just(BEGUN.supervisor),
)
WORDS = st.builds(
    Word,
    place=st.sampled_from(["container", "environment"]),
    state=st.sampled_from(
        [
            "created",
            "running",
            "paused",
            "restarting",
            "removing",
            "exited",
            "dead",
            "gone",
            "unreachable",
            "?",
        ]
    ),
    exit_code=st.none() | st.integers(0, 255),
    oom_killed=st.booleans(),
    error=st.text(max_size=3),
    is_same=st.booleans(),
    is_alive=st.none() | st.booleans(),
    rebooted=st.booleans(),
)


@given(EVIDENCE, WORDS)
def test_finished_needs_evidence_and_nothing_raises(evidence: Evidence, word: Word) -> None:
    judged = judge(evidence, word)
    if judged.state == "finished":
        assert evidence.end is not None
        assert evidence.end.state == "finished"


@given(EVIDENCE, WORDS)
def test_what_is_over_has_an_end_and_a_sentence_and_else_neither(evidence: Evidence, word: Word) -> None:
    judged = judge(evidence, word)
    assert (judged.end is not None) == (judged.state in states.OVER)
    assert bool(judged.sentence) == (judged.state in states.OVER)
