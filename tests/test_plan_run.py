"""The run plan: what is decided, what is remembered, what is refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from envkit.accelerators.base import Seen
from envkit.accelerators.cards import Card
from envkit.errors import HostError, PlanError, UsageError
from envkit.plan.mounts import FolderMount
from envkit.plan.run_decisions import decisions
from envkit.plan.run_plan import Caller, RunHost, RunImage, RunOptions, RunPlan, plan_run
from envkit.plan.run_record import Difference, differences, digest, kept_options, labels

EXPECT = json.dumps({"services": ["jupyterlab", "code-server", "tensorboard"], "own_door": False})
IMAGE = RunImage(
    reference="cpu:dev", id="sha256:aa", labels={"io.envkit.name": "cpu", "io.envkit.expect": EXPECT}
)
HOST = RunHost(
    memory_mib=16_000,
    home="/home/ada/envkit/home",
    cache="/home/ada/envkit/cache",
    free_ports=(20_001, 20_002),
)
ADA = Caller(uid=1234567, gid=100, name="ada")
NOTHING = RunOptions()


def planned(**options: object) -> RunPlan:
    return plan_run(IMAGE, RunOptions(**options), HOST, ADA)  # type: ignore[arg-type]


def image(reference: str, **more: str) -> RunImage:
    return RunImage(reference=reference, id="sha256:aa", labels={"io.envkit.expect": EXPECT, **more})


def test_everything_is_decided_when_nothing_is_asked_for() -> None:
    assert planned() == RunPlan(
        name="cpu",
        image="cpu:dev",
        image_id="sha256:aa",
        caller=ADA,
        home="/home/ada/envkit/home",
        cache="/home/ada/envkit/cache",
        port=20_001,
        own_door_port=None,
        shm_mib=8_000,
        services=("jupyterlab", "code-server", "tensorboard"),
        groups=("0",),
        env={"ENVKIT_BASE_URL": "/env/cpu", "ENVKIT_NAME": "cpu"},
        stop_grace_s=15.0,
    )


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("debian:12", "debian"),
        ("localhost:5000/team/lab:1.0", "lab"),
        ("lab@sha256:00", "lab"),
        ("lab", "lab"),
    ],
)
def test_an_image_without_a_name_of_ours_gives_its_last_word(reference: str, name: str) -> None:
    assert plan_run(image(reference), NOTHING, HOST, ADA).name == name


@pytest.mark.parametrize("name", ["", "Ada", "a b", "-a", "../a", "a/b", "a" * 64, "a\n"])
def test_a_name_that_cannot_stand_in_a_url_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be an environment's name"):
        planned(name=name)


def test_two_environments_never_share_a_base_url() -> None:
    one, other = planned(name="one"), planned(name="other")
    assert (one.env["ENVKIT_BASE_URL"], other.env["ENVKIT_BASE_URL"]) == ("/env/one", "/env/other")


def test_a_foreign_image_is_refused_before_anything_starts() -> None:
    with pytest.raises(PlanError, match="debian:12 holds no IDE of ours") as caught:
        plan_run(RunImage(reference="debian:12", id="sha256:bb", labels={}), NOTHING, HOST, ADA)
    assert "envkit verify debian:12" in caught.value.fix


def test_the_second_door_gets_a_port_of_its_own() -> None:
    doored = image("cpu:dev", **{"io.envkit.expect": json.dumps({"services": [], "own_door": True})})
    plan = plan_run(doored, RunOptions(port=20_001), HOST, ADA)
    assert (plan.port, plan.own_door_port) == (20_001, 20_002)


def test_no_free_port_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(PlanError, match="no port is free"):
        plan_run(IMAGE, NOTHING, dataclasses.replace(HOST, free_ports=()), ADA)


def test_shared_memory_never_exceeds_what_loaders_can_use() -> None:
    large = dataclasses.replace(HOST, memory_mib=2_000_000)
    assert plan_run(IMAGE, NOTHING, large, ADA).shm_mib == 65_536


def test_more_shared_memory_than_there_is_memory_is_refused() -> None:
    with pytest.raises(UsageError, match="--shm asks for 16001 MiB, the machine has 16000 MiB"):
        planned(shm_mib=16_001)


@pytest.mark.parametrize("home", ["/data", "/data/home"])
def test_a_home_inside_the_cache_is_refused(home: str) -> None:
    with pytest.raises(UsageError, match="lies in --cache /data"):
        planned(home=home, cache="/data")


def test_labels_say_whose_they_are_and_hold_the_door() -> None:
    found = labels(planned())
    assert {
        key: found[key] for key in sorted(found) if key not in ("io.envkit.run", "io.envkit.run-digest")
    } == {
        "io.envkit.base-url": "/env/cpu",
        "io.envkit.environment": "cpu",
        "io.envkit.kind": "environment",
        "io.envkit.owned": "true",
        "io.envkit.port": "20001",
        "io.envkit.origin": "http://127.0.0.1:20001",
        "io.envkit.stop-grace": "15",
    }


def test_the_same_image_under_another_name_is_no_difference() -> None:
    renamed = plan_run(dataclasses.replace(IMAGE, reference="other:tag"), RunOptions(name="cpu"), HOST, ADA)
    assert differences(renamed, labels(planned())) == ()


def test_what_is_not_asked_for_again_stays_as_it_is() -> None:
    kept = labels(planned(home="/srv/ada", port=30_000, shm_mib=100))
    elsewhere = dataclasses.replace(HOST, free_ports=(25_000,), memory_mib=32_000)
    again = plan_run(IMAGE, kept_options(NOTHING, kept), elsewhere, ADA)
    assert differences(again, kept) == ()


def test_asking_for_something_else_names_each_difference() -> None:
    kept = labels(planned())
    asked = plan_run(IMAGE, kept_options(RunOptions(home="/srv/x", port=30_000), kept), HOST, ADA)
    assert differences(asked, kept) == (
        Difference(what="home", found="/home/ada/envkit/home", asked="/srv/x"),
        Difference(what="port", found="20001", asked="30000"),
    )


def test_a_rebuilt_image_is_a_difference() -> None:
    rebuilt = plan_run(dataclasses.replace(IMAGE, id="sha256:bb"), NOTHING, HOST, ADA)
    assert differences(rebuilt, labels(planned())) == (
        Difference(what="image id", found="sha256:aa", asked="sha256:bb"),
    )


def test_another_caller_is_a_difference() -> None:
    other = plan_run(IMAGE, NOTHING, HOST, Caller(uid=7, gid=7, name="bob"))
    assert differences(other, labels(planned())) == (
        Difference(what="user", found="1234567:100", asked="7:7"),
    )


def test_the_digest_is_the_same_for_the_same_and_holds_every_field() -> None:
    assert digest(planned()) == digest(planned())
    others = [
        planned(**{key: value})
        for key, value in (("home", "/h"), ("cache", "/c"), ("port", 5), ("shm_mib", 5))
    ]
    assert len({digest(plan) for plan in [planned(), *others]}) == 5


def test_every_line_of_a_plan_has_its_value() -> None:
    lines = {line.what: line.value for line in decisions(planned())}
    assert lines["port"] == "127.0.0.1:20001"
    assert lines["user"] == "1234567:100"
    assert lines["/work/home"] == "/home/ada/envkit/home"


def test_resources_that_are_not_asked_for_again_stay_as_they_are() -> None:
    mounts = (FolderMount(name="data", source="/srv/ada", read_only=True),)
    kept = labels(planned(cpus=2.5, memory_mib=4096, mounts=mounts, ulimits=()))
    again = plan_run(IMAGE, kept_options(NOTHING, kept), HOST, ADA)
    assert differences(again, kept) == ()
    other = plan_run(IMAGE, kept_options(RunOptions(cpus=3.0, mounts=mounts), kept), HOST, ADA)
    assert differences(other, kept) == (Difference(what="cpus", found="2.5", asked="3.0"),)


def test_an_environment_of_an_older_envkit_is_no_other() -> None:
    kept = labels(planned())
    record = json.loads(kept["io.envkit.run"])
    new = ("device", "mounts", "cpus", "memory_mib", "ulimits")
    old = {key: value for key, value in record.items() if key not in new}
    kept |= {"io.envkit.run": json.dumps(old), "io.envkit.run-digest": "sha256:before"}
    assert differences(plan_run(IMAGE, kept_options(NOTHING, kept), HOST, ADA), kept) == ()


def test_an_image_for_another_architecture_is_refused() -> None:
    foreign = dataclasses.replace(IMAGE, architecture="arm64")
    with pytest.raises(
        HostError, match="cpu:dev is made for arm64: the engine's machine is amd64, and does not"
    ):
        plan_run(foreign, NOTHING, dataclasses.replace(HOST, architecture="amd64"), ADA)


def test_an_image_that_is_emulated_runs_with_a_warning() -> None:
    foreign = dataclasses.replace(IMAGE, architecture="arm64")
    able = dataclasses.replace(HOST, architecture="amd64", emulates=True)
    warning = "cpu:dev is made for arm64 and emulated on amd64: many times slower"
    assert plan_run(foreign, NOTHING, able, ADA).warnings == (warning,)
    assert plan_run(IMAGE, NOTHING, able, ADA).warnings == ()


def test_an_engine_that_may_not_lift_limits_is_not_asked_to() -> None:
    assert plan_run(IMAGE, NOTHING, dataclasses.replace(HOST, raises_limits=False), ADA).ulimits == ()


def test_a_card_and_its_group_are_in_the_plan() -> None:
    made_for = image("npu:dev", **{"io.envkit.accelerator": "ascend"})
    nodes = ("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc")
    paths = {**{f"/dev/{node}": 1001 for node in nodes}, "/usr/local/Ascend/driver/lib64": 0}
    plan = plan_run(
        made_for,
        NOTHING,
        dataclasses.replace(HOST, seen=Seen(paths=paths, cards=(Card(index=0, name="910B3"),))),
        ADA,
    )
    assert (str(plan.device), plan.groups) == ("ascend:0", ("0", "1001"))
    assert json.loads(labels(plan)["io.envkit.run"])["device"] == "ascend:0"
    assert labels(plan)["io.envkit.cards"] == "CARD-0"
    assert plan.warnings == ()


def test_what_the_host_must_allow_before_an_npu_is_shared_is_a_warning() -> None:
    made_for = image("npu:dev", **{"io.envkit.accelerator": "ascend"})
    nodes = ("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc")
    paths = {**{f"/dev/{node}": 1001 for node in nodes}, "/usr/local/Ascend/driver/lib64": 0}
    card = Card(index=0, name="910B3")
    host = dataclasses.replace(
        HOST, seen=Seen(paths=paths, cards=(card,), taken={card.key: "environment a has it"})
    )
    plan = plan_run(made_for, dataclasses.replace(NOTHING, share=True), host, ADA)
    assert "npu-smi set -t device-share" in plan.warnings[0]
    assert json.loads(labels(plan)["io.envkit.run"])["share"] is True


def test_a_cache_of_its_own_lies_beside_the_shared_one() -> None:
    own = planned(own_cache=True)
    assert (own.cache, own.own_cache) == ("/home/ada/envkit/cache-of/cpu", True)
    again = plan_run(IMAGE, kept_options(NOTHING, labels(own)), HOST, ADA)
    assert differences(again, labels(own)) == ()
    assert differences(own, labels(planned())) != ()


def test_a_home_on_a_network_is_told_and_is_no_difference() -> None:
    far = plan_run(IMAGE, NOTHING, dataclasses.replace(HOST, home_filesystem="nfs4"), ADA)
    assert differences(far, labels(planned())) == ()
    assert "on nfs4" in {line.what: line.why for line in decisions(far)}["/work/home"]
