"""What tests of runs share: a machine whose folders are real ones below a folder, and an engine in memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from envkit.engines.fake import FakeEngine
from envkit.environment.up import Site
from envkit.errors import HostError
from envkit.hosts.base import PART_BYTES, Command, Completed
from envkit.plan.run_plan import Caller, RunOptions
from envkit.run import evidence, scripts, start, stop
from envkit.run.plan import JobWish
from envkit.run.wish import Wish
from tests.environments import image

ADA = Caller(uid=1000, gid=100, name="ada")
# What the cache's program says of a new one.
NOTHING_REMOVED: dict[str, object] = {
    "folder": "/cache", "filesystem": "ext4", "reading_leaves_a_trace": True, "retention_s": 0.0,
    "states": {}, "entries": [], "finished": 0, "stopped": "", "failures": [],
}  # fmt: skip


@dataclass
class DiskHost:
    """A machine that knows the few programs a run asks for, and does them on the real disk."""

    name: str = "test"
    cut: bool = False  # the line to it
    memory_kb: int = 16_384_000
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def run(self, command: Command) -> Completed:
        """Do it."""
        self.asked.append(command.words)
        self._line()
        words = command.words
        if words[2:3] == (evidence._READ,):
            return _completed(0, "1000\nboot\n", "")  # no run.json: nobody writes one here
        if words[:2] == ("sh", "-c"):
            does: dict[str, Callable[[str], tuple[int, str, str]]] = {
                scripts._LOOK: _look,
                start._MAKE: _make,
                f"{start._MAKE} && {start._GIVE}": lambda path: _make(path, command.stdin),
                start._GIVE: lambda path: _write(f"{path}/{start._BEGIN}", command.stdin),
                ":": lambda path: (0, "", ""),
                start._REMOVE: _remove,
                stop._WRITE: lambda path: _write(path, command.stdin),
            }
            return _completed(*does[words[2]](words[-1]))
        if words[0] == "ls":
            path = Path(words[-1])
            return _completed(0, "\n".join(one.name for one in path.iterdir()) if path.is_dir() else "", "")
        if words[0] == "realpath":
            return _completed(0, f"{Path(words[-1]).resolve()}\n", "")
        if words[0] == "stat":  # a folder of Ada's
            return _completed(0, "41ed 1000 100", "") if Path(words[-1]).is_dir() else _completed(1, "", "no")
        if words[0] == "python3":  # the cache's program
            (Path(json.loads(words[-1])["folder"]) / ".envkit-cache").touch()
            return _completed(0, json.dumps(NOTHING_REMOVED), "")
        if words[0] == "install":
            Path(words[-1]).mkdir(parents=True)
            return _completed(0, "", "")
        return _completed(1, "", "no such thing")

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        raise NotImplementedError

    def find_programs(self, name: str) -> tuple[Path, ...]:
        return ()

    def read(self, path: Path) -> bytes | None:
        self._line()
        if path == Path("/proc/meminfo"):
            return f"MemTotal:       {self.memory_kb} kB\n".encode()
        return path.read_bytes() if path.is_file() and "proc" not in path.parts[:2] else None

    def read_from(self, path: Path, offset: int) -> bytes | None:
        content = self.read(path)
        return None if content is None else content[offset : offset + PART_BYTES]

    def free_bytes(self, path: Path) -> int:
        return 10**12

    def _line(self) -> None:
        if self.cut:
            raise HostError("the connection to test is cut", fix="wait")


def _completed(code: int, stdout: str, stderr: str) -> Completed:
    return Completed(code=code, stdout=stdout, stderr=stderr)


def _look(path: str) -> tuple[int, str, str]:
    real = Path(path).resolve()
    lines = [f"real {real}", *(["folder"] if real.is_dir() else [])]
    return (0, "\n".join(lines) if real.exists() else "", "")


def _make(path: str, begin: bytes = b"") -> tuple[int, str, str]:
    folder = Path(path)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not (folder / "attempts").exists():
        (folder / start._BEGIN).unlink(missing_ok=True)
    if folder.is_dir() and any(folder.iterdir()):
        return 1, "", f"mkdir: cannot create directory '{path}': File exists"
    folder.mkdir(exist_ok=True)
    return _write(f"{folder}/{start._BEGIN}", begin) if begin else (0, "", "")


def _remove(path: str) -> tuple[int, str, str]:
    if not list(Path(path).glob("attempts/*/rank-*")):
        shutil.rmtree(path)
    return 0, "", ""


def _write(path: str, content: bytes) -> tuple[int, str, str]:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content)
    return 0, "", ""


def a_site(root: Path) -> tuple[Site, FakeEngine, DiskHost]:
    """Return a place with the image `lab:dev`, and a script in its home."""
    engine, host = FakeEngine(), DiskHost()
    engine.images.add(image(**{"io.envkit.expect": '{"python_path": "/opt/venv/bin/python"}'}))
    (root / "home" / "proj").mkdir(parents=True)
    (root / "home" / "proj" / "train.py").write_text("print(1)\n")
    return Site(engine=engine, host=host, home=f"{root}/home", cache=f"{root}/cache"), engine, host


def a_wish(root: Path, *, name: str = "x", resume: bool = False, **job: object) -> Wish:
    """Ask for that script in a container of its own."""
    return Wish(
        script=f"{root}/home/proj/train.py",
        cwd=str(root),
        image="lab:dev",
        options=RunOptions(),
        caller=ADA,
        resume=resume,
        job=JobWish(words=("envkit", "train", "train.py"), name=name, **job),  # type: ignore[arg-type]
    )
