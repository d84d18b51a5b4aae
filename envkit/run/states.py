"""What state a run is in: what its folder says of its last attempt, and else what the engine says.

Pure: evidence and the engine's word come in, a state goes out. `finished` is never guessed: only the
supervisor's own end.json says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envkit.run import folder
from envkit.run.folder import Cause, End, Stop, Supervisor

State = Literal[
    "starting",
    "running",
    "stopping",
    "finished",
    "failed",
    "stopped",
    "timed-out",
    "killed",
    "lost",
]
OVER: tuple[State, ...] = ("finished", "failed", "stopped", "timed-out", "killed", "lost")

_KILLED = 137  # 128 + SIGKILL
_NOT_STARTED = (125, 126, 127, 128)  # what the engine gives when the command could not be started
_SENTENCES: dict[folder.State, str] = {
    "finished": "it finished",
    "failed": "it failed",
    "stopped": "it was stopped",
    "timed-out": "its time was over",
    "killed": "it was killed",
    "lost": "it was lost",
}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What lies in a run's folder about its last attempt."""

    begun: bool = False  # a supervisor wrote anything
    end: End | None = None
    stop: Stop | None = None
    supervisor: Supervisor | None = None


@dataclass(frozen=True, kw_only=True)
class Word:
    """What the engine says of what a run runs in: a container of its own, or an environment."""

    place: Literal["container", "environment"] = "container"
    state: str = "gone"  # as ContainerFacts has it; "gone": there is none; "unreachable": nobody knows
    exit_code: int | None = None
    oom_killed: bool = False
    error: str = ""  # what the engine says of a start that failed, or why nobody knows
    is_same: bool = True  # an environment: the very container, and since the run began
    is_alive: bool | None = None  # an environment: its supervisor lives; None: not asked
    rebooted: bool = False  # the machine, since the attempt began


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A run's state, how it ended if it has, and what is to be said beside it."""

    state: State
    end: End | None = None
    beside: str = ""

    @property
    def sentence(self) -> str:
        """Return why, in one sentence; empty where the state says all."""
        return self.end.sentence if self.end else ""


def judge(evidence: Evidence, word: Word) -> Judged:
    """Return the state of a run; it never raises, whatever a script has written into the folder."""
    if evidence.end is not None:
        return _ended(evidence.end)
    if word.state == "unreachable":
        beside = "as its folder says; the engine does not answer"
        return Judged(state=_going(evidence), beside=f"{beside}: {word.error}" if word.error else beside)
    if word.place == "environment":
        return _in_environment(evidence, word)
    return _in_container(evidence, word)


def _ended(end: End) -> Judged:
    if end.sentence:
        return Judged(state=end.state, end=end)
    return _over(end.state, end.cause, _SENTENCES[end.state], code=end.code)


def _going(evidence: Evidence) -> State:
    if evidence.stop is not None:
        return "stopping"
    return "running" if evidence.begun else "starting"


def _in_environment(evidence: Evidence, word: Word) -> Judged:
    if word.state == "gone":
        return _lost("its environment was removed while it ran")
    if not word.is_same:
        return _lost("its environment was restarted or made anew while it ran")
    if word.state not in ("running", "paused"):
        return _lost("its environment ended while it ran")
    if word.is_alive is False and evidence.supervisor is not None:
        return _over("killed", "outside", "its supervisor was killed, and wrote no end")
    return Judged(state=_going(evidence), beside=_paused(word))


def _in_container(evidence: Evidence, word: Word) -> Judged:
    if word.state in ("running", "paused", "restarting"):
        return Judged(state=_going(evidence), beside=_paused(word))
    if word.state == "removing":
        return Judged(state="stopping", beside="its container is being removed")
    if word.state == "created" and not word.error:
        return Judged(state="starting")
    if word.state == "gone" and not evidence.begun:
        return _lost("it was never started: whoever began it was ended first", "not-started")
    if word.state == "gone":
        return _lost("its container was removed while it ran")
    return _exited(evidence, word)


def _exited(evidence: Evidence, word: Word) -> Judged:
    """Judge a container that ended and left no end.json."""
    code = word.exit_code
    if not evidence.begun and (word.error or code in _NOT_STARTED):
        why = word.error or f"the engine could not start its command (code {code})"
        return _over("failed", "not-started", f"it could not be started: {why}", code=code)
    if word.rebooted:
        return _lost("the machine was restarted while it ran", code=code)
    if word.oom_killed and code == _KILLED:
        return _over("failed", "host-memory", "it ran out of memory: the kernel ended all of it", code=code)
    if code == _KILLED:
        asked = " after it was asked to stop" if evidence.stop else ""
        return _over("killed", "outside", f"its container was killed{asked}", code=code)
    return _lost(
        f"its container ended (code {code}) and nothing tells how: the engine died, it seems", code=code
    )


def _paused(word: Word) -> str:
    return "it is paused, with the engine's own command" if word.state == "paused" else ""


def _lost(sentence: str, cause: Cause = "engine-lost", *, code: int | None = None) -> Judged:
    return _over("lost", cause, sentence, code=code)


def _over(state: folder.State, cause: Cause | None, sentence: str, *, code: int | None = None) -> Judged:
    return Judged(state=state, end=End(state=state, cause=cause, code=code, sentence=sentence))
