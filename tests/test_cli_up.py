"""`up`, `ps`, `stop` and `rm` as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envkit.cli.main import envkit
from envkit.environment.up import Site
from envkit.errors import EnvkitError
from tests.environments import Door, TalkingHost, a_site

ID = "uid=1000(ada) gid=100(users) groups=100(users)\n"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    """This machine, in memory."""
    found, _, host = a_site(Door())
    host.answers = {**host.answers, "id": ID}
    monkeypatch.setattr("envkit.cli.site.open_site", lambda host_name=None: found)
    monkeypatch.setattr("envkit.cli.site.open_engine", lambda host_name=None: found.engine)
    return found


def run(*words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(envkit, list(words), input=answer)


@pytest.mark.usefixtures("site")
def test_up_prints_where_to_go_and_nothing_that_lets_in() -> None:
    done = run("up", "lab:dev", "--port", "20123")
    assert (done.exit_code, done.stderr) == (
        0,
        "environment lab started: waiting for its IDEs\n"
        "to log in: `envkit open lab`, or the same command with --show-token\n",
    )
    assert done.stdout == (
        "environment lab is running\n"
        "  JupyterLab   http://127.0.0.1:20123/env/lab/lab\n"
        "  VS Code      http://127.0.0.1:20123/env/lab/vscode/\n"
        "  TensorBoard  http://127.0.0.1:20123/env/lab/tensorboard/\n"
        "  /work/home   /data/home\n"
    )
    opened = json.loads(run("up", "lab:dev", "--json").stdout)
    assert (opened["token"], opened["own_door_password"]) == (None, None)
    assert opened["urls"]["jupyterlab"] == "http://127.0.0.1:20123/env/lab/lab"


@pytest.mark.usefixtures("site")
def test_up_shows_the_token_when_asked_and_ps_does_not_tell_it() -> None:
    done = run("up", "lab:dev", "--port", "20123", "--show-token")
    assert done.stdout == (
        "environment lab is running\n"
        "  JupyterLab   http://127.0.0.1:20123/env/lab/login?next=%2Fenv%2Flab%2Flab&token=t1\n"
        "  VS Code      http://127.0.0.1:20123/env/lab/login?next=%2Fenv%2Flab%2Fvscode%2F&token=t1\n"
        "  TensorBoard  http://127.0.0.1:20123/env/lab/login?next=%2Fenv%2Flab%2Ftensorboard%2F&token=t1\n"
        "  /work/home   /data/home\n"
    )
    listed = run("ps")
    assert listed.stdout.splitlines()[1].split() == [
        "lab", "running", "lab:dev", "http://127.0.0.1:20123/env/lab/lab",
    ]  # fmt: skip
    assert [one["name"] for one in json.loads(run("ps", "--json").stdout)] == ["lab"]
    assert "t1" not in run("ps", "--json").output


@pytest.mark.usefixtures("site")
def test_json_holds_all_that_opens_it_when_asked() -> None:
    opened = json.loads(run("up", "lab:dev", "--port", "20123", "--json", "--show-token").stdout)
    assert (opened["name"], opened["port"], opened["token"]) == ("lab", 20123, "t1")
    assert (
        opened["urls"]["jupyterlab"]
        == "http://127.0.0.1:20123/env/lab/login?next=%2Fenv%2Flab%2Flab&token=t1"
    )


def test_a_dry_run_prints_the_plan_and_makes_nothing(site: Site) -> None:
    done = run("up", "lab:dev", "--port", "20123", "--shm", "1g", "--dry-run")
    lines = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
    assert (lines["user"], lines["port"], lines["/dev/shm"]) == ("1000:100", "127.0.0.1:20123", "1024")
    assert json.loads(run("up", "lab:dev", "--dry-run", "--json").stdout)["home"] == "/data/home"
    assert site.engine.containers.find({}) == ()


@pytest.mark.parametrize(
    ("spec", "words", "says"),
    [
        ("", ("--mount", "data=/nosuch"), "--mount data=/nosuch: there is no such folder"),
        ("", ("--memory", "900g"), "--memory asks for 921600 MiB, the machine has 16000 MiB"),
        ("", ("--shm", "900g"), "--shm asks for 921600 MiB, the machine has 16000 MiB of memory"),
        ("", ("--home", "/etc/x"), "--home /etc/x: /etc belongs to the system"),
        ("", ("--name", "No Name"), "'No Name' cannot be an environment's name"),
        ("", ("--device", "cuda:0"), "the image is made for cpu, not for cuda"),
        ("accelerator: cuda\n", (), "this machine has no cuda card"),
        ("secrets: [NOBODY_HAS_THIS]\n", (), "NOBODY_HAS_THIS"),
    ],
)
@pytest.mark.usefixtures("site")
def test_what_no_image_changes_is_refused_before_one_is_built(
    spec: str, words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("envkit.environment.target.build_image", lambda *given: pytest.fail("it is built"))
    (tmp_path / "envkit.yaml").write_text(f"name: other\nbase: debian:12\n{spec}")
    done = run("up", str(tmp_path), *words)
    assert says in " ".join(done.stderr.split())
    assert done.exit_code == (7 if "cuda" in says else 2)


@pytest.mark.usefixtures("site")
def test_another_environment_of_that_name_is_refused_before_an_image_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_image(*given: object) -> None:
        raise EnvkitError("it is built", fix="")

    monkeypatch.setattr("envkit.environment.target.build_image", build_image)
    (tmp_path / "envkit.yaml").write_text("name: lab\nbase: debian:12\n")
    run("up", "lab:dev", "--cpus", "2")
    assert "it is built" in run("up", str(tmp_path)).stderr
    assert "it is built" in run("up", str(tmp_path), "--cpus", "2").stderr
    done = run("up", str(tmp_path), "--shm", "1g")
    assert done.exit_code == 2 and "shm mib: it has" in done.stderr, done.output


@pytest.mark.usefixtures("site")
def test_stop_and_rm_take_it_away_and_say_what_stays() -> None:
    run("up", "lab:dev")
    assert run("stop", "lab").stderr == "environment lab is stopped\n"
    asked = run("rm", "lab")
    assert asked.exit_code == 2
    assert asked.stderr.splitlines()[-2:] == [
        "error: nobody can be asked here",
        "  fix: envkit rm lab --yes",
    ]
    assert run("rm", "lab", "--yes").stderr == "environment lab is removed; /data/home stays\n"
    assert run("ps").stderr == "there is no environment; `envkit up` starts one\n"


def test_an_unknown_name_is_a_wrong_command_line(site: Site) -> None:
    assert isinstance(site.host, TalkingHost)
    site.host.answers = {**site.host.answers, "sh": "0\nboot\n"}
    done = run("stop", "lab")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "error: there is no environment and no run 'lab'\n"
        "  fix: there is none; `envkit up` starts an environment, `envkit train` a run\n"
    )
