"""What a start brings: secrets and the door's certificate, through `up`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envkit.container import deliver
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecRequest, ExecResult
from envkit.environment.handover import asked_exposure, awaited
from envkit.environment.secrets import planned
from envkit.environment.starting import start
from envkit.environment.up import Site, UpRequest, plan_up, up
from envkit.errors import PlanError, UsageError
from envkit.plan.run_plan import RunImage
from tests.environments import Door, TalkingHost, a_request, a_site, image

DELIVER = ("sh", "-c", deliver._SCRIPT, "deliver", "/run/secrets")
MARKER = ("test", "-e", "/run/secrets/.delivered")
CERTIFICATE = ("cat", "/run/secrets/tls.crt")


class Memory:
    """The tmpfs of the one container: what was brought, until it stops."""

    def __init__(self, engine: FakeEngine) -> None:
        self.brought: list[bytes] = []
        self.engine = engine
        engine.inside.scripts[DELIVER] = self.take
        engine.inside.scripts[MARKER] = lambda facts, request: self.done(bool(self.brought))
        engine.inside.scripts[CERTIFICATE] = ExecResult(code=0, stdout=b"CERT", stderr=b"")

    def take(self, facts: ContainerFacts, request: ExecRequest) -> ExecResult:
        self.brought.append(request.stdin)
        return self.done(True)

    def done(self, well: bool) -> ExecResult:
        return ExecResult(code=int(not well), stdout=b"", stderr=b"")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def new_image(engine: FakeEngine, **labels: str) -> RunImage:
    found = engine.images.add(image(**{"io.envkit.contract": "2", **labels}))
    return RunImage(reference="lab:dev", id=found.id, labels=found.labels)


def place() -> tuple[Site, Memory, UpRequest]:
    site, engine, host = a_site(Door())
    assert isinstance(host, TalkingHost)
    host.answers = {**host.answers, "hostname": "gpu7.lan 192.0.2.2\n"}
    return site, Memory(engine), replace(a_request(), image=new_image(engine))


def env_file(folder: Path, text: str) -> str:
    (folder / "env").write_text(text)
    return str(folder / "env")


def silent(_line: str) -> None:
    """Hear a report and say nothing."""


def asking(request: UpRequest, **options: object) -> UpRequest:
    return replace(request, options=replace(request.options, **options))  # type: ignore[arg-type]


def test_secrets_are_brought_after_the_start_and_their_names_alone_are_remembered(tmp_path: Path) -> None:
    site, memory, request = place()
    up(site, asking(request, secrets=planned(env_file(tmp_path, "B=2\nA=hunter2\n"))), silent)
    [facts] = memory.engine.containers.find({})
    made = memory.engine.containers.requests[facts.id]
    assert memory.brought == [b"A aHVudGVyMg==\nB Mg==\n"]
    assert made.env["ENVKIT_SECRET_NAMES"] == "A B"
    assert "hunter2" not in repr(made) + repr(facts)


def test_asking_again_brings_nothing_and_needs_no_values(tmp_path: Path) -> None:
    site, memory, request = place()
    up(site, asking(request, secrets=planned(env_file(tmp_path, "A=1\n"))), silent)
    (tmp_path / "env").unlink()
    up(site, request, silent)
    assert len(memory.brought) == 1


def test_asking_again_with_values_says_that_they_wait_for_a_restart(tmp_path: Path) -> None:
    site, _, request = place()
    wish = asking(request, secrets=planned(env_file(tmp_path, "A=1\n")))
    said: list[str] = []
    up(site, wish, silent)
    up(site, wish, said.append)
    assert said == ["environment lab keeps the secrets it was started with: `envkit restart` brings new ones"]


def test_a_start_after_a_stop_brings_them_again_from_where_they_were(tmp_path: Path) -> None:
    site, memory, request = place()
    up(site, asking(request, secrets=planned(env_file(tmp_path, "A=1\n"))), silent)
    memory.engine.containers.stop("envkit-lab", 1)
    env_file(tmp_path, "A=2\n")
    up(site, request, silent)
    assert memory.brought == [b"A MQ==\n", b"A Mg==\n"]


def test_start_takes_them_from_another_file_when_told(tmp_path: Path) -> None:
    site, memory, request = place()
    up(site, asking(request, secrets=planned(env_file(tmp_path, "A=1\n"))), silent)
    (tmp_path / "new").write_text("A=2\n")
    memory.engine.containers.stop("envkit-lab", 1)
    assert isinstance(site.host, TalkingHost)
    site.host.answers = {**site.host.answers, "id": "uid=1000(ada) gid=100(users) groups=100(users)\n"}
    start(site, "lab", 60, silent, str(tmp_path / "new"))
    assert memory.brought == [b"A MQ==\n", b"A Mg==\n"]


def test_what_the_engine_started_by_itself_gets_what_it_waits_for(tmp_path: Path) -> None:
    site, memory, request = place()
    up(site, asking(request, secrets=planned(env_file(tmp_path, "A=1\n"))), silent)
    memory.brought.clear()  # a new start: the memory is empty
    up(site, request, silent)
    assert memory.brought == [b"A MQ==\n"]


def test_a_value_that_is_nowhere_stops_before_anything_is_made(tmp_path: Path) -> None:
    site, memory, request = place()
    with pytest.raises(UsageError, match="secrets without a value: NOWHERE"):
        up(site, asking(request, secrets=planned(env_file(tmp_path, "NOWHERE\n"))), silent)
    assert memory.engine.containers.find({}) == ()


def test_the_specs_secrets_stand_in_the_images_label(monkeypatch: pytest.MonkeyPatch) -> None:
    site, memory, request = place()
    expect = '{"services": ["jupyterlab"], "secrets": [{"name": "HF_TOKEN"}, {"name": "B", "optional": 1}]}'
    monkeypatch.setenv("HF_TOKEN", "abc")
    up(site, replace(request, image=new_image(memory.engine, **{"io.envkit.expect": expect})), silent)
    assert memory.brought == [b"HF_TOKEN YWJj\n"]


def test_other_names_are_another_environment(tmp_path: Path) -> None:
    site, _, request = place()
    up(site, asking(request, secrets=planned(env_file(tmp_path, "A=1\n"))), silent)
    with pytest.raises(UsageError, match="secrets: it has A, asked for is A, B"):
        up(site, asking(request, secrets=planned(env_file(tmp_path, "A=1\nB=2\n"))), silent)


def test_an_exposed_door_gets_a_certificate_and_is_asked_by_it() -> None:
    site, memory, request = place()
    exposed = asking(request, exposure=asked_exposure("0.0.0.0", (), None, None), port=20_123)
    opened = up(site, exposed, silent)
    [facts] = memory.engine.containers.find({})
    names = [line.split()[0] for line in memory.brought[0].decode().splitlines()]
    assert names == ["hostnames", "tls.crt", "tls.key"]
    assert facts.ports == {8888: ("0.0.0.0", 20_123)}
    assert opened.urls.jupyterlab == "https://192.0.2.2:20123/env/lab/login?next=%2Fenv%2Flab%2Flab&token=t1"
    assert opened.authority and Path(opened.authority.file).is_file()
    assert isinstance(site.ask, Door) and site.ask.tls and site.ask.tls.certificate == "CERT"
    assert awaited(facts.labels).exposure == exposed.options.exposure


def test_an_exposed_environment_stays_so_when_asked_again() -> None:
    site, _, request = place()
    first = up(site, asking(request, exposure=asked_exposure("0.0.0.0", ("a.org",), None, None)), silent)
    assert first.origin.startswith("https://a.org:")
    assert up(site, request, silent) == first


def test_an_older_environment_is_not_different_and_waits_for_nothing() -> None:
    site, memory, request = place()
    up(site, request, silent)
    [facts] = memory.engine.containers.find({})
    kept = {key: value for key, value in facts.labels.items() if key != "io.envkit.run-digest"}
    memory.engine.containers.add(replace(facts, labels=kept))
    up(site, request, silent)
    assert memory.brought == []


def test_an_image_of_an_older_envkit_starts_but_cannot_wait(tmp_path: Path) -> None:
    site, memory, request = place()
    older = replace(request, image=new_image(memory.engine, **{"io.envkit.contract": "1"}))
    with pytest.raises(PlanError, match="was made by an older envkit") as caught:
        plan_up(site, asking(older, secrets=planned(env_file(tmp_path, "A=1\n"))))
    assert caught.value.fix == "build it anew: `envkit build SPEC`"
    assert up(site, older, silent).name == "lab"
