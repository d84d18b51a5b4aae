"""A run is planned and started: what is made, what is refused, and what stays after a failure."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from envkit.container import bundle, deliver, maker
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult, Mount, RunRequest
from envkit.environment.up import Site
from envkit.errors import EngineError, UsageError
from envkit.plan.run_plan import Caller
from envkit.plan.secret_plan import SecretPlan
from envkit.run.folder import Request
from envkit.run.going import Going
from envkit.run.plan import JobPlan, OwnContainer
from envkit.run.start import start
from envkit.run.wish import Wish, plan_job
from tests.environments import image
from tests.runs import a_site, a_wish


def never_built(spec: str) -> object:
    raise AssertionError(spec)


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


def planned(site: Site, wish: Wish) -> JobPlan:
    return plan_job(site, wish, never_built, silent)  # type: ignore[arg-type]  # nothing is built


def begun(site: Site, wish: Wish) -> Going:
    return start(site, planned(site, wish), silent)


def test_a_script_is_planned_where_the_container_sees_it(tmp_path: Path) -> None:
    site, _, _ = a_site(tmp_path)
    plan = planned(site, a_wish(tmp_path))
    [node] = plan.nodes
    assert isinstance(node.place, OwnContainer)
    assert node.place.mounts[:2] == (
        Mount(source=f"{tmp_path}/home", target="/work/home"),
        Mount(source=f"{tmp_path}/cache", target="/work/cache"),
    )
    asked = node.request
    assert (asked.kind, asked.target, asked.directory) == (
        "script",
        "/work/home/proj/train.py",
        "/work/home/proj",
    )
    assert (asked.folder, asked.python, asked.attempt) == ("/work/home/task/x", ("/opt/venv/bin/python",), 1)
    assert asked.env == {
        "MODEL_PATH": "x",
        "SCRIPT": "/work/home/proj/train.py",
        "SCRIPTPATH": "/work/home/proj",
    }
    assert asked.record["script"] == f"{tmp_path}/home/proj/train.py"


def test_another_working_directory_leaves_the_script_s_own_folder_named(tmp_path: Path) -> None:
    site, _, _ = a_site(tmp_path)
    (tmp_path / "home" / "work").mkdir()
    plan = planned(site, replace(a_wish(tmp_path), workdir=f"{tmp_path}/home/work"))
    asked = plan.nodes[0].request
    assert (asked.directory, asked.env["SCRIPTPATH"]) == ("/work/home/work", "/work/home/proj")


def test_a_cache_that_a_run_makes_can_be_cleaned_one_that_was_there_stays_as_it_is(tmp_path: Path) -> None:
    site, _, _ = a_site(tmp_path)
    begun(site, a_wish(tmp_path))
    assert (tmp_path / "cache" / ".envkit-cache").is_file()

    other = tmp_path / "other"
    (other / "cache").mkdir(parents=True)
    site, _, _ = a_site(other)
    begun(site, a_wish(other))
    assert not list((other / "cache").iterdir())


def test_the_container_has_the_supervisor_for_process_1(tmp_path: Path) -> None:
    site, engine, _ = a_site(tmp_path)
    going = begun(site, a_wish(tmp_path))
    made = engine.containers.requests[going.container]
    assert (made.name, made.user, made.entrypoint, made.init, made.restart) == (
        "envkit-run-x",
        "1000:100",
        ("/opt/venv/bin/python",),
        False,
        "no",
    )
    assert made.command == ("-I", "-S", *bundle.program_in("/work/home/task/x/begin.json"))
    assert made.ports == () and not made.health
    assert made.labels["io.envkit.kind"] == "run" and made.labels["io.envkit.run"] == "x"
    told = json.loads(Path(tmp_path, "home/task/x/begin.json").read_bytes())
    assert told["run"] == "run_main" and told["plan"]["folder"] == "/work/home/task/x"
    assert going.folder.path == Path(tmp_path, "home/task/x")


def test_secrets_come_by_exec_and_it_waits_for_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, engine, _ = a_site(tmp_path)
    monkeypatch.setenv("TOKEN", "s3cret")
    given: list[bytes] = []

    def take(facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        given.append(request.stdin)
        return ExecResult(code=0, stdout=b"", stderr=b"")

    engine.inside.scripts[("sh", "-c", deliver._SCRIPT, "deliver", "/run/secrets")] = take
    wish = a_wish(tmp_path)
    wish = replace(wish, options=replace(wish.options, secrets=(SecretPlan(name="TOKEN"),)))
    made = engine.containers.requests[begun(site, wish).container]
    assert made.entrypoint is not None and made.entrypoint[:2] == ("sh", "-c")
    assert made.command == (
        "/opt/venv/bin/python",
        "-I",
        "-S",
        *bundle.program_in("/work/home/task/x/begin.json"),
    )
    assert made.env["ENVKIT_SECRET_NAMES"] == "TOKEN" and made.tmpfs[0].target == "/run/secrets"
    assert given == [b"TOKEN " + base64.b64encode(b"s3cret") + b"\n"]
    assert "s3cret" not in repr(made) and "s3cret" not in json.dumps(asdict(planned_request(site, wish)))


def planned_request(site: Site, wish: Wish) -> Request:
    return planned(site, replace(wish, job=replace(wish.job, name="y"))).nodes[0].request


def test_secrets_would_be_gone_after_the_machine_was(tmp_path: Path) -> None:
    site, _, _ = a_site(tmp_path)
    wish = a_wish(tmp_path, retries=1, retry_on=("oom", "host-lost"))
    wish = replace(wish, options=replace(wish.options, secrets=(SecretPlan(name="TOKEN"),)))
    with pytest.raises(UsageError, match="a run with secrets cannot go on") as caught:
        planned(site, wish)
    assert caught.value.fix == "--on oom"


def test_only_what_may_be_lost_with_the_machine_is_started_again(tmp_path: Path) -> None:
    site, engine, _ = a_site(tmp_path)
    going = begun(site, a_wish(tmp_path, retries=1, retry_on=("host-lost",)))
    assert engine.containers.requests[going.container].restart == "on-failure" and going.survives


def test_a_name_is_given_once_while_it_runs_and_afterwards(tmp_path: Path) -> None:
    site, engine, _ = a_site(tmp_path)
    going = begun(site, a_wish(tmp_path))
    with pytest.raises(UsageError, match="run x runs already"):
        begun(site, a_wish(tmp_path))
    (tmp_path / "home/task/x/run.json").touch()
    engine.containers.remove(going.container)
    with pytest.raises(UsageError, match="there is a run x already") as caught:
        begun(site, a_wish(tmp_path))
    assert "--resume" in caught.value.fix
    assert engine.containers.find({}) == ()
    assert (tmp_path / "home/task/x/run.json").exists()


def test_resume_is_the_next_attempt_in_the_same_folder(tmp_path: Path) -> None:
    site, engine, _ = a_site(tmp_path)
    going = begun(site, a_wish(tmp_path))
    (tmp_path / "home/task/x/attempts/1").mkdir(parents=True)
    engine.containers.stop(going.container, 0)
    begun(site, a_wish(tmp_path, resume=True))
    told = json.loads((tmp_path / "home/task/x/begin.json").read_bytes())
    assert told["plan"]["attempt"] == 2 and engine.containers.inspect(going.container) is None


def test_what_runs_is_not_resumed(tmp_path: Path) -> None:
    site, _, _ = a_site(tmp_path)
    begun(site, a_wish(tmp_path))
    (tmp_path / "home/task/x/attempts/1").mkdir(parents=True)
    with pytest.raises(UsageError, match="run x runs already"):
        begun(site, a_wish(tmp_path, resume=True))


def test_resume_of_what_never_was_begins_and_says_so(tmp_path: Path) -> None:
    site, _, _ = a_site(tmp_path)
    said: list[str] = []
    plan = plan_job(site, a_wish(tmp_path, resume=True), never_built, said.append)  # type: ignore[arg-type]
    assert plan.nodes[0].request.attempt == 1 and said == ["there is no run x yet: it begins"]


def test_a_failed_start_leaves_neither_container_nor_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, engine, _ = a_site(tmp_path)

    def fail(container: str) -> None:
        raise EngineError("no start today", fix="tomorrow")

    monkeypatch.setattr(engine.containers, "start", fail)
    with pytest.raises(EngineError, match="no start today"):
        begun(site, a_wish(tmp_path))
    assert engine.containers.find({}) == () and not (tmp_path / "home/task/x").exists()


def left_by_a_killed_one(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> str:
    """Leave what an envkit leaves that is killed between create and start."""
    gone = maker.labels(maker.this_process())
    labels = {"io.envkit.kind": "run", "io.envkit.run": "x", **gone}
    made = engine.containers.create(RunRequest(image=image().id, name="envkit-run-x", labels=labels))
    monkeypatch.setattr("envkit.run.start.condition", lambda maker: "gone")
    return made


def test_what_a_killed_envkit_left_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, engine, _ = a_site(tmp_path)
    left = left_by_a_killed_one(engine, monkeypatch)
    (tmp_path / "home/task/x").mkdir(parents=True)
    going = begun(site, a_wish(tmp_path))
    assert engine.containers.inspect(left) is None and going.container != left


def test_somebody_elses_container_is_left_alone(tmp_path: Path) -> None:
    site, engine, _ = a_site(tmp_path)
    engine.containers.create(RunRequest(image=image().id, name="envkit-run-x"))
    with pytest.raises(EngineError, match="is no run, and has the name that x needs"):
        begun(site, a_wish(tmp_path))
    assert not (tmp_path / "home/task/x").exists()


def test_what_a_killed_client_left_in_a_folder_is_no_run(tmp_path: Path) -> None:
    site, _, _ = a_site(tmp_path)
    left = tmp_path / "home/task/x/begin.json"
    left.parent.mkdir(parents=True)
    left.write_text("half", "utf-8")
    begun(site, a_wish(tmp_path))
    assert json.loads(left.read_bytes())["run"] == "run_main"


def test_root_s_own_supervisor_writes_root_s_account(tmp_path: Path) -> None:
    site, engine, _ = a_site(tmp_path)
    going = begun(site, replace(a_wish(tmp_path), caller=Caller(uid=0, gid=0, name="root")))
    told = json.loads((tmp_path / "home/task/x/begin.json").read_bytes())
    assert ":/work/home:/bin/bash" in told["plan"]["account"]["/etc/passwd"]
    assert not engine.inside.get(going.container, "/etc/passwd")
