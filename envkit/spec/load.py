"""From a file, or a preset's name, to a spec that is right, or to one error that lists what is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from envkit.errors import SpecError
from envkit.spec import translate
from envkit.spec.family import Family, find
from envkit.spec.merge import without_nulls
from envkit.spec.model import Spec
from envkit.spec.named import missing_files
from envkit.spec.problems import Problem, report
from envkit.spec.source import Entries, Place, is_written, place_of, value_of
from envkit.spec.source import Path as KeyPath
from envkit.spec.yaml_reader import read


@dataclass(frozen=True, kw_only=True)
class LoadedSpec:
    """A spec, and where each of its values was written."""

    spec: Spec
    path: Path
    folder: Path  # what the spec's relative paths are relative to
    chain: tuple[str, ...]  # the files that it is made of: itself first, then what it extends
    tree: Entries = field(repr=False)

    def place(self, where: str | KeyPath) -> Place | None:
        """Return where a key's value is written (`str()` of it is `file:line:column`); None for a default."""
        path = _path(where)
        return place_of(self.tree, path) if is_written(self.tree, path) else None

    def error(self, where: str | KeyPath, what: str, *, allowed: str = "", fix: str = "") -> SpecError:
        """Return the error of a value that is wrong, at its line, for a later stage to raise.

        `where` is dotted (`ide.code_server.version`, `pip.packages.0`) or a tuple. What is not written, but
        a default, is shown at the nearest key above it.
        """
        path = _path(where)
        if not is_written(self.tree, path):
            what = f"{what} (`{'.'.join(map(str, path))}` is not written here; this is its default)"
        return report([Problem(place=place_of(self.tree, path), what=what, allowed=allowed, fix=fix)])


def load(source: str | Path, presets: Path) -> LoadedSpec:
    """Return the spec of a file, a folder that holds an `envkit.yaml`, or `preset:NAME`.

    Raises a `SpecError` that lists every problem with its place.
    """
    path = find(source, presets)
    family = Family.of(path, presets)
    tree = without_nulls(family.tree)
    problems = [*family.problems, *translate.empty_values(tree)]
    spec = _validated(tree, problems)
    told = {problem.place for problem in problems}
    problems += [problem for problem in missing_files(tree, path.parent) if problem.place not in told]
    if spec is None or problems:
        raise report(problems, family.sources)
    chain = tuple(file.name for file in family.sources)
    return LoadedSpec(spec=spec, path=path, folder=path.parent, chain=chain, tree=tree)


def from_text(name: str, text: str) -> LoadedSpec:
    """Return the spec of a text that names no files and was made, not written, under the name `name`."""
    tree = read(name, text.encode())
    problems: list[Problem] = []
    spec = _validated(tree, problems)
    if spec is None:
        raise report(problems)
    return LoadedSpec(spec=spec, path=Path(name), folder=Path.cwd(), chain=(name,), tree=tree)


def _validated(tree: Entries, problems: list[Problem]) -> Spec | None:
    """Return the spec, or nothing after adding to the problems what is wrong."""
    try:
        return Spec.model_validate(value_of(tree))
    except ValidationError as error:
        problems += translate.problems(tree, error)
        return None


def _path(where: str | KeyPath) -> KeyPath:
    if isinstance(where, tuple):
        return where
    return tuple(int(part) if part.isdigit() else part for part in where.split("."))
