"""What an image that is adopted has of its own and keeps: seen by looking into it. Pure data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class OwnPython:
    """The Python that the image's own `python` is, as its own user has it."""

    version: str  # "3.11"
    program: str  # what `python` is: /app/venv/bin/python
    interpreter: str  # what that one was made from, when it is a virtual environment's: /usr/bin/python3.11
    folders: tuple[str, ...]  # of packages, as it searches them
    torch: str | None = None  # "2.13.0+cpu"
    cuda: str | None = None  # of that torch, "12.8"
    torch_npu: str | None = None


@dataclass(frozen=True, kw_only=True)
class OwnEntrypoint:
    """The program that the image starts with, and what it does to a command."""

    words: tuple[str, ...]
    wraps: bool  # it runs a given command, as its own user and as any other
    sets: tuple[tuple[str, str], ...] = ()  # the variables that a command then has, and the image has not

    @property
    def path(self) -> str:
        """Return the PATH that it leaves; "" where it leaves it alone."""
        return dict(self.sets).get("PATH", "")

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """Return what it sets beside PATH."""
        return tuple((name, value) for name, value in self.sets if name != "PATH")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An image's own things."""

    reference: str  # as its user names it
    python: OwnPython | None
    entrypoint: OwnEntrypoint | None
    command: tuple[str, ...]
    user: str  # as the image's configuration writes it
    home: str
    directory: str
    env: tuple[tuple[str, str], ...]
    container: str = ""  # it was copied from this one
    venv_taken: bool = False  # /opt/venv is the image's own
