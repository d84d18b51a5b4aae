"""Judge what the doors of an image refuse and what they open: JupyterLab, code-server, TensorBoard."""

from __future__ import annotations

from envkit.image.evidence import Evidence, Facts
from envkit.image.expectation import Expectation
from envkit.image.finding import Finding, all_of, failed, not_applicable, passed

NAMES = {"jupyterlab": "JupyterLab", "code-server": "code-server"}
STRANGER = "a stranger's host name"
# ZMTP 3.1, section 3.2: the greeting of a kernel's socket, whose messages are signed with the kernel's key.
ZMTP_GREETING = "\xff\x00\x00\x00\x00\x00\x00\x00"
_SLOW = "timed out"  # code-server of its own child, under a load of 30 on two cores (4.138.0)
SSH_GREETING = "SSH-2.0"  # RFC 4253, section 4.2; it has a login of its own


def absent(evidence: Evidence, expect: Expectation, service: str) -> str:
    """Return why a service cannot be tried, or nothing when it answers."""
    if service not in expect.services:
        return (
            f"{NAMES[service]} missing" if not expect.ours else f"{NAMES[service]} is not part of this image"
        )
    status = evidence.about("status")
    known = status.part("services").part(service)
    if known.yes("answers"):
        return ""
    reason = known.text("reason") or status.error or status.text("reason") or "nothing listens"
    state = known.text("state")
    waited = status.number("waited_s")
    return f"{NAMES[service]} does not answer after {waited:.0f} s{f' ({state})' if state else ''}: {reason}"


def _down(evidence: Evidence, expect: Expectation, service: str, why: str) -> Finding:
    """Fail the item that stands for a whole service, with the container's last words."""
    if expect.ours and service not in expect.services:
        return not_applicable(why)
    log = evidence.about("status").text("log") if service in expect.services else ""
    return failed(f"{why}; it last said: {log}" if log else why)


def refused(answer: Facts) -> bool:
    """Tell whether an answer lets nobody in: forbidden, sent to the login, or nobody listens there (0)."""
    status = answer.whole("status")
    if status in (0, 401, 403):
        return True
    page = answer.text("location").partition("?")[0]
    return status in (301, 302, 303, 307, 308) and page.rstrip("/").rpartition("/")[2] == "login"


def served(answers: tuple[Facts, ...]) -> list[str]:
    """Name every answer that let somebody in without the login."""
    return [
        f"{row.text('what')} was answered with HTTP {row.whole('status')}"
        for row in answers
        if not refused(row)
    ]


def not_loaded(answers: tuple[Facts, ...]) -> list[str]:
    """Name every page or file that did not load with the login."""
    bad = [row for row in answers if row.whole("status") != 200 or not row.whole("size")]
    return [
        f"{row.text('what')} was answered with HTTP {row.whole('status')}, {row.whole('size')} bytes"
        for row in bad
    ]


def jupyter_refuses(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge what JupyterLab serves without its token."""
    if why := absent(evidence, expect, "jupyterlab"):
        return not_applicable(why)
    facts = evidence.about("jupyter-refuses")
    if facts.error:
        return failed(facts.error, facts.seconds)
    answers = [
        row for row in facts.rows("answers") if expect.ours or not row.text("what").startswith(STRANGER)
    ]
    return all_of(served(tuple(answers)), f"{len(answers)} requests and websockets refused", facts.seconds)


def jupyter_opens(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether JupyterLab opens with its token."""
    if why := absent(evidence, expect, "jupyterlab"):
        return _down(evidence, expect, "jupyterlab", why)
    facts = evidence.about("jupyter-opens")
    if facts.error:
        return failed(facts.error, facts.seconds)
    problems = not_loaded(facts.rows("answers"))
    if not problems and not (facts.yes("is_lab") and facts.yes("has_script")):
        problems = ["the page is not JupyterLab's"]
    waited = evidence.about("status").number("waited_s")
    return all_of(problems, f"the page, its script and the API; up after {waited:.1f} s", facts.seconds)


def tensorboard(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether TensorBoard works behind the login and not without."""
    if "tensorboard" not in expect.services:
        return not_applicable("TensorBoard is not part of this image")
    if why := absent(evidence, expect, "jupyterlab"):
        return not_applicable(why)
    facts = evidence.about("tensorboard")
    if facts.error:
        return failed(facts.error, facts.seconds)
    problems = not_loaded(facts.rows("opened")) + served(facts.rows("refused"))
    if not problems and not facts.yes("is_tensorboard"):
        problems = ["the page is not TensorBoard's"]
    return all_of(problems, "opens behind the login, not without", facts.seconds)


def code_server_refuses(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether code-server, or anything else that listens, can be had without a login."""
    if not expect.services:
        return not_applicable("neither JupyterLab nor code-server is there")
    doors = [
        evidence.about(name) for name in ("code-server-refuses", "own-door-refuses") if name in evidence.facts
    ]
    listeners = evidence.about("listeners")
    shut = bool(absent(evidence, expect, "jupyterlab"))  # then nobody comes in, and that item says why
    errors = [
        facts.error
        for facts in (*doors, listeners)
        if facts.error and not (shut and facts.error.startswith("ConnectionRefusedError"))
    ]
    answers = tuple(row for facts in doors for row in facts.rows("answers"))
    problems = errors + served(answers) + open_listeners(listeners)
    count = len(listeners.rows("tcp")) + len(listeners.rows("unix"))
    seconds = max((facts.seconds for facts in (*doors, listeners)), default=0.0)
    behind = f"{len(answers)} requests refused" if doors else "no code-server"
    return all_of(problems, f"{behind}; {count} other listeners, open to nobody", seconds)


def open_listeners(listeners: Facts) -> list[str]:
    """Name every listener that talks to somebody without a login."""
    return [
        f"{row.text('where')} answers without a login: {row.text('said').splitlines()[0][:60]!r}"
        for row in (*listeners.rows("tcp"), *listeners.rows("unix"))
        if talks(row.text("said"))
    ]


def talks(said: str) -> bool:
    """Tell whether a listener's first words show something that asks for no login."""
    if not said or said.startswith((ZMTP_GREETING, SSH_GREETING)):
        return False
    lines = said.split("\r\n")
    words = lines[0].split(" ")
    if not lines[0].startswith("HTTP/") or len(words) < 2 or not words[1].isdigit():
        return True
    location = next((line[9:].strip() for line in lines if line.lower().startswith("location:")), "")
    return not refused(Facts({"status": int(words[1]), "location": location}))


def workbench(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether VS Code's page and its files load with the login."""
    if why := absent(evidence, expect, "code-server"):
        return _down(evidence, expect, "code-server", why)
    if why := door_shut(evidence, expect):
        return not_applicable(why)
    facts = [evidence.about(name) for name in ("workbench", "own-door") if name in evidence.facts]
    problems = [part.error for part in facts if part.error]
    for part in facts:
        problems += not_loaded(part.rows("answers"))
        if not part.error and not (part.text("commit") and part.whole("files")):
            problems.append("the page is not VS Code's")
    files = sum(part.whole("files") for part in facts)
    return all_of(
        problems, f"the page and its {files} files load", max((p.seconds for p in facts), default=0.0)
    )


def extension_host(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether an extension host starts and stays alive."""
    if why := absent(evidence, expect, "code-server") or door_shut(evidence, expect):
        return not_applicable(why)
    facts = evidence.about("extension-host")
    if facts.error:
        return failed(facts.error, facts.seconds)
    alive_s, beats = facts.number("alive_s"), facts.whole("keep_alives")
    # VS Code's server sends a keep-alive every five seconds (tried with 4.138.0).
    if beats < int(alive_s // 5) - 1:
        return failed(f"{beats} keep-alives in {alive_s:g} s: its connection hangs", facts.seconds)
    ready = f"ready after {facts.number('ready_s'):.1f} s, alive {alive_s:g} s later"
    return passed(f"{ready}, {beats} keep-alives", facts.seconds)


def services(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether a process died of a corrupt memory, or a service that answers had died before.

    The supervisor hides a crash that users meet. A service that gave up waiting for itself on a busy
    machine is slow, not broken.
    """
    if not expect.ours:
        return not_applicable("no supervisor of ours watches them")
    if not expect.services:
        return not_applicable("it has none")
    facts = evidence.about("services")
    if facts.error:
        return failed(facts.error, facts.seconds)
    answering = [name for name in expect.services if not (name in NAMES and absent(evidence, expect, name))]
    died = {name: words for name, words in facts.part("died").texts().items() if name in answering}
    crashed = [
        f"{NAMES.get(name, name)} died and was started again; it last said: {words or 'nothing'}"
        for name, words in died.items()
        if _SLOW not in words
    ]
    if line := evidence.about("stop").text("corrupt"):
        crashed.append(f"a process found its memory corrupt: {line}")
    fine = f"started again, for it was slow: {', '.join(died)}" if died else f"none of {len(answering)} died"
    return all_of(crashed, fine, facts.seconds)


def door_shut(evidence: Evidence, expect: Expectation) -> str:
    """Return why the one door cannot be passed: code-server of ours stands behind JupyterLab."""
    return absent(evidence, expect, "jupyterlab") if expect.ours else ""


def extensions(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether the extensions that were asked for are there."""
    if "code-server" not in expect.services:
        return not_applicable("code-server missing")
    if not expect.extensions:
        return not_applicable("none was asked for")
    facts = evidence.about("extensions")
    if facts.error:
        return failed(facts.error, facts.seconds)
    lost = missing_extensions(facts, expect)
    named = [f"{name}: {reason}" for name, reason, optional in lost if not optional]
    optional = [
        f"{name}, optional, is missing: {reason}" for name, reason, is_optional in lost if is_optional
    ]
    there = len(expect.extensions) - len(lost)
    return all_of(
        named, "; ".join([f"{there} of {len(expect.extensions)} are there", *optional]), facts.seconds
    )


def missing_extensions(facts: Facts, expect: Expectation) -> list[tuple[str, str, bool]]:
    """Return (name, reason, optional) of what was asked for and is not there."""
    there = facts.part("installed").texts()
    record = facts.part("record")
    by_source = {row.text("source"): row.text("id").lower() for row in record.rows("installed")}
    reasons = {row.text("id"): row.text("reason") for row in record.rows("missing")}
    lost = []
    for wanted in expect.extensions:
        name, _, version = wanted.id.partition("@")
        found = there.get(by_source.get(wanted.id, name.lower()))
        if found is None:
            reason = reasons.get(wanted.id) or reasons.get(name) or "it is not there"
            lost.append((wanted.id, reason, wanted.optional))
        elif version and found != version:
            lost.append((wanted.id, f"version {found} is there", wanted.optional))
    return lost
