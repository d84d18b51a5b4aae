"""What docker's own configuration knows of a registry: its login, asked for that registry alone.

Docker's file (~/.docker/config.json, or $DOCKER_CONFIG's) and its credential helpers are the only source: no
argument, no variable, no netrc. A login is handed to its own registry, and to nobody else.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field

from docker import auth
from docker.errors import DockerException

from envkit.errors import EngineError, UsageError

# A digest as docker writes it, behind the name of a repository.
_NAME = re.compile(r"[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_{1,2}|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who we are to one registry."""

    registry: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)  # an identity token instead of a password

    @property
    def header(self) -> str:
        """Return it as the engine takes it with a request."""
        told = {"username": self.user, "password": self.password, "identitytoken": self.token}
        given = {name: value for name, value in told.items() if value}
        encoded: bytes = auth.encode_header({**given, "serveraddress": self.registry})
        return encoded.decode("ascii")


@dataclass(frozen=True, kw_only=True)
class Name:
    """A reference in its parts."""

    registry: str  # "registry.example:5000"
    repository: str  # "team/lab"
    tag: str  # "1.0", or a digest

    @property
    def whole(self) -> str:
        """Return it as docker writes it."""
        return f"{self.registry}/{self.repository}{'@' if ':' in self.tag else ':'}{self.tag}"


def in_registry(reference: str) -> Name:
    """Take a reference apart; UsageError when it names no registry, or is none."""
    registry, _, rest = reference.partition("/")
    if not rest or not (registry == "localhost" or set(registry) & {".", ":"}):
        raise UsageError(
            f"{reference} names no registry", fix="write REGISTRY/NAMESPACE/NAME:TAG (push takes it as --to)"
        )
    repository, at, tag = rest.partition("@")
    if not at:
        repository, _, tag = rest.partition(":")
    if not _NAME.fullmatch(repository) or not (at or not tag or _TAG.fullmatch(tag)):
        raise UsageError(
            f"{reference} is no image's name",
            fix="write REGISTRY/NAMESPACE/NAME:TAG; all but the tag is in lower case",
        )
    return Name(registry=registry, repository=repository, tag=tag or "latest")


def login_for(registry: str) -> Login | None:
    """Return docker's login for a registry; None when it has none. A helper that fails is an EngineError."""
    try:
        with warnings.catch_warnings():  # the SDK warns of a helper that is not there, before it fails
            warnings.simplefilter("ignore", UserWarning)
            found = auth.load_config().resolve_authconfig(registry)
    except DockerException as error:
        raise EngineError(
            f"docker's configuration does not tell the login for {registry}: {_reason(error)}",
            fix="mend `credHelpers`, `credsStore` or `auths` in docker's config.json, or "
            f"`docker login {registry}`",
        ) from error
    if not found:
        return None
    told = {name.lower(): str(value or "") for name, value in found.items()}
    login = Login(
        registry=registry,
        user=told.get("username", ""),
        password=told.get("password", ""),
        token=told.get("identitytoken", ""),
    )
    return login if login.password or login.token else None


def _reason(error: DockerException) -> str:
    """Return what is wrong, never what a helper printed: that may hold the secret."""
    text = str(error)
    if missing := re.search(r"(docker-credential-[\w.-]+) not installed", text):
        return f"{missing[1]} is not on PATH"
    if helper := re.search(r"docker-credential-[\w.-]+", text):
        return f"{helper[0]} failed"
    return "it cannot be read"
