"""Read what a spec names: its files become values before planning begins."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import TypeAdapter, ValidationError

from envkit.errors import SpecError
from envkit.plan.facts import ContextFile, Inputs
from envkit.spec.fields import AptPackage, RpmPackage
from envkit.spec.load import LoadedSpec
from envkit.spec.model import CodeServer

# A list of packages is read into memory; a larger file is none.
_MAX_LIST_BYTES = 1 << 20
# Far above any set of wheels for one image: torch's CUDA build with its libraries is about 3 GiB.
_MAX_WHEELS_BYTES = 16 << 30
_HASH = re.compile(r"--hash=\w+:[0-9a-f]+")


def read_inputs(loaded: LoadedSpec) -> Inputs:
    """Return the files that the spec names; SpecError at its line when one cannot be used."""
    named = [*_lists(loaded), *_ide_files(loaded), *_step_files(loaded)]
    if loaded.spec.pip.wheels:
        named += _wheels(loaded, loaded.spec.pip.wheels)
    if loaded.spec.template:
        named.append(_text_file(loaded, loaded.spec.template, "template"))
    unique = {file.name: file for file in named}
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


def _lists(loaded: LoadedSpec) -> Iterator[ContextFile]:
    for manager, paths in (("apt", loaded.spec.apt.files), ("dnf", loaded.spec.dnf.files)):
        for index, path in enumerate(paths):
            file = _text_file(loaded, path, f"{manager}.files.{index}")
            _check_packages(loaded, file, f"{manager}.files.{index}")
            yield file
    for index, path in enumerate(loaded.spec.pip.requirements):
        file = _text_file(loaded, path, f"pip.requirements.{index}")
        _check_requirements(loaded, file, f"pip.requirements.{index}")
        yield file


def _ide_files(loaded: LoadedSpec) -> Iterator[ContextFile]:
    if isinstance(loaded.spec.ide.code_server, CodeServer):
        named = [extension.vsix for extension in loaded.spec.ide.code_server.extensions]
        for path in filter(None, [*named, loaded.spec.ide.code_server.file]):
            yield _on_disk(loaded, path, "ide.code_server")


def _step_files(loaded: LoadedSpec) -> Iterator[ContextFile]:
    for index, step in enumerate(loaded.spec.steps):
        if step.script:
            yield _text_file(loaded, step.script, f"steps.{index}.script")
        elif step.copy_from:
            yield from _copied(loaded, step.copy_from, f"steps.{index}.copy")


def _wheels(loaded: LoadedSpec, path: str) -> list[ContextFile]:
    found = sorted((loaded.folder / path).glob("*.whl"))
    if not found:
        what = f"there is no wheel (`*.whl`) in {path}"
        raise loaded.error("pip.wheels", what, fix="put the files there, or remove the line")
    if sum(item.stat().st_size for item in found) > _MAX_WHEELS_BYTES:
        what = f"{path} holds more than 16 GiB"
        raise loaded.error("pip.wheels", what, fix="keep only the wheels that this image needs")
    return [_on_disk(loaded, f"{path}/{item.name}", "pip.wheels") for item in found]


def _copied(loaded: LoadedSpec, path: str, key: str) -> list[ContextFile]:
    root = loaded.folder / path
    if root.is_file():
        return [_on_disk(loaded, path, key)]
    inside = sorted(root.rglob("*"))
    link = next((item for item in inside if item.is_symlink()), None)
    if link is not None:
        what = f"{path}/{link.relative_to(root).as_posix()} is a link: it could lead anywhere"
        raise loaded.error(key, what, fix="put the file itself there")
    files = [item for item in inside if item.is_file()]
    if not files:
        raise loaded.error(key, f"there is no file in {path}", fix="put one there, or remove the step")
    return [_on_disk(loaded, f"{path}/{item.relative_to(root).as_posix()}", key) for item in files]


def _check_packages(loaded: LoadedSpec, file: ContextFile, key: str) -> None:
    """Refuse lines that are not one package: apt or dnf would take a word of it as an option."""
    package, sign = (
        (TypeAdapter(RpmPackage), "-") if key.startswith("dnf.") else (TypeAdapter(AptPackage), "=")
    )
    for number, line in enumerate(_lines(file), start=1):
        word = line.partition("#")[0].strip()
        try:
            if word:
                package.validate_python(word)
        except ValidationError as error:
            what = f"{file.name}:{number}: {error.errors()[0]['msg']}"
            raise loaded.error(
                key, what, fix=f"write one package a line: `name` or `name{sign}version`"
            ) from error


def _check_requirements(loaded: LoadedSpec, file: ContextFile, key: str) -> None:
    """Refuse lines that are options: they would reach for other files and indexes behind the plan's back."""
    for number, line in enumerate(_lines(file), start=1):
        plain = re.sub(r"(^|\s)#.*", "", line).strip().removesuffix("\\").strip()
        wanted, *hashes = re.split(r"\s+(?=--hash=)", plain)
        try:
            if wanted and not _HASH.fullmatch(wanted):
                Requirement(wanted)
            odd = next((word for word in hashes if not _HASH.fullmatch(word)), "")
        except (InvalidRequirement, RecursionError):
            odd = plain
        if odd:
            what = f"{file.name}:{number}: {odd[:80]!r} is no requirement"
            fix = "keep to `package==version` lines; indexes come from this machine's pip configuration"
            raise loaded.error(key, what, fix=fix)


def _lines(file: ContextFile) -> list[str]:
    assert isinstance(file.content, bytes)  # `_text_file` has read it
    return file.content.decode("utf-8").splitlines()


def _text_file(loaded: LoadedSpec, path: str, key: str) -> ContextFile:
    """Read a text; SpecError when it is none, or far too long to be one."""
    place = loaded.folder / path
    try:
        if place.stat().st_size > _MAX_LIST_BYTES:
            raise loaded.error(key, f"{path} is larger than 1 MiB", fix="name another file")
        content = place.read_bytes()
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise loaded.error(key, f"{path} is not UTF-8 text", fix="save it as UTF-8") from error
    except OSError as error:
        raise _unreadable(loaded, path, key, error) from error
    return ContextFile(name=path, content=content)


def _on_disk(loaded: LoadedSpec, path: str, key: str) -> ContextFile:
    """Name a file that stays where it is; of its mode, only whether its owner may run it is kept."""
    place = loaded.folder / path
    try:
        mode = 0o755 if place.stat().st_mode & 0o100 else 0o644
        return ContextFile(name=path, content=place, mode=mode, sha256=_sha256(place))
    except OSError as error:
        raise _unreadable(loaded, path, key, error) from error


def _unreadable(loaded: LoadedSpec, path: str, key: str, error: OSError) -> SpecError:
    return loaded.error(key, f"{path} cannot be read: {error.strerror}", fix="look at its permissions")


def _sha256(place: Path) -> str:
    digest = hashlib.sha256()
    with place.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
