"""Read what a spec names: its files become values before planning begins."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from envkit.plan.facts import ContextFile, Inputs
from envkit.spec.load import LoadedSpec
from envkit.spec.model import CodeServer

# A requirements file is read into memory; a larger one is no list of packages.
_MAX_LIST_BYTES = 1 << 20
_MAX_WHEELS_BYTES = 16 << 30


def read_inputs(loaded: LoadedSpec) -> Inputs:
    """Return the files that the spec names; SpecError at its line when one cannot be used."""
    spec = loaded.spec
    files: list[ContextFile] = []
    for path in spec.apt.files:
        files.append(_list_file(loaded, path, "apt.files"))
    for path in spec.pip.requirements:
        file = _list_file(loaded, path, "pip.requirements")
        _check_requirements(loaded, file)
        files.append(file)
    if spec.pip.wheels:
        files += _folder(loaded, spec.pip.wheels, "pip.wheels", "*.whl")
    if isinstance(spec.ide.code_server, CodeServer):
        named = [extension.vsix for extension in spec.ide.code_server.extensions] + [
            spec.ide.code_server.file
        ]
        files += [_on_disk(loaded.folder / path, path) for path in filter(None, named)]
    for step in spec.steps:
        if step.script:
            files.append(_in_memory(loaded, step.script))
        elif step.copy_from:
            files += _copied(loaded, step.copy_from)
    if spec.template:
        files.append(_in_memory(loaded, spec.template))
    unique = {file.name: file for file in files}
    return Inputs(files=tuple(unique[name] for name in sorted(unique)))


def template_of(loaded: LoadedSpec, inputs: Inputs) -> bytes | None:
    """Return the user's own template, if the spec names one."""
    for file in inputs.files:
        if file.name == loaded.spec.template and isinstance(file.content, bytes):
            return file.content
    return None


def wheels_in(folders: tuple[str, ...]) -> tuple[ContextFile, ...]:
    """Return the wheels that lie in the folders of this machine's pip, as files of the context."""
    found: dict[str, ContextFile] = {}
    for folder in folders:
        for path in sorted(Path(folder).expanduser().glob("*.whl")):
            found.setdefault(path.name, ContextFile(name=f"wheels/{path.name}", content=path))
    return tuple(found.values())


def _list_file(loaded: LoadedSpec, path: str, key: str) -> ContextFile:
    file = _in_memory(loaded, path)
    content = file.content
    assert isinstance(content, bytes)
    if len(content) > _MAX_LIST_BYTES:
        raise loaded.error(key, f"{path} is larger than 1 MiB: no list of packages", fix="name another file")
    return file


def _check_requirements(loaded: LoadedSpec, file: ContextFile) -> None:
    """Refuse lines that are options: they would reach for other files and indexes behind the plan's back."""
    assert isinstance(file.content, bytes)
    for number, line in enumerate(file.content.decode("utf-8", "replace").splitlines(), start=1):
        words = re.sub(r"(^|\s)#.*", "", line).strip().rstrip("\\").strip()
        if not words or words.startswith("--hash="):
            continue
        try:
            Requirement(re.split(r"\s--hash=", words)[0].strip())
        except InvalidRequirement:
            raise loaded.error(
                "pip.requirements",
                f"{file.name}:{number}: {words!r} is no requirement",
                fix="keep to `package==version` lines; indexes come from this machine's pip configuration",
            ) from None


def _folder(loaded: LoadedSpec, path: str, key: str, pattern: str) -> list[ContextFile]:
    found = sorted((loaded.folder / path).glob(pattern))
    if not found:
        raise loaded.error(
            key, f"there is no {pattern} in {path}", fix="put the files there, or remove the line"
        )
    if sum(item.stat().st_size for item in found) > _MAX_WHEELS_BYTES:
        raise loaded.error(
            key, f"{path} holds more than 16 GiB", fix="keep only the wheels that this image needs"
        )
    return [_on_disk(item, f"{path}/{item.name}") for item in found]


def _copied(loaded: LoadedSpec, path: str) -> list[ContextFile]:
    root = loaded.folder / path
    if root.is_file():
        return [_on_disk(root, path)]
    return [_on_disk(item, f"{path}/{item.relative_to(root).as_posix()}") for item in _plain_files(root)]


def _plain_files(root: Path) -> Iterator[Path]:
    """Yield the regular files below a folder; links are not followed: they could lead anywhere."""
    for item in sorted(root.rglob("*")):
        if item.is_file() and not item.is_symlink():
            yield item


def _in_memory(loaded: LoadedSpec, path: str) -> ContextFile:
    return ContextFile(name=path, content=(loaded.folder / path).read_bytes())


def _on_disk(place: Path, name: str) -> ContextFile:
    mode = 0o755 if place.stat().st_mode & 0o100 else 0o644
    return ContextFile(name=name, content=place, mode=mode, sha256=_sha256(place))


def _sha256(place: Path) -> str:
    digest = hashlib.sha256()
    with place.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
