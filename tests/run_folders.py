"""Folders of runs as the supervisor writes them, for tests that need many, or broken ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envkit.engines.fake import FakeEngine
from envkit.engines.values import OWNED_CONTAINER, ContainerFacts, Mount
from envkit.environment.up import Site
from envkit.hosts.base import Command, Completed
from envkit.run import from_json
from envkit.run.folder import Attempt, End, RunFolder, RunRecord, Stop, Supervisor

SUPERVISOR = Supervisor(pid=4_000_000, started_ticks=1, boot_id="boot", container="0123456789ab")


def make(
    home: Path, name: str, *, end: End | None = None, stop: Stop | None = None, **changes: Any
) -> RunFolder:
    """Make the folder of a run that began, and maybe ended."""
    folder = RunFolder.on_host(str(home), name)
    attempt = folder.attempt(1)
    Path(folder.model).mkdir(parents=True)
    Path(attempt.path).mkdir(parents=True)
    record = RunRecord(
        name=name,
        record={"image": "cpu:dev", "devices": "cpu", "host": "lab"},
        script="/work/home/train.py",
        created=1000.0,
        attempt=Attempt(number=1, started=1000.0, ended=end.ended if end else None, end=end),
    )
    Path(folder.summary).write_text(from_json.text(replace(record, **changes)), "utf-8")
    Path(attempt.supervisor).write_text(from_json.text(SUPERVISOR), "utf-8")
    if end:
        Path(attempt.end).write_text(from_json.text(end), "utf-8")
    if stop:
        Path(attempt.stop).write_text(from_json.text(stop), "utf-8")
    return folder


@dataclass
class FolderHost:
    """A machine whose folders are this one's, read without a program (test_run_evidence.py compares them)."""

    name: str = "this machine"
    boot_id: str = "boot"
    now: float = 2000.0

    def run(self, command: Command) -> Completed:
        if command.words[0] == "ls":
            names = sorted(one.name for one in Path(command.words[-1]).iterdir())
            return Completed(code=0, stdout="\n".join(names), stderr="")
        if command.words[0] == "find":
            return Completed(code=1, stdout="", stderr="no such folder")
        script, _, what, *more = command.words[2:]
        if "tfevents" in script:
            text = _event_files(Path(what))
        elif "du -sk" in script:
            text = "4\tmodel\n8\tattempts\n16\t.\n"
        elif "tail -n" in script:
            lines = Path(what).read_bytes().splitlines(keepends=True)
            text = str(len(b"".join(lines[: max(0, len(lines) - int(more[0]))])))
        else:
            text = self._runs((what, *more[0].split()), more[1:])
        return Completed(code=0, stdout=text, stderr="")

    def _runs(self, patterns: Sequence[str], tasks: Sequence[str]) -> str:
        lines = [f"{self.now:.0f}", self.boot_id]
        for folder in filter(Path.is_dir, map(Path, tasks)):
            lines += ["", f"==> {folder} <=="]
            for pattern in patterns:
                for file in sorted(folder.glob(pattern.removeprefix("./"))):
                    if file.is_file() and not file.is_symlink():
                        text = file.read_bytes().decode("utf-8", "replace")
                        lines += ["", f"==> ./{file.relative_to(folder)} <==", text]
        return "\n".join(lines)

    def stream(self, command: Command, each_line: Callable[[str], None]) -> int:
        raise NotImplementedError

    def find_programs(self, name: str) -> tuple[Path, ...]:
        raise NotImplementedError

    def read(self, path: Path) -> bytes | None:
        return path.read_bytes() if path.is_file() else None

    def read_from(self, path: Path, offset: int) -> bytes | None:
        content = self.read(path)
        return None if content is None else content[offset:]

    def free_bytes(self, path: Path) -> int:
        raise NotImplementedError


def _event_files(folder: Path) -> str:
    found = (file for file in folder.rglob("*tfevents*") if file.relative_to(folder).parts[0] != "attempts")
    return "".join(f"{file.stat().st_size} ./{file.relative_to(folder)}\n" for file in found)


def container(run: str, home: Path, **changes: Any) -> ContainerFacts:
    """Return the container of a run."""
    labels = {OWNED_CONTAINER: "true", "io.envkit.kind": "run", "io.envkit.run": run}
    known = {
        "id": "0123456789ab" + "0" * 52, "name": f"envkit-run-{run}", "image": "sha256:1",
        "state": "running", "exit_code": None, "labels": labels, "ports": {}, "user": "0:0",
        "created": "1970-01-01T00:16:40Z",
        "mounts": (Mount(source=str(home), target="/work/home"),), "started": "1970-01-01T00:16:40Z",
    }  # fmt: skip
    return ContainerFacts(**{**known, **changes})


def environment(lab: str, home: Path, **changes: Any) -> ContainerFacts:
    """Return the container of an environment."""
    labels = {OWNED_CONTAINER: "true", "io.envkit.kind": "environment", "io.envkit.environment": lab}
    return container(lab, home, **{"name": f"envkit-{lab}", "labels": labels, **changes})


def site(home: Path, *containers: ContainerFacts) -> Site:
    """Return a place with these containers, whose folders are this machine's."""
    engine = FakeEngine()
    for one in containers:
        engine.containers.add(one)
    return Site(engine=engine, host=FolderHost(), home=str(home), cache="/none")
