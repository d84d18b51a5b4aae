"""The engine's images, through the Docker SDK."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, ImageNotFound, NotFound

from envkit.engines.docker_errors import pull_failure, spoken_as_ours
from envkit.engines.failures import RegistryFailed
from envkit.engines.trust import Trust, trust_of
from envkit.engines.values import ImageFacts, LayerFacts, Published, Sent
from envkit.errors import EngineError
from envkit.scratch import Scratch


class DockerImages:
    """Images behind the Docker API."""

    def __init__(self, client: docker.DockerClient, is_here: Callable[[], bool] = lambda: False) -> None:
        self._api: Any = client.api  # the SDK has no types
        self._is_here = is_here  # whether the engine shares this machine's network

    def inspect(self, reference: str) -> ImageFacts | None:
        """Return the image, or None when the engine has none of that name or id."""
        with spoken_as_ours(f"looking at the image {reference}"):
            try:
                return _facts(self._api.inspect_image(reference))
            except ImageNotFound:
                return None

    def tag(self, image: str, reference: str) -> None:
        """Give an image a name; the name is taken from whatever had it."""
        repository, tag = _split(reference)
        with spoken_as_ours(f"naming the image {reference}"):
            self._api.tag(image, repository, tag, force=True)

    def untag(self, reference: str) -> None:
        """Take a name away; an image with no other name goes. Never forced. A name that is gone is fine."""
        with spoken_as_ours(f"taking the name {reference} away"):
            try:
                self._api.remove_image(reference, force=False, noprune=False)
            except NotFound:  # ImageNotFound is one of them; Podman's texts are not known to the SDK
                return

    def import_rootfs(
        self, tar: Path, reference: str, labels: Mapping[str, str], architecture: str = ""
    ) -> str:
        """Make a one-layer image of a root filesystem; return its id."""
        if architecture:
            return self._import_foreign(tar, reference, labels, architecture)
        changes = [f"LABEL {_quoted(name)}={_quoted(value)}" for name, value in labels.items()]
        with tar.open("rb") as file, spoken_as_ours(f"importing {reference}"):
            # The SDK's "from stream" claims chunks and sends none; "from data" sends a file as it is read.
            answer = self._api.import_image_from_data(file, changes=changes)
        found = re.findall(r'"status": ?"(sha256:[0-9a-f]{64})"', answer)
        if not found:
            raise EngineError(f"importing {reference}: {answer.strip()}", fix="see the engine's log")
        self.tag(found[-1], reference)  # not by the import: Podman 4 forgets the tag
        return str(found[-1])

    def _import_foreign(self, tar: Path, reference: str, labels: Mapping[str, str], architecture: str) -> str:
        from envkit.engines import rootfs_archive

        with Scratch("rootfs") as scratch:
            rootfs_archive.write(scratch / "image.tar", tar, reference, labels, architecture)
            return self.load(scratch / "image.tar", lambda line: None)

    def pull(self, reference: str, report: Callable[[str], None]) -> ImageFacts:
        """Fetch from a registry; `report` gets a line of progress at a time."""
        repository, tag = _split(reference)
        with spoken_as_ours(f"pulling {reference}"):
            try:
                # Without a tag the engine would fetch every tag there is.
                for event in self._api.pull(repository, tag=tag or "latest", stream=True, decode=True):
                    if error := event.get("error"):
                        raise pull_failure(reference, str(error))
                    if "progress" not in event and event.get("status"):
                        report(f"{event.get('id', '')} {event['status']}".strip())
            except APIError as error:
                raise pull_failure(reference, str(error.explanation)) from error
        found = self.inspect(reference)
        if found is None:
            raise EngineError(f"pulling {reference}: the image is not there", fix="run the command again")
        return found

    def list(self, labels: Mapping[str, str]) -> tuple[ImageFacts, ...]:
        """Return the images that carry all these labels."""
        wanted = [f"{name}={value}" if value else name for name, value in labels.items()]
        with spoken_as_ours("listing images"):
            # One label at a time: Podman 4 finds nothing for two.
            asked = [self._ids({"label": [label]}) for label in wanted] or [self._ids({})]
        found = (self.inspect(identity) for identity in asked[0] if all(identity in ids for ids in asked))
        return tuple(facts for facts in found if facts is not None)

    def _ids(self, filters: dict[str, Any]) -> dict[str, None]:
        return dict.fromkeys(row["Id"] for row in self._api.images(filters=filters))

    def history(self, reference: str) -> tuple[LayerFacts, ...]:
        """Return the image's steps, the oldest first."""
        with spoken_as_ours(f"reading the history of {reference}"):
            rows = self._api.history(reference)
        return tuple(
            LayerFacts(created_by=str(row.get("CreatedBy", "")), size_bytes=int(row.get("Size", 0)))
            for row in reversed(rows)
        )

    def config(self, reference: str) -> Mapping[str, Any]:
        """Return the image's own config, as the engine holds it."""
        with spoken_as_ours(f"looking at the image {reference}"):
            config: dict[str, Any] = self._api.inspect_image(reference).get("Config") or {}
        return config

    def commit(self, container: str, labels: Mapping[str, str]) -> str:
        """Make an image without a name of a container; return its id. Never a second one of a SAVE."""
        from envkit.engines.docker_commit import commit

        return commit(self._api, container, labels)

    def load(self, tar: Path, report: Callable[[str], None]) -> str:
        """Take in a docker archive of one image, named or not; return its id."""
        from envkit.engines import docker_archives

        loaded = docker_archives.load(self._api, tar, report)
        found = self.inspect(loaded)
        if found is None:
            raise EngineError(f"loading {tar}: the image is not there", fix="run the command again")
        return found.id

    def save(self, reference: str) -> Iterator[bytes]:
        """Yield the bytes of a docker archive of the image, all its layers in it."""
        from envkit.engines import docker_archives

        return docker_archives.save(self._api, reference)

    def push(self, reference: str, report: Callable[[Sent], None], silence_s: float = 600.0) -> str:
        """Send an image of that name to its registry; return its manifest's digest."""
        from envkit.engines.credentials import in_registry, login_for
        from envkit.engines.docker_push import push

        name = in_registry(reference)
        return push(self._api, name, login_for(name.registry), report, silence_s)

    def published(self, reference: str) -> Published | None:
        """Ask the registry itself what it holds under that name; None when it has nothing there."""
        from envkit.engines.credentials import in_registry, login_for
        from envkit.engines.docker_push import published_by_engine
        from envkit.engines.registry import published

        name = in_registry(reference)
        login = login_for(name.registry)
        if not self._is_here():  # what the engine reaches, this machine may not
            return published_by_engine(self._api, name, login)
        return published(name, login, self._trust())

    def no_room(self, reference: str) -> RegistryFailed | None:
        """Ask the registry whether it has room; the error when it says that it has none, else None."""
        if not self._is_here():
            return None
        from envkit.engines.credentials import in_registry, login_for
        from envkit.engines.registry_room import no_room

        name = in_registry(reference)
        return no_room(name, login_for(name.registry), self._trust())

    def _trust(self) -> Trust:
        with spoken_as_ours("asking the engine whom it trusts"):
            return trust_of(self._api.info())


def _facts(about: dict[str, Any]) -> ImageFacts:
    config = about.get("Config") or {}
    diff_ids = tuple((about.get("RootFS") or {}).get("Layers") or ())
    return ImageFacts(
        id=about["Id"],
        # Podman writes a short name out in full.
        tags=tuple(tag.removeprefix("docker.io/library/") for tag in about.get("RepoTags") or ()),
        digests=tuple(about.get("RepoDigests") or ()),
        labels=config.get("Labels") or {},
        env=dict(entry.partition("=")[::2] for entry in config.get("Env") or ()),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        architecture=about.get("Architecture", ""),
        size_bytes=int(about.get("Size", 0)),
        layers=len(diff_ids),
        diff_ids=diff_ids,
        created=str(about.get("Created") or ""),
    )


def _quoted(text: str) -> str:
    """Return a text as one word of a LABEL instruction, where quotes, `$` and backslashes mean something."""
    return '"' + re.sub(r'(["\\$])', r"\\\1", text) + '"'


def _split(reference: str) -> tuple[str, str | None]:
    """Return the repository and the tag (or the digest) of a reference."""
    if "@" in reference:
        repository, _, digest = reference.partition("@")
        return repository, digest
    head, _, tail = reference.rpartition("/")
    name, _, tag = tail.partition(":")
    return (f"{head}/{name}" if head else name), tag or None
