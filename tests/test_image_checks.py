"""Judging is pure: a good image's evidence passes, and each broken fact fails exactly its own item."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from envkit.image.checks import CHECKS, judge
from envkit.image.checks_doors import talks
from envkit.image.checks_user import ARGUMENTS, STDIN
from envkit.image.evidence import Evidence, Facts
from envkit.image.expectation import Expectation, Extension, Torch
from envkit.image.verdict import Item

PATH = "/opt/venv/bin:/usr/bin:/bin"
ENV = {"PATH": PATH, "HOME": "/work/home"}
EXPECT = Expectation(
    ours=True,
    services=("jupyterlab", "code-server", "tensorboard"),
    python="3.11",
    python_path="/opt/venv/bin/python",
    torch=Torch(version="2.13.0", build="cpu"),
    own_door=True,
    extensions=(Extension(id="envkit.hello@1.0.0"), Extension(id="ms-python.python", optional=True)),
    env=(("GREETING", "hello"),),
)
FOREIGN = Expectation(ours=False)

Everything = dict[str, dict[str, Any]]


def answer(what: str, status: int, location: str = "", size: int = 100) -> dict[str, Any]:
    return {"what": what, "status": status, "location": location, "size": size}


def seen() -> dict[str, Any]:
    return {
        "executable": "/opt/venv/bin/python",
        "prefix": "/opt/venv",
        "version": "3.11",
        "python": "/opt/venv/bin/python",
        "env": {**ENV, "GREETING": "hello", "TERM": "xterm"},
    }


def good() -> Everything:
    """Return what the probes find in an image that works."""
    refused = [answer("GET /api/contents", 403), answer("GET /lab", 302, "/login?next=%2Flab")]
    loaded = [answer("/vscode/", 200), answer("workbench.js", 200)]
    venv = {"path": "/opt/venv/bin", "exists": True, "writes": True, "uid": 1000, "gid": 0, "mode": "0o2775"}
    return {
        "status": {
            "services": {"jupyterlab": {"answers": True}, "code-server": {"answers": True}},
            "ready": True,
            "waited_s": 3.2,
        },
        "jupyter-refuses": {"answers": list(refused), "seconds": 0.5},
        "jupyter-opens": {"answers": [answer("/lab", 200)], "is_lab": True, "has_script": True},
        "kernel": {"seen": seen()},
        "terminal": {"echoed": True, "seen": seen()},
        "tensorboard": {"opened": [answer("/t", 200)], "is_tensorboard": True, "refused": list(refused)},
        "code-server-refuses": {"answers": list(refused)},
        "own-door-refuses": {"answers": [answer("GET / at 8080", 302, "./login?folder=/")]},
        "own-door": {"answers": loaded, "commit": "c" * 40, "files": 1},
        "workbench": {"answers": list(loaded), "commit": "c" * 40, "files": 1},
        "extension-host": {"ready_s": 0.7, "alive_s": 10.0, "keep_alives": 2, "seconds": 11.0},
        "extensions": {
            "installed": {"envkit.hello": "1.0.0"},
            "record": {"missing": [{"id": "ms-python.python", "reason": "no gallery"}]},
        },
        "listeners": {"tcp": [{"where": "127.0.0.1:39999", "said": ""}], "unix": []},
        "services": {"died": {}},
        "torch": {"version": "2.13.0+cpu", "build": "cpu", "backend": "", "computes": True},
        "exec": seen(),
        "login": seen(),
        "command": {"code": 42, "words": "".join(f"{w}\n" for w in ARGUMENTS), "read": STDIN, "seen": seen()},
        "stop": {"seconds": 2.3, "grace_s": 10.0, "code": 0},
        "storm": {"orphans": 200, "zombies": []},
        "files": {
            "folders": [venv],
            "install": {"installer": "python -m pip", "installed": True},
            "path": PATH,
        },
    }


def items(found: Everything, expect: Expectation = EXPECT) -> dict[str, Item]:
    facts = {name: Facts(values) for name, values in found.items()}
    evidence = Evidence(identity="1000:0", env=ENV, facts=facts)
    return {item.id: item for item in judge(evidence, expect)}


def outcomes(found: Everything, expect: Expectation = EXPECT) -> dict[str, str]:
    return {name: item.outcome for name, item in items(found, expect).items()}


def test_an_image_that_works_passes_every_item() -> None:
    assert outcomes(good()) == {check.id: "passed" for check in CHECKS}


BREAKS: tuple[tuple[str, str, Callable[[Everything], object]], ...] = (
    (
        "the API is open",
        "jupyter-refuses",
        lambda f: f["jupyter-refuses"]["answers"].append(answer("api", 200)),
    ),
    (
        "a redirect elsewhere",
        "jupyter-refuses",
        lambda f: f["jupyter-refuses"]["answers"].append(answer("a", 302, "/tree")),
    ),
    ("a refusal that broke", "jupyter-refuses", lambda f: f["jupyter-refuses"].update(error="OSError: gone")),
    (
        "a page with an error",
        "jupyter-opens",
        lambda f: f["jupyter-opens"]["answers"].append(answer("/lab", 500)),
    ),
    ("a page that is not Lab", "jupyter-opens", lambda f: f["jupyter-opens"].update(is_lab=False)),
    ("a kernel that dies", "kernel", lambda f: f.update(kernel={"error": "TimeoutError: silent"})),
    ("no echo", "terminal", lambda f: f.update(terminal={"echoed": False})),
    (
        "code-server is open",
        "code-server-refuses",
        lambda f: f["code-server-refuses"]["answers"].append(answer("/", 200)),
    ),
    (
        "its own door is open",
        "code-server-refuses",
        lambda f: f["own-door-refuses"]["answers"].append(answer("/", 101)),
    ),
    (
        "a listener talks",
        "code-server-refuses",
        lambda f: f["listeners"]["tcp"].append({"said": "HTTP/1.0 200 OK\r\n"}),
    ),
    ("a socket talks", "code-server-refuses", lambda f: f["listeners"]["unix"].append({"said": "hello"})),
    ("a style sheet is gone", "workbench", lambda f: f["workbench"]["answers"].append(answer("a.css", 404))),
    ("an empty script", "workbench", lambda f: f["workbench"]["answers"].append(answer("a.js", 200, size=0))),
    ("no page of VS Code", "workbench", lambda f: f["workbench"].update(commit="")),
    (
        "the extension host dies",
        "extension-host",
        lambda f: f.update({"extension-host": {"error": "Gone: ended"}}),
    ),
    ("no keep-alives", "extension-host", lambda f: f["extension-host"].update(keep_alives=0)),
    ("an extension is gone", "extensions", lambda f: f["extensions"].update(installed={})),
    ("another version", "extensions", lambda f: f["extensions"].update(installed={"envkit.hello": "1.0.1"})),
    ("TensorBoard is open", "tensorboard", lambda f: f["tensorboard"]["refused"].append(answer("/t", 200))),
    (
        "TensorBoard is not there",
        "tensorboard",
        lambda f: f["tensorboard"].update(opened=[answer("/t", 500)]),
    ),
    ("a crash", "services", lambda f: f["services"]["died"].update({"code-server": "munmap_chunk()"})),
    ("a corrupt memory", "services", lambda f: f["stop"].update(corrupt="free(): invalid pointer")),
    ("no torch", "torch", lambda f: f.update(torch={"error": "ModuleNotFoundError: torch"})),
    ("another torch", "torch", lambda f: f["torch"].update(version="2.12.0+cpu")),
    ("another build", "torch", lambda f: f["torch"].update(build="cu128")),
    ("a wrong sum", "torch", lambda f: f["torch"].update(computes=False)),
    ("another PATH at login", "same-environment", lambda f: f["login"]["env"].update(PATH="/usr/bin")),
    ("a variable is lost", "same-environment", lambda f: f["command"]["seen"]["env"].pop("GREETING")),
    ("a vendor's variable is lost", "same-environment", lambda f: f["exec"].update(vendor={"OPP": "/o"})),
    ("no python in exec", "same-environment", lambda f: f.update(exec={"error": "exit code 127"})),
    ("no python in a terminal", "same-environment", lambda f: f["terminal"].pop("seen")),
    ("an exit code is lost", "command", lambda f: f["command"].update(code=0)),
    ("a word is split", "command", lambda f: f["command"].update(words="two\nwords\n")),
    ("stdin is lost", "command", lambda f: f["command"].update(read="")),
    ("killed after the grace", "sigterm", lambda f: f["stop"].update(seconds=10.2, code=137)),
    ("a bad exit code", "sigterm", lambda f: f["stop"].update(code=1)),
    ("a zombie", "zombies", lambda f: f["storm"]["zombies"].append({"pid": 7, "name": "sh"})),
    ("a private venv", "files", lambda f: f["files"]["folders"][0].update(mode="0o755")),
    ("another group", "files", lambda f: f["files"]["folders"][0].update(gid=1000)),
    ("pip fails", "files", lambda f: f["files"]["install"].update(installed=False)),
    ("our tools first", "files", lambda f: f["files"].update(path="/opt/envkit/bin:" + PATH)),
)


@pytest.mark.parametrize(("item", "break_it"), [row[1:] for row in BREAKS], ids=[row[0] for row in BREAKS])
def test_a_broken_fact_fails_its_item_and_only_it(
    item: str, break_it: Callable[[Everything], object]
) -> None:
    found = copy.deepcopy(good())
    break_it(found)
    assert [name for name, outcome in outcomes(found).items() if outcome != "passed"] == [item]


def test_every_item_can_be_broken() -> None:
    assert {row[1] for row in BREAKS} == {check.id for check in CHECKS}


def test_what_docker_build_alone_leaves_out_is_told_with_the_way_to_add_it() -> None:
    found = good()
    found["exec"]["vendor"] = {"A": "1", "B": "2", "C": "3", "D": "/d:/e", "PATH": "/usr/bin"}
    assert items(found)["same-environment"].reason == (
        "what the base's own scripts set is not in the image's environment: A, B, C and 1 more; "
        "`envkit build` adds it, and so does: docker run --rm IMAGE cat /opt/envkit/etc/variables.Dockerfile"
        " | docker build --build-arg IMAGE=IMAGE -t IMAGE -"
    )


def test_a_service_that_was_only_slow_is_named_and_passes() -> None:
    found = good()
    found["services"]["died"] = {"code-server": "error timed out"}
    item = items(found)["services"]
    assert (item.outcome, item.reason) == ("passed", "started again, for it was slow: code-server")


def test_a_kernel_of_another_python_fails_with_both_named() -> None:
    found = good()
    found["kernel"]["seen"].update(executable="/opt/envkit/jupyter/bin/python", prefix="/opt/envkit/jupyter")
    assert items(found)["kernel"].reason == (
        "it is /opt/envkit/jupyter/bin/python, planned is /opt/venv/bin/python"
    )


def test_an_optional_extension_that_is_missing_is_named_with_its_reason() -> None:
    reason = items(good())["extensions"].reason
    assert reason == "1 of 2 are there; ms-python.python, optional, is missing: no gallery"


def test_when_jupyterlab_is_down_one_item_fails_and_says_why() -> None:
    found = good()
    found["status"]["services"]["jupyterlab"] = {
        "answers": False,
        "state": "FATAL",
        "reason": "exited too quickly",
    }
    found["code-server-refuses"] = {"error": "ConnectionRefusedError: [Errno 111] Connection refused"}
    judged = items(found)
    assert [name for name, item in judged.items() if item.outcome == "failed"] == ["jupyter-opens"]
    assert (
        judged["jupyter-opens"].reason == "JupyterLab does not answer after 3 s (FATAL): exited too quickly"
    )
    assert judged["kernel"].outcome == judged["extension-host"].outcome == "not-applicable"


def test_a_foreign_image_without_ides_is_told_what_it_lacks() -> None:
    found = {"command": good()["command"]}
    found["command"]["seen"] = {"error": "python: not found"}
    judged = items(found, FOREIGN)
    assert {name: item.reason for name, item in judged.items() if item.outcome == "failed"} == {
        "jupyter-opens": "JupyterLab missing",
        "workbench": "code-server missing",
    }


def test_an_image_of_ours_without_code_server_is_not_asked_for_it() -> None:
    lab = Expectation(ours=True, services=("jupyterlab",), python="3.11", python_path="/opt/venv/bin/python")
    found = good()
    for name in ("code-server-refuses", "own-door-refuses", "own-door", "workbench", "extension-host"):
        del found[name]
    judged = outcomes(found, lab)
    assert {name for name, outcome in judged.items() if outcome == "not-applicable"} == {
        "workbench", "extension-host", "extensions", "tensorboard", "torch",
    }  # fmt: skip
    assert "failed" not in judged.values()


@pytest.mark.parametrize(
    ("said", "open_to_all"),
    [
        ("", False),
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", False),
        ("HTTP/1.1 302 Found\r\nLocation: /login?next=/\r\n\r\n", False),
        ("HTTP/1.1 302 Found\r\nLocation: /home\r\n\r\n", True),
        ("HTTP/1.1 404 Not Found\r\n\r\n", True),
        ("SSH-2.0-OpenSSH_9.2", False),
        ("\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03", False),
        ("220 mail ready", True),
    ],
)
def test_a_listener_is_open_when_it_talks_without_a_login(said: str, open_to_all: bool) -> None:
    assert talks(said) is open_to_all
