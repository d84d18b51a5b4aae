"""Who has which card: leases that one of two gets, that end with their environment, and are never lost."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import pytest

from envkit.container import maker
from envkit.engines.fake import FakeEngine
from envkit.engines.values import ContainerFacts, ExecResult, RunRequest
from envkit.environment import card_lease
from envkit.environment.ending import loss, remove, stop
from envkit.environment.garbage import Place, leftovers, sweep
from envkit.environment.starting import start
from envkit.environment.up import Site, UpRequest, up
from envkit.errors import AcceleratorError
from envkit.hosts.base import Command, Completed
from envkit.plan.devices import parse_device
from envkit.plan.run_plan import RunImage
from tests.card_outputs import output
from tests.environments import Door, TalkingHost, a_request, a_site, image

UUIDS = ("GPU-3f6d0a51-6e4b-4f0c-9a57-1f2f6a3d9c10", "GPU-9b2e7a40-11a5-49b8-8a3e-5c1d2e3f4a5b")
LIST = "".join(f"GPU {n}: NVIDIA H100 80GB HBM3 (UUID: {uuid})\n" for n, uuid in enumerate(UUIDS))
CARDS = image(**{"io.envkit.accelerator": "cuda"})


@dataclass
class Machine(TalkingHost):
    """A machine with two GPUs."""

    def run(self, command: Command) -> Completed:
        if command.words[:2] == ("stat", "-L"):
            nodes = "".join(f"0 {path}\n" for path in command.words[5:])
            return Completed(code=0, stdout=nodes, stderr="")
        return super().run(command)

    def find_programs(self, name: str) -> tuple[Path, ...]:
        return (Path(f"/usr/bin/{name}"),) if name == "nvidia-smi" else ()


@pytest.fixture
def site() -> Site:
    plain, engine, host = a_site(Door())
    engine.images.add(CARDS)
    engine.inside.scripts[("nvidia-smi", "-L")] = ExecResult(code=0, stdout=LIST.encode(), stderr=b"")
    answers = {
        **host.answers,
        "id": "uid=1000(ada) gid=100(users)",
        "ls": "nvidia0\nnvidia1\nnvidiactl\n",
        "/usr/bin/nvidia-smi": output("nvidia-smi-535-h100.csv"),
    }
    return dataclasses.replace(plain, host=Machine(answers))


def engine_of(site: Site) -> FakeEngine:
    assert isinstance(site.engine, FakeEngine)
    return site.engine


def asks(name: str, device: str, **options: object) -> UpRequest:
    asked = RunImage(reference="gpu:dev", id=CARDS.id, labels=CARDS.labels)
    request = a_request(name=name, device=parse_device(device), **options)
    return dataclasses.replace(request, image=asked)


def begin(site: Site, name: str, device: str, **options: object) -> str:
    """Bring it up; return the cards that it got."""
    up(site, asks(name, device, **options), lambda line: None)
    facts = site.engine.containers.inspect(f"envkit-{name}")
    assert facts
    return str(json.loads(facts.labels["io.envkit.run"])["device"])


def leases(site: Site) -> list[ContainerFacts]:
    return list(site.engine.containers.find({"io.envkit.kind": "card"}))


def test_two_environments_get_two_cards_and_a_third_none(site: Site) -> None:
    assert [begin(site, "a", "1"), begin(site, "b", "1")] == ["cuda:0", "cuda:1"]
    with pytest.raises(AcceleratorError) as caught:
        begin(site, "c", "1")
    assert caught.value.what.splitlines()[1:] == [
        "    cuda:0 (NVIDIA H100 80GB HBM3): environment a has it",
        "    cuda:1 (NVIDIA H100 80GB HBM3): environment b has it",
    ]
    assert site.engine.containers.inspect("envkit-c") is None
    assert sorted(facts.name for facts in leases(site)) == [f"envkit-card-{uuid}" for uuid in UUIDS]


def test_a_lease_is_never_started_and_of_the_image_that_is(site: Site) -> None:
    begin(site, "a", "cuda:1")
    (lease,) = leases(site)
    assert (lease.state, lease.image, lease.labels["io.envkit.cards"]) == ("created", CARDS.id, UUIDS[1])


def test_asking_again_finds_the_same_card_however_it_is_asked(site: Site) -> None:
    assert begin(site, "a", "1") == begin(site, "a", "1") == begin(site, "a", "auto") == "cuda:0"
    assert len(leases(site)) == 1


def test_a_stopped_environment_holds_no_card_and_start_names_who_has_it(site: Site) -> None:
    begin(site, "a", "cuda:0")
    stop(site.engine, "a")
    assert leases(site) == []
    begin(site, "b", "cuda:0")
    with pytest.raises(AcceleratorError) as caught:
        start(site, "a", 1, lambda line: None)
    assert "environment a cannot start with the cards that it was made with" in caught.value.what
    assert "environment b has it" in caught.value.what
    assert "`envkit commit a a:kept` keeps what was installed, then `envkit rm a`" in caught.value.fix
    stop(site.engine, "b")
    start(site, "a", 1, lambda line: None)
    assert [facts.labels["io.envkit.card-holder"] for facts in leases(site)] == ["environment a"]


def test_cards_that_are_counted_otherwise_are_still_the_same(site: Site) -> None:
    begin(site, "a", "cuda:1")
    stop(site.engine, "a")
    assert isinstance(site.host, Machine)
    first, second = output("nvidia-smi-535-h100.csv").splitlines()
    counted = f"0{second[1:]}\n1{first[1:]}\n"
    site.host.answers = {**site.host.answers, "/usr/bin/nvidia-smi": counted}
    start(site, "a", 1, lambda line: None)
    assert [facts.labels["io.envkit.cards"] for facts in leases(site)] == [UUIDS[1]]


def test_one_that_ended_by_itself_holds_no_card_either(site: Site) -> None:
    begin(site, "a", "cuda:0")
    engine_of(site).containers.set_state("envkit-a", "exited", 0)
    assert begin(site, "b", "cuda:0") == "cuda:0"
    assert [facts.labels["io.envkit.card-holder"] for facts in leases(site)] == ["environment b"]


def test_what_is_removed_gives_its_cards_back(site: Site) -> None:
    begin(site, "a", "2")
    remove(site.engine, loss(site.engine, "a"))
    assert leases(site) == []


def test_one_that_runs_without_a_lease_still_has_its_card(site: Site) -> None:
    begin(site, "a", "cuda:0")
    for lease in leases(site):
        site.engine.containers.remove(lease.id)
    with pytest.raises(AcceleratorError, match="environment a has it"):
        begin(site, "b", "cuda:0")
    assert begin(site, "b", "1") == "cuda:1"


def test_to_share_takes_what_another_has_and_leases_nothing(site: Site) -> None:
    begin(site, "a", "cuda:0")
    assert begin(site, "b", "cuda:0", share=True) == "cuda:0"
    assert len(leases(site)) == 1
    start(site, "b", 1, lambda line: None)
    stop(site.engine, "a")
    with pytest.raises(AcceleratorError, match="environment b has it"):
        start(site, "a", 1, lambda line: None)


def test_a_failed_start_leaves_neither_lease_nor_container(site: Site) -> None:
    half = ExecResult(code=0, stdout=LIST.splitlines()[0].encode(), stderr=b"")
    engine_of(site).inside.scripts[("nvidia-smi", "-L")] = half
    with pytest.raises(AcceleratorError, match=f"was given 2 cards and does not see {UUIDS[1]}"):
        begin(site, "a", "2")
    assert leases(site) == [] and site.engine.containers.inspect("envkit-a") is None


def test_nvidia_smi_failing_inside_is_an_error_with_its_words(site: Site) -> None:
    failed = ExecResult(code=255, stdout=b"Failed to initialize NVML: Unknown Error\n", stderr=b"")
    engine_of(site).inside.scripts[("nvidia-smi", "-L")] = failed
    with pytest.raises(AcceleratorError, match="Failed to initialize NVML: Unknown Error"):
        begin(site, "a", "1")


def left_by(site: Site, who: maker.Maker, name: str = "killed") -> str:
    """Leave what an `up` leaves that is killed between lease and start."""
    labels = {
        "io.envkit.kind": "environment",
        "io.envkit.environment": name,
        "io.envkit.cards": UUIDS[0],
        **maker.labels(who),
    }
    made = site.engine.containers.create(RunRequest(image=CARDS.id, name=f"envkit-{name}", labels=labels))
    lease = {
        "io.envkit.kind": "card",
        "io.envkit.cards": UUIDS[0],
        "io.envkit.card-of": made,
        "io.envkit.card-holder": f"environment {name}",
        **maker.labels(who),
    }
    site.engine.containers.create(RunRequest(image=CARDS.id, name=f"envkit-card-{UUIDS[0]}", labels=lease))
    return made


def gone() -> maker.Maker:
    return dataclasses.replace(maker.this_process(), pid=2**22 + 1, started="1")


def test_what_a_killed_up_leased_the_next_one_takes(site: Site) -> None:
    left_by(site, gone())
    assert begin(site, "b", "cuda:0") == "cuda:0"
    assert site.engine.containers.inspect("envkit-killed") is None, "its start may still have been on its way"


def test_what_is_being_started_is_not_taken(site: Site) -> None:
    left_by(site, maker.this_process())
    with pytest.raises(AcceleratorError, match="environment killed is being started on it"):
        begin(site, "b", "cuda:0")


def test_a_lease_that_comes_between_look_and_start_sends_the_second_to_another_card(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = card_lease.holders
    looks: list[int] = []

    def late(engine: FakeEngine, *, besides: str = "") -> object:
        looks.append(1)
        return {} if len(looks) == 1 else hidden(engine, besides=besides)

    left_by(site, maker.this_process())
    monkeypatch.setattr(card_lease, "holders", late)
    assert begin(site, "b", "1") == "cuda:1"
    assert len(looks) == 2


def test_gc_shows_and_removes_a_lease_that_holds_nothing(site: Site) -> None:
    begin(site, "a", "cuda:1")
    left_by(site, gone())
    place = Place(engine=site.engine, host=site.host, cache=site.cache)
    found = leftovers(place, datetime.now(timezone.utc))
    assert [(one.kind, one.name) for one in found if one.kind == "card"] == [
        ("card", f"envkit-card-{UUIDS[0]}")
    ]
    sweep(place, found, lambda line: None)
    assert [facts.labels["io.envkit.card-holder"] for facts in leases(site)] == ["environment a"]
