"""`envkit adopt` on images that others made: what was theirs is still there, and the IDEs work."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from envkit.container import maker
from envkit.engines.docker import connect
from envkit.hosts.local import LocalHost
from envkit.save.foreign import Foreign, copied
from tests.names import fresh
from tests.openeuler import stand_in
from tests.real.conftest import Envkit
from tests.real.derived import derived

HERE = Path(__file__).with_name("adopt")
ENVKIT = str(Path(sys.executable).with_name("envkit"))
SECRET = "hunter2-hunter2-hunter2"
SAY = """
import json, os, sys, own, torch
print(json.dumps({
    "python": sys.executable, "torch": torch.__file__, "own": own.WORD, "here": os.getcwd(),
    **{name: os.environ.get(name) for name in ("TEAM", "GREETING", "HOME")},
}))
"""


@pytest.fixture(scope="module")
def team(image: str) -> Iterator[str]:
    """A team's image, with torch."""
    with derived(HERE / "team", image) as name:
        yield name


@pytest.fixture(scope="module")
def conda(debian: str) -> Iterator[str]:
    """An image that root runs, with a Python in a prefix."""
    with derived(HERE / "root", debian) as name:
        yield name


@pytest.fixture(scope="module")
def cann(ascend_image: str) -> Iterator[str]:
    """A team's image on CANN's, with torch and torch_npu."""
    with derived(HERE / "cann", ascend_image) as name:
        yield name


@pytest.fixture
def tag(engine: docker.DockerClient) -> Iterator[str]:
    """A name that goes with the test."""
    name = "envkit-test-adopted:dev"
    yield name
    if engine.images.list(name):
        engine.images.remove(name)


def refused(*words: str) -> tuple[int, str]:
    """Run a command that is to fail; return its exit code and its words."""
    done = subprocess.run([ENVKIT, *words], capture_output=True, text=True, timeout=600, check=False)
    return done.returncode, done.stderr


@pytest.mark.real
def test_a_team_s_image_keeps_python_torch_user_variables_and_entrypoint(
    envkit: Envkit, engine: docker.DockerClient, team: str, tag: str
) -> None:
    before = engine.images.get(team).id
    adopted = json.loads(envkit("adopt", team, "--tag", tag, "--json"))
    outcomes = {item["id"]: item["outcome"] for item in adopted["built"]["verdict"]["items"]}
    assert set(outcomes.values()) == {"passed"} and outcomes["torch"] == "passed"
    assert engine.images.get(team).id == before
    printed = engine.containers.run(tag, ["python", "-c", SAY], remove=True).decode().splitlines()
    assert printed[0] == "the team's entrypoint, in /app"
    assert json.loads(printed[-1]) == {
        "python": "/opt/venv-envkit/bin/python",
        "torch": "/opt/venv/lib/python3.11/site-packages/torch/__init__.py",
        "own": "own",
        "here": "/work/home",
        "TEAM": "vision",
        "GREETING": "good morning",
        "HOME": "/work/home",
    }
    config = engine.images.get(tag).attrs["Config"]
    assert config["User"] == "4321:0"
    assert json.loads(config["Labels"]["io.envkit.adopted"])["entrypoint"] == ["./entry.sh"]
    again = json.loads(envkit("adopt", team, "--tag", tag, "--json"))
    assert again["built"]["unchanged"] and again["built"]["image_id"] == adopted["built"]["image_id"]
    code, said = refused("adopt", tag)
    assert code == 2 and f"error: {tag} is envkit's already: it has the IDEs\n" in said


@pytest.fixture
def web(engine: docker.DockerClient, conda: str) -> Iterator[Container]:
    """A container that somebody else started, with a secret that was written into a file too, and a key."""
    words = {"environment": {"DB_PASSWORD": SECRET}, "volumes": ["/srv"], "entrypoint": ["sleep", "3600"]}
    container = engine.containers.run(conda, detach=True, **words)
    put = f"echo kept >/opt/mine; echo ls >/root/.bash_history; printf 'a = 1\\nb = {SECRET}' >/etc/app.conf"
    container.exec_run(["sh", "-c", put])
    yield container
    container.remove(force=True, v=True)


@pytest.mark.real
def test_secrets_that_were_written_in_a_container_are_refused_or_left_out(
    envkit: Envkit, engine: docker.DockerClient, web: Container
) -> None:
    before = web.attrs["Config"]
    code, said = refused("adopt", web.name, "--dry-run")
    assert code == 1 and SECRET not in said and "not in the copy: what lies in /srv, which is" in said
    assert "/etc/app.conf:2: the value of DB_PASSWORD; --scrub cuts it out\n" in said
    assert "/root/.bash_history: a history of commands; --scrub leaves the file out\n" in said
    connected = connect(LocalHost())
    facts = connected.containers.inspect(web.id)
    assert facts is not None
    foreign = Foreign(
        engine=connected, host=LocalHost(), container=facts, name="web", scrub=True, note=lambda line: None
    )
    look = 'cat /opt/mine /etc/app.conf; ls -A /root; echo "${DB_PASSWORD-none}"'
    with copied(foreign) as copy:
        printed = engine.containers.run(copy.id, ["-c", look], entrypoint="sh", remove=True)
        whole = b"".join(engine.images.get(copy.id).save())
    words = printed.decode().split()
    assert words[:4] == ["kept", "a", "=", "1"] and words[-1] == "none"
    assert ".bash_history" not in words and "conda" in words and SECRET.encode() not in whole
    web.reload()
    assert web.status == "running" and web.attrs["Config"] == before
    assert engine.images.list(name="envkit-unverified/web") == []


@pytest.mark.real
def test_ctrl_c_while_it_installs_leaves_nothing(engine: docker.DockerClient, debian: str) -> None:
    tag = f"envkit-test-adopt-cut:{fresh('t')}"
    words = [ENVKIT, "adopt", debian, "--by-commit", "--tag", tag]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "[in a container " in line:
                running.send_signal(signal.SIGINT)
                break
        rest = running.stderr.read()
        assert running.wait(120) == 130, rest
    assert engine.images.list(tag) == []
    made = engine.containers.list(all=True, filters={"label": maker.LABEL})
    assert running.pid not in [json.loads(one.labels[maker.LABEL])["pid"] for one in made]
    names = [name for image in engine.images.list() for name in image.tags if "envkit-unverified/" in name]
    assert not [name for name in names if f".{running.pid}." in name]


@pytest.mark.real
def test_what_only_root_may_enter_is_opened_and_a_program_is_no_wrapper(envkit: Envkit, conda: str) -> None:
    plan = json.loads(envkit("adopt", conda, "--dry-run", "--json"))
    assert plan["python"]["interpreter"] == "/root/conda/bin/python"
    assert plan["kept"]["entrypoint"] == {"words": ["python"], "wraps": False, "sets": []}
    assert [step["what"] for step in plan["steps"]] == ["chmod g+x /root"]
    assert (plan["user"]["name"], plan["user"]["uid"]) == ("dev", 1000)


@pytest.mark.real
def test_an_openeuler_like_image_is_seen_for_what_it_is(envkit: Envkit, debian: str) -> None:
    with stand_in.standing_in(connect(LocalHost()), LocalHost()):
        plan = json.loads(envkit("adopt", stand_in.IMAGE, "--dry-run", "--json"))
    assert (plan["base"]["distribution"], plan["base"]["manager"]) == ("openeuler:24.03", "dnf")


@pytest.mark.real
@pytest.mark.parametrize(
    ("made", "said", "fix"),
    [
        (
            "echo 'echo glibc 2.24' >/usr/local/bin/getconf; chmod +x /usr/local/bin/getconf",
            "it has glibc 2.24, and code-server's Node needs 2.28",
            "take a later base: debian:12, debian:13",
        ),
        (
            "rm -f /usr/bin/apt* /usr/bin/getconf /usr/bin/ldd",
            "it has no package manager (apt or dnf)",
            "build it on debian:12, debian:13, ubuntu:22.04, ubuntu:24.04, openeuler:24.03",
        ),
        (
            "echo 'echo 3.6' >/usr/local/bin/python; chmod +x /usr/local/bin/python",
            "its Python is 3.6, and a notebook's kernel (ipykernel) needs 3.9 to 3.14",
            "put a CPython 3.9 to 3.14 first on its PATH",
        ),
    ],
    ids=["glibc", "manager", "python"],
)
def test_what_cannot_be_adopted_gets_a_clear_answer(
    engine: docker.DockerClient, debian: str, made: str, said: str, fix: str
) -> None:
    name = f"{fresh('envkit-test-odd')}:dev"
    engine.images.build(fileobj=io.BytesIO(f"FROM {debian}\nRUN {made}\n".encode()), tag=name, rm=True)
    code, told = refused("adopt", name, "--by-commit")
    engine.images.remove(name)
    assert (code, told.splitlines()[1:]) == (4, [f"error: {name} cannot be adopted: {said}", f"  fix: {fix}"])


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("way", [(), ("--by-commit",)], ids=["build", "commit"])
def test_both_ways_put_the_ides_onto_an_image_of_root_s_with_a_prefix(
    envkit: Envkit, engine: docker.DockerClient, conda: str, tag: str, way: tuple[str, ...]
) -> None:
    adopted = json.loads(envkit("adopt", conda, "--tag", tag, "--json", *way))
    assert {item["outcome"] for item in adopted["built"]["verdict"]["items"]} == {"passed", "not-applicable"}
    say = "import own, sys; print(own.WORD, sys.base_prefix)"
    printed = engine.containers.run(tag, ["python", "-c", say], user="777:0", remove=True)
    assert printed.decode().split() == ["conda", "/root/conda"]


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("way", [(), ("--by-commit",)], ids=["build", "commit"])
def test_an_image_on_cann_keeps_the_entrypoint_that_sources_cann_s_scripts(
    envkit: Envkit, engine: docker.DockerClient, cann: str, tag: str, way: tuple[str, ...]
) -> None:
    adopted = json.loads(envkit("adopt", cann, "--tag", tag, "--json", *way))
    outcomes = {item["id"]: item["outcome"] for item in adopted["built"]["verdict"]["items"]}
    assert set(outcomes.values()) == {"passed"} and outcomes["torch"] == "passed"
    assert adopted["kept"]["entrypoint"]["wraps"]
    use = "import torch; print((torch.ones(3, device='npu') * 2).sum().item())"
    for words in (["python", "-c", use], ["bash", "-lc", f'python -c "{use}"']):
        assert engine.containers.run(tag, words, remove=True).decode().split()[-1] == "6.0"
