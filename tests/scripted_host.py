"""A machine in memory: its files, its programs, and what each command answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envkit.errors import HostError
from envkit.hosts.base import Command, Completed

# What a command answers: its code and its lines. The longest beginning of a command line wins.
Answers = Mapping[str, tuple[int, str]]

DEBIAN = b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
ROOT: Answers = {"id -u": (0, "0\n")}


@dataclass
class ScriptedHost:
    """Answers as told, and remembers every command."""

    answers: Answers = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    free: int = 10**12
    name: str = "a machine in memory"
    asked: list[Command] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Return the command lines that were run."""
        return [" ".join(command.words) for command in self.asked]

    def run(self, command: Command) -> Completed:
        code, text = self._answer(command)
        return Completed(code=code, stdout=text, stderr=text if code else "")

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        code, text = self._answer(command)
        for line in text.splitlines():
            each_line(line)
        return code

    def _answer(self, command: Command) -> tuple[int, str]:
        self.asked.append(command)
        line = " ".join(command.words)
        fitting = [begin for begin in self.answers if line.startswith(begin)]
        if not fitting:
            raise HostError(f"nobody told what {line!r} answers", fix="tell it in the test")
        return self.answers[max(fitting, key=len)]

    def find_programs(self, name: str) -> tuple[Path, ...]:
        return tuple(map(Path, self.programs.get(name, ())))

    def read(self, path: Path) -> bytes | None:
        return self.files.get(str(path))

    def read_from(self, path: Path, offset: int) -> bytes | None:
        content = self.read(path)
        return None if content is None else content[offset:]

    def free_bytes(self, path: Path) -> int:
        return self.free
