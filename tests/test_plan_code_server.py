"""Where code-server and its extensions come from."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from envkit import compat
from envkit.accelerators.fit import Misfit
from envkit.plan import code_server
from envkit.plan.build_plan import CodeServerPlan, Decision, ExtensionPlan
from envkit.plan.facts import BuildFacts
from envkit.spec.model import CodeServer

DATA = compat.table("code_server")
SHA = "a" * 64
UNKNOWN = "4.1.2"  # a version that the table does not have


def choose(facts: BuildFacts | None = None, **keys: Any) -> tuple[CodeServerPlan, Decision]:
    return code_server.choose(CodeServer.model_validate(keys), facts or BuildFacts())


def known_sha(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the data know a release file, as it does once somebody has looked its sha256 up."""
    rows = {"4.138.0": {"amd64": SHA, "npm": "sha512-x"}}
    monkeypatch.setattr(compat, "table", lambda name: {**DATA, "rows": rows})


@pytest.mark.parametrize(
    ("reachable", "source", "reason"),
    [
        ({"release": True}, "release", "the release page can be reached and the file's sha256 is known"),
        ({"release": False}, "npm", "the release page cannot be reached from here"),
        ({}, "npm", "whether the release page can be reached was not tried"),
    ],
)
def test_auto_takes_the_first_that_can_be_reached(
    monkeypatch: pytest.MonkeyPatch, reachable: dict[str, bool], source: str, reason: str
) -> None:
    known_sha(monkeypatch)
    plan, decision = choose(BuildFacts(reachable=reachable))
    assert (plan.source, decision.value, decision.reason) == (source, f"4.138.0 from {source}", reason)
    assert bool(plan.sha256) == (source == "release") != bool(plan.integrity)


def test_auto_takes_no_file_that_it_could_not_check() -> None:
    plan, decision = choose(BuildFacts(reachable={"release": True}))
    assert plan.source == "npm" and plan.integrity.startswith("sha512-")
    assert decision.reason == "envkit knows no sha256 of the release file"


def test_a_release_is_the_file_for_the_engine_s_architecture() -> None:
    plan, decision = choose(BuildFacts(architecture="arm64"), source="release", version=UNKNOWN, sha256=SHA)
    assert plan.url.endswith(f"/v{UNKNOWN}/code-server-{UNKNOWN}-linux-arm64.tar.gz")
    assert (plan.sha256, decision.reason) == (SHA, "the spec asks for it")


@pytest.mark.parametrize("keys", [{"source": "release"}, {"source": "file", "file": "x.tar.gz"}])
def test_a_file_without_a_checksum_is_refused(keys: dict[str, str]) -> None:
    with pytest.raises(Misfit) as error:
        choose(version=UNKNOWN, **keys)
    assert error.value == Misfit(
        key="ide.code_server.source",
        what=f"no sha256 is known for code-server {UNKNOWN}: the file could not be checked",
        fix="add `sha256:` (the release page lists it), or use `source: npm`",
    )


def test_the_script_pins_nothing_and_says_so() -> None:
    plan, decision = choose(source="script")
    assert (plan.version, plan.url, plan.sha256, plan.integrity) == (None, DATA["script"], "", "")
    assert decision.value == "the newest from script"
    assert code_server.warnings(plan, BuildFacts()) == [
        "code-server comes from the official install script: no version and no checksum is pinned"
    ]


def test_npm_s_package_that_the_table_does_not_know_is_warned_about() -> None:
    plan, _ = choose(version=UNKNOWN)
    assert code_server.warnings(plan, BuildFacts()) == [
        f"code-server {UNKNOWN} is not in envkit's table: its integrity is the registry's word"
    ]


def test_a_required_extension_without_a_gallery_is_warned_about_and_an_optional_one_is_not() -> None:
    away = BuildFacts(reachable={"gallery": False})
    plan, _ = choose(extensions=["a.b", {"id": "c.d", "optional": "true"}, "e.vsix"])
    (warning,) = code_server.warnings(plan, away)
    assert warning.startswith("the gallery cannot be reached from here: without a.b, which must be there")
    assert code_server.warnings(plan, BuildFacts(reachable={"gallery": True})) == []


def test_the_plan_reaches_the_shell_as_six_words() -> None:
    plan, _ = choose(source="file", file="in/my release.tar.gz", sha256=SHA)
    assert shlex.split(code_server.script_words(plan)) == [
        "SOURCE=file",
        "VERSION=4.138.0",
        "URL=",
        f"SHA256={SHA}",
        "INTEGRITY=",
        "FILE=files/my release.tar.gz",
    ]


def test_extensions_are_ids_with_their_versions_or_files() -> None:
    plan, _ = choose(extensions=["a.b@1.2.3", {"id": "c.d", "optional": "true"}, "in/e.vsix"])
    assert plan.extensions == (
        ExtensionPlan(id="a.b", version="1.2.3"),
        ExtensionPlan(id="c.d", optional=True),
        ExtensionPlan(vsix="e.vsix"),
    )
    assert [extension.name for extension in plan.extensions] == ["a.b@1.2.3", "c.d", "e.vsix"]
    assert code_server.extension_rows(plan) == {
        "gallery": DATA["gallery"],
        "extensions": [
            {"id": "a.b", "version": "1.2.3", "optional": False},
            {"id": "c.d", "version": "", "optional": True},
            {"vsix": "e.vsix", "optional": False},
        ],
    }


@pytest.mark.parametrize(
    ("extensions", "what"),
    [
        (["a/x.vsix", "b/x.vsix"], "two extensions' files are called x.vsix"),
        (["a.b", {"vsix": "extensions.json"}], "extensions.json is no `.vsix` file"),
    ],
)
def test_a_file_that_would_be_lost_is_refused(extensions: list[Any], what: str) -> None:
    with pytest.raises(Misfit) as error:
        choose(extensions=extensions)
    assert (error.value.key, error.value.what) == ("ide.code_server.extensions.1", what)
