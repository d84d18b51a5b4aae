"""A whole save, on an image small enough to do it often: what is in it, and what stays behind."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as File
from typing import Any

import pytest

from envkit.container.maker import is_this_process, maker_of
from envkit.engines.base import Engine
from envkit.engines.docker import connect
from envkit.engines.values import OWNED, SAVE, EngineFacts
from envkit.errors import EnvkitError
from envkit.hosts.ssh import SshHost
from envkit.save import lineage
from envkit.save.archive import Recipe, write_archive
from envkit.save.layers import Layer
from envkit.save.lineage import Ancestor
from envkit.save.plan import CommitOptions, CommitRefused
from tests.names import fresh
from tests.real.save.conftest import PYTHON
from tests.real.save.environments import environment, run_in, save
from tests.sshd import Sshd, host_at, make_home

pytestmark = pytest.mark.real

TOKEN = "Zk3vQ9pLx7Rt2WmB8sYd"  # of nobody
INSTALL = f"""
mkdir -p /opt/mine /var/log/service /var/lib/apt/lists /root
echo kept >/opt/mine/file
echo x >/var/log/service/log
echo x >/var/lib/apt/lists/list
echo x >/tmp/scratch
rm /srv/tree/delete
echo 'ada:x:1234:1234::/work/home:/bin/bash' >>/etc/passwd
echo 'sshd:x:101:65534::/run/sshd:/bin/false' >>/etc/passwd
printf 'machine a login b password {TOKEN}\\n' >/root/.netrc
"""


class Whole:
    """The engine, as one that takes no image without its lower layers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def facts(self) -> EngineFacts:
        return replace(self._engine.facts(), loads_on_top=False)


@pytest.fixture
def name() -> str:
    return fresh("save")


@pytest.fixture
def tag(ours: Engine, name: str) -> Iterator[str]:
    """A name for the image, which goes with what it names."""
    yield f"envkit-test-{name}:1"
    for number in (2, 1):
        ours.images.untag(f"envkit-test-{name}:{number}")


def files_of(engine: Engine, image: str) -> str:
    """List what interests here in an image."""
    with environment(engine, image, fresh("look")) as container:
        listed = run_in(
            engine,
            container,
            "cd /; find opt/mine var/log/service var/lib/apt/lists tmp root srv/tree/delete || true",
        )
        return listed + run_in(engine, container, "tail -n 2 /etc/passwd; cat /opt/mine/file")


def unnamed(engine: Engine) -> set[str]:
    """Return the steps in between that this process made and left."""
    found = engine.images.list({OWNED: "true", SAVE: ""})
    return {one.id for one in found if not one.tags and is_this_process(maker_of(one.labels))}


def test_what_was_installed_is_saved_and_what_ran_and_secrets_are_not(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    with environment(ours, tiny, name) as container:
        run_in(ours, container, INSTALL)
        with pytest.raises(CommitRefused, match=r"/root/\.netrc: logins"):
            save(ours, name, CommitOptions(tag=tag))
        assert ours.images.inspect(tag) is None
        saved = save(ours, name, CommitOptions(tag=tag, scrub=True))
        after = ours.containers.inspect(container)
        assert after is not None
        assert after.state == "running"
    listed = files_of(ours, tag)
    for there in ("opt/mine/file", "var/log/service\n", "sshd:x:101", "kept"):
        assert there in listed
    for gone in ("service/log", "lists/list", "tmp/scratch", ".netrc", "tree/delete", "ada:x"):
        assert gone not in listed
    assert saved.removed == ("/root/.netrc: logins (.netrc)",)
    assert TOKEN.encode() not in b"".join(ours.images.save(tag))
    assert unnamed(ours) == set()


def test_it_is_set_to_what_its_image_was_and_tells_where_it_comes_from(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    with environment(ours, tiny, name) as container:
        run_in(ours, container, "mkdir /opt/mine; echo kept >/opt/mine/file")
        save(ours, name, CommitOptions(tag=tag))
    was, now = dict(ours.images.config(tiny)), dict(ours.images.config(tag))
    labels = now.pop("Labels")
    (told,) = lineage.of_labels(labels)
    assert labels == {**was.pop("Labels"), lineage.LABEL: labels[lineage.LABEL]}
    was.pop("Image", None)  # what a builder started from: of its own business
    assert {key: value for key, value in now.items() if value} == {
        key: value for key, value in was.items() if value
    }
    assert (told.tag, told.environment, told.changed["files"]) == (tiny, name, 1)


def test_saves_follow_each_other_and_squash_makes_them_one(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    first, second = tag, tag.replace(":1", ":2")
    with environment(ours, tiny, name) as container:
        run_in(ours, container, "mkdir /opt/mine; head -c 900000 /dev/urandom >/opt/mine/big")
        save(ours, name, CommitOptions(tag=first))
    with environment(ours, first, name) as container:
        run_in(ours, container, "echo 2 >/opt/mine/file; rm /opt/mine/big")
        save(ours, name, CommitOptions(tag=second, squash=True))
    base, one, two = (ours.images.inspect(image) for image in (tiny, first, second))
    assert base
    assert one
    assert two
    assert [image.layers - base.layers for image in (one, two)] == [1, 1]
    assert two.diff_ids[:-1] == base.diff_ids
    assert two.size_bytes - base.size_bytes < 100_000  # what was removed again is not carried on
    assert files_of(ours, second).endswith("2\n")
    assert len(lineage.of_labels(two.labels)) == 2


def test_an_engine_that_takes_no_image_without_its_lower_layers_gets_them(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    engine: Engine = Whole(ours)  # type: ignore[assignment]  # all but one answer is the engine's own
    with environment(ours, tiny, name) as container:
        run_in(ours, container, "mkdir /opt/mine; echo 1 >/opt/mine/file")
        save(engine, name, CommitOptions(tag=tag))
    assert files_of(ours, tag).endswith("1\n")


def test_a_stopped_one_is_saved_too_and_its_secrets_are_found(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    with environment(ours, tiny, name) as container:
        run_in(ours, container, INSTALL)
        ours.containers.stop(container, 1)
        with pytest.raises(CommitRefused, match=r"\.netrc"):
            save(ours, name, CommitOptions(tag=tag))
        save(ours, name, CommitOptions(tag=tag, scrub=True))
    assert "opt/mine/file" in files_of(ours, tag)


@pytest.fixture
def host(tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshHost]:
    """Reach this machine as a host: a real server on loopback, which knows the key of this test's home."""
    server = Sshd.make(tmp_path / "sshd").start()
    try:
        make_home(tmp_path, monkeypatch, server)
        reached = host_at(server)
        yield reached
        reached.close()
    finally:
        server.stop()


def test_one_of_a_host_is_saved_there_and_its_secrets_are_found_there(
    ours: Engine, tiny: str, name: str, tag: str, host: SshHost
) -> None:
    far = connect(host)
    with environment(ours, tiny, name) as container:
        run_in(ours, container, INSTALL)
        with pytest.raises(CommitRefused, match=r"\.netrc"):
            save(far, name, CommitOptions(tag=tag), host=host)
        assert ours.images.inspect(tag) is None
        save(far, name, CommitOptions(tag=tag, scrub=True), host=host)
    assert "opt/mine/file" in files_of(ours, tag)
    assert TOKEN.encode() not in b"".join(ours.images.save(tag))
    assert unnamed(ours) == set()


def layered(engine: Engine, base: str, layers: int, folder: File, saves: tuple[Ancestor, ...]) -> str:
    """Load an image of so many layers, the upper ones with a file each, as builds and saves make them."""
    facts = engine.images.inspect(base)
    assert facts is not None
    made = tuple(_layer(folder, number) for number in range(layers - facts.layers))
    config = dict(engine.images.config(base))
    config["Labels"] = {**config["Labels"], lineage.LABEL: lineage.to_label(saves)}
    recipe = Recipe(
        architecture=facts.architecture, config=config, created="2026-01-01T00:00:00Z", below=facts.diff_ids
    )
    write_archive(folder / "image.tar", recipe, made)
    return engine.images.load(folder / "image.tar", lambda line: None)


def _layer(folder: File, number: int) -> Layer:
    path = folder / f"layer-{number}.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo(f"opt/layers/{number}")
        archive.addfile(entry)
    content = path.read_bytes()
    return Layer(path=path, diff_id=f"sha256:{hashlib.sha256(content).hexdigest()}", size_bytes=len(content))


def test_at_the_engine_s_limit_earlier_saves_become_one(
    ours: Engine, tiny: str, name: str, tag: str, tmp_path: File
) -> None:
    base = ours.images.inspect(tiny)
    assert base is not None
    built = Ancestor(image=base.id, tag=tiny, layers=base.layers, when="2026-01-01T00:00:00Z")
    image = layered(ours, tiny, 123, tmp_path, (built,))
    ours.images.tag(image, tag.replace(":1", ":2"))
    with environment(ours, image, name) as container:
        run_in(ours, container, "mkdir -p /opt/mine; echo kept >/opt/mine/file; rm /opt/layers/7")
        saved = save(ours, name, CommitOptions(tag=tag))
    assert saved.layers == base.layers + 1
    with environment(ours, tag, fresh("look")) as container:
        there = run_in(
            ours, container, "ls /opt/layers | wc -l; ls /opt/layers/7 || echo gone; cat /opt/mine/file"
        )
    assert there.split() == [str(123 - base.layers - 1), "gone", "kept"]


def test_an_image_of_too_many_built_layers_is_refused_before_anything_and_squash_is_the_way(
    ours: Engine, tiny: str, name: str, tag: str, tmp_path: File
) -> None:
    image = layered(ours, tiny, 124, tmp_path, ())
    ours.images.tag(image, tag.replace(":1", ":2"))
    with environment(ours, image, name) as container:
        run_in(ours, container, "mkdir -p /opt/mine; echo kept >/opt/mine/file")
        with pytest.raises(EnvkitError, match="has 124 layers, this save adds 2") as caught:
            save(ours, name, CommitOptions(tag=tag))
        assert caught.value.fix.startswith("--squash")
        assert save(ours, name, CommitOptions(tag=tag, squash=True)).layers == 1
    assert files_of(ours, tag).endswith("kept\n")


def test_what_no_layer_can_hold_is_told_and_a_name_that_deletes_is_refused(
    ours: Engine, tiny: str, name: str, tag: str
) -> None:
    with environment(ours, tiny, name) as container:
        run_in(ours, container, "mkdir -p /opt/mine; echo kept >/opt/mine/file; touch /srv/tree/.wh.delete")
        bind = "import socket; socket.socket(socket.AF_UNIX).bind('/opt/mine/socket')"
        run_in(ours, container, f'{PYTHON} -c "{bind}"')
        with pytest.raises(CommitRefused, match=r"/srv/tree/\.wh\.delete"):
            save(ours, name, CommitOptions(tag=tag))
        run_in(ours, container, "rm /srv/tree/.wh.delete")
        saved = save(ours, name, CommitOptions(tag=tag))
    assert [(one.path, one.why) for one in saved.unkept] == [("/opt/mine/socket", "a socket")]
    assert "opt/mine/socket" not in files_of(ours, tag)
