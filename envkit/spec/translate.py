"""From what validation refused to problems at their places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from envkit.spec.english import refused
from envkit.spec.merge import is_settings
from envkit.spec.model import CodeServer, Ide, JupyterLab, Services, Spec, User
from envkit.spec.packages import Apt, Dnf, Pip
from envkit.spec.problems import Problem, likely
from envkit.spec.source import Entries, Node, Scalar, nearest, place_of, walk
from envkit.spec.target import Target

# Pydantic's mark of a mapping's key that is refused.
_KEY = "[key]"

# What other tools call our keys.
_SYNONYMS = {
    "image": "base",
    "from": "base",
    "base_image": "base",
    "pytorch": "torch",
    "device": "accelerator",
    "gpu": "accelerator: cuda",
    "npu": "accelerator: ascend",
    "packages": "apt, dnf or pip",
    "yum": "dnf",
    "rpm": "dnf",
    "dependencies": "pip",
    "environment": "env",
    "vscode": "ide.code_server",
    "jupyter": "ide.jupyterlab",
    "commands": "steps",
    "run": "steps",
    "copy": "steps",
    "uid": "user.uid",
}

# What else people call a value of ours.
_VALUES = {
    "gpu": "cuda",
    "nvidia": "cuda",
    "npu": "ascend",
    "huawei": "ascend",
    "none": "cpu",
    "github": "release",
}

_PARTS: dict[str, type[BaseModel]] = {
    "ide": Ide,
    "ide.code_server": CodeServer,
    "ide.jupyterlab": JupyterLab,
    "services": Services,
    "pip": Pip,
    "apt": Apt,
    "dnf": Dnf,
    "user": User,
    "target": Target,
}


def problems(tree: Entries, error: ValidationError) -> list[Problem]:
    """Return the errors of validation as problems, without those that only follow from another."""
    found = [_problem(tree, detail) for detail in error.errors(include_url=False)]
    empty = {node.place for _, node in walk(tree) if _is_empty(node)}
    # A misspelt `name` is one mistake, not an unknown key and a missing one.
    followed = {f"the key '{problem.likely}' is missing" for problem in found if problem.likely}
    return [problem for problem in found if problem.place not in empty and problem.what not in followed]


def _problem(tree: Entries, error: ErrorDetails) -> Problem:
    """Return an error of validation as a problem at its place."""
    context = refused(error).context or {}
    path, at_key = error["loc"], bool(context["at_key"])
    if not at_key and len(path) > 1 and path[-1] == _KEY:
        path, at_key = path[:-1], True
    node = nearest(tree, path)
    written = str(path[-1]) if at_key else node.text if isinstance(node, Scalar) else ""
    place = place_of(tree, path, key=at_key)
    fix = context["fix"]
    if fix.startswith("leave it out") and place.source != tree.place.source:
        fix = f"write `{path[-1]}: null` in {tree.place.source.name}: it takes the key back"
    return Problem(
        place=place,
        what=context["what"],
        allowed=context["allowed"],
        likely=_meant(written, context["choices"], at_key=at_key),
        fix=fix,
    )


def _meant(written: str, choices: Sequence[str], *, at_key: bool) -> str:
    if len(choices) == 1:
        return choices[0]
    if at_key and choices:
        return likely(written, choices) or _elsewhere(written)
    synonym = _VALUES.get(written.lower(), "")
    return synonym if synonym in choices else likely(written, choices)


def empty_values(tree: Entries) -> Iterator[Problem]:
    """Yield a problem for every key or entry that nothing follows."""
    for path, node in walk(tree):
        if path and _is_empty(node) and not is_settings(path):
            name = f"the key '{path[-1]}'" if isinstance(path[-1], str) else "this entry of the list"
            fix = "write a value, or leave it out"
            place = place_of(tree, path, key=True)
            yield Problem(place=place, what=f"{name} has no value", fix=fix)


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and not node.text


def _elsewhere(key: str) -> str:
    """Return the full name of a key that stands in the wrong part, or that other tools call so."""
    name = key.lower().replace("-", "_")
    if name in Spec.model_fields:
        return f"{name} at the top level"
    part = next((part for part, model in _PARTS.items() if name in model.model_fields), None)
    return _SYNONYMS.get(name) or (f"{part}.{name}" if part else "")
