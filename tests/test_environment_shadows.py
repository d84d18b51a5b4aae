"""Packages of the home in front of the image's: found where there are any, and named with the way out."""

from __future__ import annotations

import json
from dataclasses import replace

from envkit.engines.base import Engine
from envkit.engines.values import ExecResult, RunRequest
from envkit.environment.shadows import Shadow, find, tell
from envkit.environment.up import plan_up
from envkit.plan.run_plan import RunPlan
from tests.environments import Door, TalkingHost, a_request, a_site

FOLDER = "/data/home/.local/lib/python3.11/site-packages\n"


def running(answer: str) -> tuple[TalkingHost, Engine, RunPlan]:
    site, engine, host = a_site(Door())
    plan = replace(plan_up(site, a_request()), python="/opt/venv/bin/python")
    made = engine.containers.create(RunRequest(image="lab:dev", name="envkit-lab"))
    engine.containers.start(made)
    engine.inside.scripts[("/opt/venv/bin/python", "-")] = ExecResult(
        code=0, stdout=answer.encode(), stderr=b""
    )
    host.answers = {**host.answers, "find": FOLDER}
    return host, engine, plan


def test_what_hides_a_package_is_found() -> None:
    told = json.dumps({"folder": FOLDER, "shadows": [["numpy", "1.0", "2.0"]]})
    assert find(*running(told)) == (Shadow(name="numpy", home="1.0", image="2.0"),)


def test_a_home_without_packages_is_not_asked_about() -> None:
    host, engine, plan = running("{}")
    host.answers = {**host.answers, "find": ""}
    assert find(host, engine, plan) == ()
    assert engine.inside.requests == []


def test_a_python_that_says_nothing_useful_is_no_failure() -> None:
    assert find(*running("Traceback")) == ()


def test_the_way_out_is_said() -> None:
    said: list[str] = []
    tell((Shadow(name="numpy", home="1.0", image="2.0"),), said.append)
    assert said == [
        "/work/home/.local hides packages of the image: numpy 1.0 (the image has 2.0)",
        "  to be rid of them, in the environment: pip uninstall numpy",
    ]


def test_no_shadow_is_no_word() -> None:
    said: list[str] = []
    tell((), said.append)
    assert said == []
