"""What the Docker SDK raises, in our words."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import pytest
import requests
from docker.errors import APIError, DockerException, ImageNotFound, NotFound, StreamParseError

from envkit.engines.docker_errors import pull_failure, spoken_as_ours
from envkit.engines.failures import LinkLost, NameTaken, NotAllowed, PortTaken
from envkit.errors import EngineError, EnvkitError, UsageError


def of_api(status: int, text: str, kind: type[APIError] = APIError) -> APIError:
    response = requests.Response()
    response.status_code = status
    return kind(text, response=response, explanation=text)


def told(error: Exception) -> EngineError:
    with pytest.raises(EngineError) as caught, spoken_as_ours("starting it"):
        raise error
    assert caught.value.__cause__ is error
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (of_api(409, 'Conflict. The container name "/x" is already in use by container "abc".'), NameTaken),
        (of_api(500, "driver failed: Bind for 127.0.0.1:80 failed: port is already allocated"), PortTaken),
        (of_api(500, "driver failed: listen tcp4 127.0.0.1:80: bind: address already in use"), PortTaken),
        (
            DockerException("Error: ('Connection aborted.', PermissionError(13, 'Permission denied'))"),
            NotAllowed,
        ),
    ],
)
def test_what_callers_tell_apart_has_a_class_of_its_own(error: Exception, kind: type[EngineError]) -> None:
    assert type(told(error)) is kind


@pytest.mark.parametrize(
    ("error", "what", "fix"),
    [
        (of_api(404, "No such image: x:1", ImageNotFound), "no such image", "`envkit build`"),
        (of_api(404, "No such container: x", NotFound), "No such container: x", "it is gone"),
        (
            of_api(500, "write /var/x: no space left on device"),
            "the engine's disk is full",
            "docker system df",
        ),
        (of_api(409, "Container 0badcafe is not running"), "the container does not run", "envkit start"),
        (
            of_api(400, 'runc create failed: exec: "/nope": stat /nope: no such file or directory: unknown'),
            "the image has no program /nope",
            "--python PATH",
        ),
        (
            of_api(400, 'runc create failed: exec: "sh": executable file not found in $PATH: unknown'),
            "the image has no program sh",
            "name one that it has",
        ),
        (of_api(500, "something new"), "something new", "the engine's log"),
        (
            DockerException("FileNotFoundError(2, 'No such file or directory')"),
            "it has no socket there",
            "start its",
        ),
        (requests.ConnectionError("Connection refused"), "the daemon has ended", "start its daemon"),
        (
            requests.ReadTimeout("Read timed out. (read timeout=180)"),
            "did not answer in time",
            "look at its log",
        ),
        (
            requests.ConnectionError("RemoteDisconnected('…')"),
            "broke the connection off",
            "run the command again",
        ),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            "broke the connection off",
            "run the command again",
        ),
        (StreamParseError("garbage"), "garbage", "the engine's log"),
        (OSError("something new"), "something new", "`envkit engine status`"),
    ],
)
def test_every_error_says_what_was_done_and_what_to_do(error: Exception, what: str, fix: str) -> None:
    ours = told(error)
    assert ours.what.startswith("starting it: ") and what in ours.what
    assert fix in ours.fix


# As Docker 20.10 to 29 and Podman say it.
LOOKUP = 'Get "https://registry/v2/": dial tcp: lookup registry on 10.0.0.1:53: no such host'
DENIED = "pull access denied for x, repository does not exist or may require 'docker login': denied"
NO_ARM = "no matching manifest for linux/arm64 in the manifest list entries"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (LOOKUP, f"the registry cannot be reached ({LOOKUP})"),
        ("net/http: TLS handshake timeout", "the registry cannot be reached"),
        ("Get https://registry/v2/: dial tcp 10.1.1.1:443: connect: connection refused", "cannot be reached"),
        ("proxyconnect tcp: dial tcp: i/o timeout", "the registry cannot be reached"),
        ("x509: certificate signed by unknown authority", "the registry's certificate is not trusted"),
        (DENIED, "the registry has no such image, or gives it only after a login"),
        ("unauthorized: authentication required", "the registry refuses"),
        (
            "manifest for debian:99 not found: manifest unknown: manifest unknown",
            "the registry does not know it",
        ),
        ("manifest unknown", "the registry does not know it"),
        (NO_ARM, "it is not made for this machine's architecture"),
        ("toomanyrequests: You have reached your pull rate limit.", "too many requests"),
        ("something new", "pulling x:1: something new"),
    ],
)
def test_a_registry_that_cannot_be_reached_refuses_or_does_not_know_are_told_apart(
    text: str, what: str
) -> None:
    error = pull_failure("x:1", text)
    assert error.what.startswith("pulling x:1: ") and what in error.what


def test_what_is_no_error_of_the_engine_passes_through() -> None:
    with pytest.raises(KeyError), spoken_as_ours("starting it"):
        raise KeyError("a mistake of ours keeps its traceback")


def test_what_is_no_image_name_is_the_users_mistake() -> None:
    with pytest.raises(UsageError) as caught, spoken_as_ours("looking at the image BAD/@"):
        raise of_api(400, "no such image: BAD/@: invalid reference format")
    assert caught.value.what == "looking at the image BAD/@: that is no image's name"


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (requests.ReadTimeout("Read timed out. (read timeout=180)"), True),
        (requests.exceptions.ChunkedEncodingError("IncompleteRead(10 bytes read)"), True),
        (requests.ConnectionError("RemoteDisconnected('…')"), True),
        (requests.ConnectionError("Connection refused"), False),
        (of_api(500, "something new"), False),
    ],
)
def test_what_leaves_open_whether_the_engine_acted_is_told_apart(error: Exception, is_lost: bool) -> None:
    assert isinstance(told(error), LinkLost) == is_lost


def test_a_disk_that_is_full_here_is_not_the_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(EnvkitError) as caught, spoken_as_ours("reading"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.what == f"reading: the disk of {tmp_path} is full" and "TMPDIR=" in caught.value.fix
