"""Which docker client builds: the first that speaks BuildKit to this engine, wherever it is on PATH."""

from __future__ import annotations

from unittest.mock import Mock

from envkit.engines.builders import find_builder
from envkit.engines.classic import Classic
from envkit.engines.endpoint import Endpoint
from tests.scripted_host import ScriptedHost

HERE = Endpoint(url="unix:///run/x.sock", why="a test", local=True)


def engine(name: str = "Engine") -> Mock:
    """Make the SDK's client of an engine of that name."""
    return Mock(version=lambda: {"Components": [{"Name": name}]})


def choose(**clients: dict[str, tuple[int, str]]) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Choose among clients, named by their folder under /, each with what its commands answer."""
    answers = {
        f"/{folder}/docker {words}": answer
        for folder, said in clients.items()
        for words, answer in said.items()
    }
    host = ScriptedHost(
        answers=answers, programs={"docker": tuple(f"/{folder}/docker" for folder in clients)}
    )
    choice = find_builder(host, HERE, engine())
    return choice.client, choice.looked_at


WITHOUT_BUILDX = {
    "--version": (0, "Docker version 28.2.2, build e6534b4"),
    "buildx version": (1, "unknown command"),
}
OLD = {"--version": (0, "Docker version 20.10.24+dfsg1, build 297e128"), "version": (0, "20.10.24+dfsg1")}
WITH_BUILDX = {
    "--version": (0, "Docker version 29.0.1, build abc"),
    "buildx version": (0, "github.com/docker/buildx v0.29.1"),
    "version": (0, "29.0.1"),
}


def test_a_client_that_cannot_is_passed_over() -> None:
    assert choose(local=WITHOUT_BUILDX, usr=OLD) == (
        "/usr/docker",
        (
            ("/local/docker", "28.x without its buildx plugin: classic builds only"),
            ("/usr/docker", "20.x with BuildKit built in"),
        ),
    )


def test_the_first_that_can_is_taken() -> None:
    assert choose(a=WITH_BUILDX, b=OLD) == ("/a/docker", (("/a/docker", "29.x with buildx"),))


def test_a_client_that_this_engine_refuses_is_passed_over() -> None:
    refused = {**OLD, "version": (1, "\nError response from daemon: client version 1.41 is too old.\n")}
    what = (
        "20.x with BuildKit built in, but not with this engine: "
        "Error response from daemon: client version 1.41 is too old."
    )
    assert choose(a=refused) == (None, (("/a/docker", what),))


def test_a_client_is_asked_about_this_very_engine() -> None:
    answers = {f"/a/docker {words}": answer for words, answer in OLD.items()}
    host = ScriptedHost(answers=answers, programs={"docker": ("/a/docker",)})
    find_builder(host, HERE, engine())
    assert host.asked[-1].env["DOCKER_HOST"] == "unix:///run/x.sock"


def test_podman_under_the_name_of_docker_is_no_docker_client() -> None:
    assert choose(a={"--version": (0, "podman version 4.3.1")}) == (
        None,
        (("/a/docker", "is no docker client"),),
    )


def test_a_client_before_buildkit_is_too_old() -> None:
    assert choose(a={"--version": (0, "Docker version 17.12.1-ce, build 7390fc6")}) == (
        None,
        (("/a/docker", "17.x is too old for BuildKit"),),
    )


def test_a_client_that_does_not_start_is_told() -> None:
    client, looked_at = choose(a={})
    assert client is None
    assert looked_at[0][1].startswith("nobody told what")


def test_without_a_client_the_classic_builder_has_to_do() -> None:
    choice = find_builder(ScriptedHost(), HERE, engine())
    assert isinstance(choice.builder, Classic)
    assert (choice.client, choice.looked_at) == (None, ())


def test_podman_builds_by_the_classic_api_whatever_clients_there_are() -> None:
    host = ScriptedHost(programs={"docker": ("/usr/docker",)})
    choice = find_builder(host, HERE, engine("Podman Engine"))
    assert (choice.client, choice.looked_at, type(choice.builder)) == (None, (), Classic)
