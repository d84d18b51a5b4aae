"""What every engine promises: each sentence of envkit/engines/base.py."""

from __future__ import annotations

import json
import socket
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from envkit.engines.failures import BuildFailed, NameTaken, PortTaken
from envkit.engines.values import (
    OWNED,
    SAVE,
    BuildEvent,
    BuildRequest,
    Change,
    Ends,
    ExecRequest,
    LogLine,
    LogRequest,
    Mount,
    Port,
)
from envkit.errors import EngineError
from tests.contract.conftest import FAILING, MARK, Lab, rootfs

NOBODY = "envkit-contract-nobody"


def free_port() -> int:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


# facts


def test_an_engine_says_what_it_is(lab: Lab) -> None:
    facts = lab.engine.facts()
    assert facts.version and facts.architecture in ("amd64", "arm64") and facts.local


# images


def test_an_image_tells_its_settings(lab: Lab) -> None:
    facts = lab.engine.images.inspect(lab.image)
    assert facts is not None
    assert facts.labels["io.envkit.name"] == "contract"
    assert facts.env["GREETING"] == "hello there"
    assert (facts.command, facts.user, facts.tags) == (("sleep", "300"), "1000:0", (f"{lab.name}:latest",))
    assert facts.id.startswith("sha256:") and facts.digests == ()


def test_an_image_is_found_by_its_id(lab: Lab) -> None:
    facts = lab.engine.images.inspect(lab.image)
    assert facts is not None and lab.engine.images.inspect(facts.id) == facts


def test_an_image_that_is_not_there_is_none(lab: Lab) -> None:
    assert lab.engine.images.inspect(NOBODY) is None


def test_a_name_is_taken_from_whatever_had_it(lab: Lab, tmp_path: Path) -> None:
    other = lab.build(tmp_path, "FROM debian:12\nLABEL a=b\n")
    lab.engine.images.tag(other, f"{lab.name}:x")
    lab.engine.images.tag(lab.image, f"{lab.name}:x")
    named, had = lab.engine.images.inspect(f"{lab.name}:x"), lab.engine.images.inspect(other)
    assert named == lab.engine.images.inspect(lab.image)
    assert had is not None and had.tags == ()


def test_an_image_that_is_not_there_gets_no_name(lab: Lab) -> None:
    with pytest.raises(EngineError):
        lab.engine.images.tag(NOBODY, f"{lab.name}:x")


def test_an_image_stays_while_it_has_another_name(lab: Lab) -> None:
    lab.engine.images.tag(lab.image, f"{lab.name}:x")
    lab.engine.images.untag(lab.image)
    facts = lab.engine.images.inspect(f"{lab.name}:x")
    assert facts is not None and facts.tags == (f"{lab.name}:x",)


def test_an_image_goes_with_its_last_name(lab: Lab) -> None:
    facts = lab.engine.images.inspect(lab.image)
    lab.engine.images.untag(lab.image)
    assert facts is not None and lab.engine.images.inspect(facts.id) is None


def test_a_name_that_is_gone_is_fine(lab: Lab) -> None:
    lab.engine.images.untag(NOBODY)


def test_an_image_in_use_is_not_forced_away(lab: Lab) -> None:
    lab.engine.containers.create(lab.request())
    with pytest.raises(EngineError):
        lab.engine.images.untag(lab.image)
    assert lab.engine.images.inspect(lab.image) is not None


@pytest.mark.parametrize("value", ["plain", 'a "b" $HOME c', '{"a": ["b\\n"]}', "line\\", "$x"])
def test_an_imported_root_keeps_its_labels(lab: Lab, tmp_path: Path, value: str) -> None:
    labels = {**MARK, "io.envkit.word": value}
    made = lab.engine.images.import_rootfs(rootfs(tmp_path, lab.name), f"{lab.name}:root", labels)
    facts = lab.engine.images.inspect(f"{lab.name}:root")
    assert facts is not None and facts.id == made
    assert (facts.labels, facts.layers) == (labels, 1)


def test_an_imported_root_can_be_for_another_machine(lab: Lab, tmp_path: Path) -> None:
    tar, name = rootfs(tmp_path, lab.name), f"{lab.name}:foreign"
    made = lab.engine.images.import_rootfs(tar, name, MARK, "arm64")
    facts = lab.engine.images.inspect(name)
    assert facts is not None and facts.id == made
    assert (facts.architecture, facts.labels, facts.layers) == ("arm64", MARK, 1)


def test_images_are_found_by_all_their_labels(lab: Lab, tmp_path: Path) -> None:
    mine = {"io.envkit.one": lab.name, "io.envkit.two": "2"}
    made = lab.build(tmp_path, "FROM debian:12\n", mine)
    lab.engine.images.tag(made, f"{lab.name}:x")
    assert [facts.id for facts in lab.engine.images.list(mine)] == [made]
    assert lab.engine.images.list({**mine, "io.envkit.two": "3"}) == ()


def test_a_history_begins_with_the_oldest_step(lab: Lab) -> None:
    steps = [layer.created_by for layer in lab.engine.images.history(lab.image)]
    first = next(n for n, step in enumerate(steps) if "GREETING" in step)
    last = next(n for n, step in enumerate(steps) if "CMD" in step)
    assert first < last


def test_what_no_registry_has_cannot_be_pulled(lab: Lab) -> None:
    with pytest.raises(EngineError):
        lab.engine.images.pull("127.0.0.1:1/envkit/nothing:1", lambda line: None)


def test_an_image_tells_its_config_and_its_layers(lab: Lab) -> None:
    config, facts = lab.engine.images.config(lab.image), lab.engine.images.inspect(lab.image)
    base = lab.engine.images.inspect("debian:12")
    assert facts is not None and base is not None
    assert (config["Cmd"], config["User"], "GREETING=hello there" in config["Env"]) == (
        ["sleep", "300"],
        "1000:0",
        True,
    )
    assert len(facts.diff_ids) == facts.layers and facts.diff_ids[: base.layers] == base.diff_ids


def test_there_is_no_config_of_an_image_that_is_not_there(lab: Lab) -> None:
    with pytest.raises(EngineError):
        lab.engine.images.config(NOBODY)


def test_a_container_becomes_an_image_without_a_name(lab: Lab) -> None:
    made = lab.running(env={"MORE": "words"})
    lab.engine.inside.put(made, {"/opt/kept": b"x"})
    image = lab.engine.images.commit(made, {SAVE: lab.name, "io.envkit.word": 'a "b" $HOME'})
    facts, base, there = (lab.engine.images.inspect(one) for one in (image, lab.image, "debian:12"))
    assert facts is not None and base is not None and there is not None
    assert (facts.tags, facts.command, facts.user) == ((), ("sleep", "300"), "1000:0")
    assert (facts.env["MORE"], facts.labels["io.envkit.word"]) == ("words", 'a "b" $HOME')
    assert facts.labels["io.envkit.name"] == "contract" and facts.diff_ids[:-1] == base.diff_ids
    after = lab.engine.containers.inspect(made)
    assert after is not None and after.state == "running"


def test_one_save_never_makes_two_images(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    first = lab.engine.images.commit(made, {SAVE: lab.name})
    lab.engine.inside.put(made, {"/opt/later": b"x"})
    assert lab.engine.images.commit(made, {SAVE: lab.name}) == first
    assert [facts.id for facts in lab.engine.images.list({SAVE: lab.name})] == [first]


def test_what_is_gone_becomes_no_image(lab: Lab) -> None:
    with pytest.raises(EngineError):
        lab.engine.images.commit(NOBODY, {SAVE: lab.name})


def archived(lab: Lab, folder: Path) -> Path:
    """Return an archive of the lab's image, as the engine gives it."""
    path = folder / "image.tar"
    with path.open("wb") as file:
        for part in lab.engine.images.save(lab.image):
            file.write(part)
    return path


def test_an_archive_gives_the_image_back_with_its_name(lab: Lab, tmp_path: Path) -> None:
    before, path = lab.engine.images.inspect(lab.image), archived(lab, tmp_path)
    lab.engine.images.untag(lab.image)
    assert before is not None and lab.engine.images.load(path, lambda line: None) == before.id
    after = lab.engine.images.inspect(lab.image)
    assert after is not None and (after.tags, after.diff_ids) == (before.tags, before.diff_ids)


def test_an_archive_may_lack_the_layers_that_the_engine_has(lab: Lab, tmp_path: Path) -> None:
    assert lab.engine.facts().loads_on_top
    made = lab.engine.containers.create(lab.request())
    lab.engine.inside.put(made, {"/opt/kept": b"x"})
    image = lab.engine.images.commit(made, {SAVE: lab.name})
    lab.engine.images.tag(image, f"{lab.name}:more")
    path, thin = tmp_path / "whole.tar", tmp_path / "thin.tar"
    path.write_bytes(b"".join(lab.engine.images.save(f"{lab.name}:more")))
    without_lower_layers(path, thin)
    lab.engine.containers.remove(made)
    lab.engine.images.untag(f"{lab.name}:more")
    assert lab.engine.images.inspect(image) is None
    assert lab.engine.images.load(thin, lambda line: None) == image
    assert thin.stat().st_size < 100_000


def without_lower_layers(whole: Path, thin: Path) -> None:
    """Write the archive again with its uppermost layer only."""
    with tarfile.open(whole) as archive, tarfile.open(thin, "w") as written:
        (entry,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        for name in ("manifest.json", entry["Config"], entry["Layers"][-1]):
            written.addfile(archive.getmember(name), archive.extractfile(name))


def test_an_image_of_no_name_can_be_loaded(lab: Lab, tmp_path: Path) -> None:
    facts = lab.engine.images.inspect(lab.image)
    assert facts is not None
    path = tmp_path / "image.tar"
    path.write_bytes(b"".join(lab.engine.images.save(facts.id)))
    assert lab.engine.images.load(path, lambda line: None) == facts.id


def test_what_is_no_archive_is_not_loaded(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        lab.engine.images.load(rootfs(tmp_path, "nothing"), lambda line: None)


def test_an_image_that_is_not_there_is_not_saved(lab: Lab) -> None:
    with pytest.raises(EngineError):
        list(lab.engine.images.save(NOBODY))


# builds


def test_a_build_gives_an_id_and_no_name(building: Lab, tmp_path: Path) -> None:
    made = building.build(tmp_path, "FROM debian:12\nENV A=b\n", {"io.envkit.one": building.name})
    facts = building.engine.images.inspect(made)
    assert facts is not None and (facts.id, facts.tags, facts.env["A"]) == (made, (), "b")
    assert {**MARK, "io.envkit.one": building.name}.items() <= dict(facts.labels).items()  # Podman adds one


def test_the_same_build_gives_the_same_image(building: Lab, tmp_path: Path) -> None:
    assert building.build(tmp_path, "FROM debian:12\nENV A=b\n") == building.build(
        tmp_path, "FROM debian:12\nENV A=b\n"
    )


def test_a_build_can_end_at_a_stage(building: Lab, tmp_path: Path) -> None:
    text = "FROM debian:12 AS one\nENV A=one\nFROM one AS two\nENV A=two\n"
    (tmp_path / "Dockerfile").write_text(text, encoding="utf-8")
    request = BuildRequest(context=tmp_path, target="one", labels=building.labels)
    facts = building.engine.images.inspect(building.engine.builder.build(request, lambda event: None))
    assert facts is not None and facts.env["A"] == "one"


def test_a_build_tells_its_steps(building: Lab, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM debian:12\nRUN echo {building.name}\n", encoding="utf-8")
    events: list[BuildEvent] = []
    building.engine.builder.build(BuildRequest(context=tmp_path, labels=building.labels), events.append)
    run = [
        event.kind for event in events if f"RUN echo {building.name}" in event.step and event.kind != "line"
    ]
    assert run == ["step", "done"]


def test_a_failed_build_names_its_step_and_last_words(building: Lab, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        building.build(tmp_path, FAILING)
    assert "RUN echo last words; exit 3" in caught.value.what
    assert "\n    last words\n" in caught.value.what + "\n"


def test_a_build_without_its_base_fails(building: Lab, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed) as caught:
        building.build(tmp_path, "FROM 127.0.0.1:1/envkit/nothing:1\n")
    assert "127.0.0.1:1/envkit/nothing:1" in caught.value.what


def test_what_a_listener_raises_ends_the_build(building: Lab, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:12\nRUN true\n", encoding="utf-8")

    def interrupt(event: BuildEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        building.engine.builder.build(
            BuildRequest(context=tmp_path, labels=building.labels, no_cache=True), interrupt
        )


# containers


def test_a_created_container_does_not_run(lab: Lab) -> None:
    facts = lab.engine.containers.inspect(lab.engine.containers.create(lab.request()))
    assert facts is not None and (facts.state, facts.exit_code, facts.name) == ("created", None, lab.name)


def test_a_container_carries_our_label_and_its_own(lab: Lab) -> None:
    facts = lab.engine.containers.inspect(
        lab.engine.containers.create(lab.request(labels={**MARK, "a": "b"}))
    )
    assert facts is not None
    assert {OWNED: "true", "a": "b", "io.envkit.name": "contract"}.items() <= dict(facts.labels).items()


def test_a_container_is_found_by_name_and_by_id(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    assert lab.engine.containers.inspect(made) == lab.engine.containers.inspect(lab.name) is not None


def test_a_container_that_is_not_there_is_none(lab: Lab) -> None:
    assert lab.engine.containers.inspect(NOBODY) is None


def test_a_taken_name_is_told_apart(lab: Lab) -> None:
    lab.engine.containers.create(lab.request())
    with pytest.raises(NameTaken):
        lab.engine.containers.create(lab.request())


def test_of_many_who_want_a_name_at_once_one_gets_it(lab: Lab) -> None:
    def wins(_: int) -> bool:
        try:
            lab.engine.containers.create(lab.request())
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(wins, range(8))) == [False] * 7 + [True]


def test_what_was_never_started_is_removed_by_its_id_and_a_newer_one_of_its_name_stays(lab: Lab) -> None:
    first = lab.engine.containers.create(lab.request())
    lab.engine.containers.remove_idle(first)
    second = lab.engine.containers.create(lab.request())
    lab.engine.containers.remove_idle(first)
    facts = lab.engine.containers.inspect(second)
    assert facts and facts.state == "created"


def test_a_start_is_later_than_what_was_made_before_it(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    before = lab.engine.containers.inspect(made)
    lab.engine.containers.start(made)
    after = lab.engine.containers.inspect(made)
    assert before and after and before.started == "" and after.started > before.created


def test_a_name_that_somebody_else_took_is_taken_too(lab: Lab) -> None:
    lab.make_foreign(lab.name)
    with pytest.raises(NameTaken):
        lab.engine.containers.create(lab.request())


def test_no_container_without_its_image(lab: Lab) -> None:
    with pytest.raises(EngineError):
        lab.engine.containers.create(lab.request(image=NOBODY))


def test_starting_what_runs_is_fine(lab: Lab) -> None:
    made = lab.running()
    lab.engine.containers.start(made)
    facts = lab.engine.containers.inspect(made)
    assert facts is not None and (facts.state, facts.exit_code) == ("running", None)


def test_starting_what_is_gone_is_an_error(lab: Lab) -> None:
    with pytest.raises(EngineError):
        lab.engine.containers.start(NOBODY)


def test_the_engine_chooses_a_port_and_tells_it(lab: Lab) -> None:
    made = lab.running(ports=(Port(container_port=8888),))
    facts = lab.engine.containers.inspect(made)
    assert facts is not None
    address, port = facts.ports[8888]
    assert address == "127.0.0.1" and port > 1023


def test_a_port_that_was_asked_for_is_known_before_the_start(lab: Lab) -> None:
    port = free_port()
    made = lab.engine.containers.create(lab.request(ports=(Port(container_port=8888, host_port=port),)))
    facts = lab.engine.containers.inspect(made)
    assert facts is not None and facts.ports == {8888: ("127.0.0.1", port)}


def test_a_taken_port_is_told_apart_and_the_container_stays_created(lab: Lab) -> None:
    ports = (Port(container_port=8888, host_port=free_port()),)
    lab.running(ports=ports)
    second = lab.engine.containers.create(lab.request(name=f"{lab.name}-2", ports=ports))
    with pytest.raises(PortTaken):
        lab.engine.containers.start(second)
    facts = lab.engine.containers.inspect(second)
    assert facts is not None and facts.state == "created"
    lab.engine.containers.remove(second)


def test_a_container_that_ended_tells_its_code(lab: Lab) -> None:
    made = lab.running(command=("sh", "-c", "exit 7"))
    lab.engine.containers.stop(made, 5)  # waits for the end
    facts = lab.engine.containers.inspect(made)
    assert facts is not None and (facts.state, facts.exit_code) == ("exited", 7)


def test_containers_are_found_by_labels_running_or_not(lab: Lab) -> None:
    mine = {"io.envkit.environment": lab.name}
    made = lab.engine.containers.create(lab.request(labels=mine))
    lab.running(name=f"{lab.name}-2", labels={**mine, "x": "y"})
    assert len(lab.engine.containers.find(mine)) == 2
    assert [facts.id for facts in lab.engine.containers.find(mine) if facts.state == "created"] == [made]
    assert lab.engine.containers.find({**mine, "x": "z"}) == ()
    assert [facts.name for facts in lab.engine.containers.find({**mine, "x": ""})] == [f"{lab.name}-2"]


def test_a_container_tells_its_mounts_and_its_user(lab: Lab, tmp_path: Path) -> None:
    mounts = (Mount(source=str(tmp_path), target="/data", read_only=True),)
    facts = lab.engine.containers.inspect(
        lab.engine.containers.create(lab.request(mounts=mounts, user="0:0"))
    )
    assert facts is not None and (facts.mounts, facts.user) == (mounts, "0:0")


def test_the_image_names_the_user_otherwise(lab: Lab) -> None:
    facts = lab.engine.containers.inspect(lab.engine.containers.create(lab.request()))
    assert facts is not None and facts.user == "1000:0"


def test_stopping_what_stopped_or_is_gone_is_fine(lab: Lab) -> None:
    made = lab.running(init=True)
    for _ in range(2):
        lab.engine.containers.stop(made, 1)
    facts = lab.engine.containers.inspect(made)
    assert facts is not None and facts.state == "exited"
    lab.engine.containers.stop(NOBODY, 1)


def test_a_running_container_is_removed_and_again_is_fine(lab: Lab) -> None:
    made = lab.running()
    for _ in range(2):
        lab.engine.containers.remove(made)
    assert lab.engine.containers.inspect(made) is None


def test_what_must_be_idle_is_removed_only_when_it_is(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    lab.engine.containers.remove_idle(made)
    assert lab.engine.containers.inspect(made) is None
    lab.engine.containers.remove_idle(made)  # gone is fine
    running = lab.running()
    with pytest.raises(EngineError, match="running"):
        lab.engine.containers.remove_idle(running)
    assert lab.engine.containers.inspect(running) is not None


def test_what_is_not_ours_is_left_alone(lab: Lab) -> None:
    lab.make_foreign(lab.name)
    with pytest.raises(EngineError, match="is not envkit's"):
        lab.engine.containers.remove(lab.name)
    assert lab.engine.containers.inspect(lab.name) is not None


def test_what_was_written_is_weighed(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    before = lab.engine.containers.written_bytes(made)
    lab.engine.inside.put(made, {"/opt/weight": b"x" * 100_000})
    assert lab.engine.containers.written_bytes(made) >= before + 100_000
    lab.engine.containers.remove(made)
    assert lab.engine.containers.written_bytes(made) == 0


def test_a_container_tells_its_config(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request(env={"MORE": "words"}))
    config = lab.engine.containers.config(made)
    assert {"MORE=words", "GREETING=hello there"} <= set(config["Env"]) and config["User"] == "1000:0"
    with pytest.raises(EngineError):
        lab.engine.containers.config(NOBODY)


def test_a_container_tells_what_is_not_as_in_its_image(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    assert lab.engine.containers.changes(made) == ()
    lab.engine.inside.put(made, {"/opt/ünïcode ": b"x"})
    assert Change("/opt/ünïcode ", "added") in lab.engine.containers.changes(made)
    with pytest.raises(EngineError):
        lab.engine.containers.changes(NOBODY)


def test_a_paused_container_goes_on_and_twice_is_fine(lab: Lab) -> None:
    made, states = lab.running(), []
    for action in (lab.engine.containers.pause, lab.engine.containers.unpause):
        for _ in range(2):
            action(made)
        facts = lab.engine.containers.inspect(made)
        states.append(facts and facts.state)
    assert states == ["paused", "running"]


def test_only_what_runs_is_paused_and_what_is_gone_goes_on(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    for container in (made, NOBODY):
        with pytest.raises(EngineError):
            lab.engine.containers.pause(container)
        lab.engine.containers.unpause(container)


# inside


def test_both_outputs_and_the_code_of_a_command_come_apart(lab: Lab) -> None:
    asked = ExecRequest(command=("sh", "-c", "echo out; echo err >&2; exit 3"))
    done = lab.engine.inside.execute(lab.running(), asked)
    assert (done.code, done.stdout, done.stderr) == (3, b"out\n", b"err\n")


def test_whole_lines_of_a_command_are_heard_beside_its_result(lab: Lab) -> None:
    heard: list[bytes] = []
    asked = ExecRequest(command=("cat",), stdin=b"one\ntwo\nrest", hear=heard.append)
    assert lab.engine.inside.execute(lab.running(), asked).stdout == b"one\ntwo\nrest"
    assert heard == [b"one\n", b"two\n"]


@pytest.mark.parametrize("size", [0, 1, 8_000_000])
def test_a_command_reads_all_of_its_stdin(lab: Lab, size: int) -> None:
    sent = b"s" * size
    done = lab.engine.inside.execute(lab.running(), ExecRequest(command=("cat",), stdin=sent))
    assert (done.code, done.stdout) == (0, sent)


def test_a_command_gets_its_own_environment_and_user(lab: Lab) -> None:
    made = lab.running()
    word = ExecRequest(command=("printenv", "WORD"), env={"WORD": "a b"})
    assert lab.engine.inside.execute(made, word).stdout == b"a b\n"
    assert lab.engine.inside.execute(made, ExecRequest(command=("id", "-u"))).stdout == b"1000\n"
    assert lab.engine.inside.execute(made, ExecRequest(command=("id", "-u"), user="7:0")).stdout == b"7\n"


def test_a_command_that_takes_too_long_is_an_error(lab: Lab) -> None:
    made = lab.running()
    with pytest.raises(EngineError, match=r"sleep .*did not end within 1 s"):
        lab.engine.inside.execute(made, ExecRequest(command=("sleep", "60"), timeout_s=1))


def test_nothing_runs_in_a_container_that_does_not(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    with pytest.raises(EngineError):
        lab.engine.inside.execute(made, ExecRequest(command=("cat",)))


def test_a_program_that_is_not_there_is_a_code(lab: Lab) -> None:
    done = lab.engine.inside.execute(lab.running(), ExecRequest(command=("no-such-program",)))
    assert done.code in (126, 127)


def test_what_a_container_printed_can_be_read(lab: Lab) -> None:
    made = lab.running(command=("sh", "-c", "echo out; echo err >&2"))
    lab.engine.containers.stop(made, 5)
    assert sorted(lab.engine.inside.logs(made).splitlines()) == [b"err", b"out"]


def test_files_arrive_before_the_start(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    lab.engine.inside.put(made, {"/opt/one": b"1", "/opt/two": b"\x00\xff"})
    assert lab.engine.inside.get(made, "/opt/one") == b"1"
    assert lab.engine.inside.get(made, "/opt/two") == b"\x00\xff"


def test_a_file_that_is_not_there_is_none(lab: Lab) -> None:
    assert lab.engine.inside.get(lab.engine.containers.create(lab.request()), "/opt/nothing") is None


def test_a_command_starts_where_it_is_told(lab: Lab) -> None:
    done = lab.engine.inside.execute(lab.running(), ExecRequest(command=("pwd",), directory="/usr/share"))
    assert done.stdout == b"/usr/share\n"


# conversations


def conversation(
    lab: Lab, *words: str, sent: bytes | None = None, **more: object
) -> tuple[int, bytes, bytes]:
    """Talk with a command through a file; return its code and its two outputs."""
    heard = {1: b"", 2: b""}

    def write(which: int, text: bytes) -> None:
        heard[which] += text

    with tempfile.TemporaryFile() as file:
        file.write(sent or b"")
        file.seek(0)
        ends = Ends(stdin=None if sent is None else file.fileno(), write=write, **more)  # type: ignore[arg-type]
        code = lab.engine.inside.converse(lab.running(), ExecRequest(command=words), ends)
    return code, heard[1], heard[2]


@pytest.mark.parametrize("size", [0, 1, 8_000_000])
def test_a_conversation_hands_all_of_the_input_in_and_the_output_out(lab: Lab, size: int) -> None:
    assert conversation(lab, "cat", sent=b"s" * size) == (0, b"s" * size, b"")


def test_a_conversation_keeps_the_outputs_apart_and_tells_the_code(lab: Lab) -> None:
    assert conversation(lab, "sh", "-c", "echo out; echo err >&2; exit 3") == (3, b"out\n", b"err\n")


def test_a_command_without_input_sees_its_end_at_once(lab: Lab) -> None:
    assert conversation(lab, "cat") == (0, b"", b"")


def test_a_command_gets_a_terminal_of_the_callers_size(lab: Lab) -> None:
    said = conversation(lab, "sh", "-c", "test -t 0 && sleep 1; stty size", sent=b"", size=lambda: (77, 33))
    assert said == (0, b"33 77\r\n", b"")


def test_there_is_no_conversation_with_what_does_not_run(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    with pytest.raises(EngineError):
        lab.engine.inside.converse(made, ExecRequest(command=("cat",)), Ends(stdin=None, write=print))


# what is seen from outside


def log(lab: Lab, *words: str, **asked: object) -> list[LogLine]:
    made = lab.running(command=words)
    lab.engine.containers.stop(made, 5)  # waits for the end
    found = lab.engine.watch.log(made, LogRequest(**asked))  # type: ignore[arg-type]
    return [line for batch in found for line in batch]


COUNT = ("sh", "-c", "seq 1 5; printf end")


def test_a_log_holds_every_line_with_its_moment(lab: Lab) -> None:
    found = log(lab, *COUNT)
    assert [line.text for line in found] == [b"1", b"2", b"3", b"4", b"5", b"end"]
    assert [line.time_ns for line in found] == sorted(line.time_ns for line in found)
    assert {line.stream for line in found} == {1}


def test_a_followed_log_ends_with_what_is_printed(lab: Lab) -> None:
    assert [line.text for line in log(lab, *COUNT, follow=True)][:5] == [b"1", b"2", b"3", b"4", b"5"]


def test_only_the_last_lines_of_a_log(lab: Lab) -> None:
    assert [line.text for line in log(lab, *COUNT, tail=2)] == [b"5", b"end"]
    assert lab.engine.inside.logs(lab.name, tail=1).rstrip() == b"end"


def test_a_log_begins_at_a_moment_and_that_moment_counts(lab: Lab) -> None:
    found = log(lab, *COUNT)
    later = lab.engine.watch.log(lab.name, LogRequest(since_ns=found[3].time_ns))
    assert [line for batch in later for line in batch] == found[3:]


def test_a_long_line_is_one_line(lab: Lab) -> None:
    assert [line.text for line in log(lab, "perl", "-e", "print 'x' x 50_000")] == [b"x" * 50_000]


def test_there_is_no_log_of_what_is_gone(lab: Lab) -> None:
    with pytest.raises(EngineError):
        list(lab.engine.watch.log(NOBODY, LogRequest()))


def test_what_runs_uses_something_and_what_does_not_nothing(lab: Lab) -> None:
    made = lab.running(init=True)
    used = lab.engine.watch.usage(made)
    assert used is not None and used.processes > 0
    lab.engine.containers.stop(made, 1)
    assert lab.engine.watch.usage(made) is None
    assert lab.engine.watch.usage(NOBODY) is None


def test_a_container_that_ran_tells_since_when(lab: Lab) -> None:
    made = lab.engine.containers.create(lab.request())
    before = lab.engine.containers.inspect(made)
    lab.engine.containers.start(made)
    after = lab.engine.containers.inspect(made)
    assert before and after and before.started == "" and after.started.startswith("20")
    assert (after.oom_killed, after.error, after.restarts) == (False, "", 0)


def test_a_container_that_was_killed_is_not_out_of_memory_for_that(lab: Lab) -> None:
    made = lab.running(command=("sh", "-c", "kill -9 $$"), init=True)
    lab.engine.containers.stop(made, 5)
    facts = lab.engine.containers.inspect(made)
    assert facts is not None and (facts.exit_code, facts.oom_killed) == (137, False)
