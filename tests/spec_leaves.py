"""Every place of a spec that takes a text, found by walking the model: a new field is covered by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from envkit.spec.fields import FrozenMap
from envkit.spec.frozen import JsonText
from envkit.spec.model import Spec
from envkit.spec.part import Part

ITEM, KEY, VALUE, JSON = "[]", "{key}", "{value}", "{json}"

# A value for each leaf that is accepted there, and what must stand around it.
SAMPLES = {
    "name": "fuzz",
    "extends.[]": "preset:cpu",
    "base": "debian:12",
    "os": "debian:12",
    "accelerator": "cpu",
    "python": "3.11",
    "torch": "2.13.0",
    "torch_from": "base",
    "torch_npu": "2.12.0",
    "cuda": "12.8",
    "target.chip": "h100",
    "target.driver": "570.124.06",
    "target.machine": "arm64",
    "apt.packages.[]": "git",
    "apt.files.[]": "apt.txt",
    "dnf.packages.[]": "git",
    "dnf.files.[]": "apt.txt",
    "pip.packages.[]": "numpy>=2",
    "pip.requirements.[]": "requirements.txt",
    "pip.wheels": "wheels",
    "env.{key}": "GREETING",
    "env.{value}": "hello",
    "ide.jupyterlab.version": "4.6.6",
    "ide.jupyterlab.settings.{json}": "theme",
    "ide.code_server": "true",
    "ide.code_server.version": "4.138.0",
    "ide.code_server.source": "npm",
    "ide.code_server.sha256": "1" * 64,
    "ide.code_server.file": "release.tar.gz",
    "ide.code_server.extensions.[].id": "ms-python.python",
    "ide.code_server.extensions.[].vsix": "mine.vsix",
    "ide.code_server.extensions.[].optional": "true",
    "ide.code_server.settings.{json}": "theme",
    "ide.code_server.own_door": "true",
    "services.tensorboard": "false",
    "user.name": "jo",
    "user.uid": "4242",
    "user.gid": "4343",
    "secrets.[].name": "HF_TOKEN",
    "secrets.[].file": "~/.secrets/key",
    "secrets.[].optional": "true",
    "steps.[].run": "echo done",
    "steps.[].script": "step.sh",
    "steps.[].copy": "data.txt",
    "steps.[].to": "/opt/data",
    "steps.[].user": "root",
    "steps.[].at": "before_packages",
    "template": "own.j2",
    "labels.{key}": "org.example.note",
    "labels.{value}": "hello",
}
AROUND: dict[str, dict[str, Any]] = {
    "torch_npu": {"accelerator": "ascend", "torch": "2.12.0", "base": "auto"},
    "cuda": {"accelerator": "cuda", "torch": "2.10.0", "python": "3.12", "base": "auto"},
    "dnf.packages.[]": {"base": "openeuler/openeuler:24.03"},
    "dnf.files.[]": {"base": "openeuler/openeuler:24.03"},
    "target.chip": {"accelerator": "cuda", "torch": "2.10.0"},
    "target.driver": {"accelerator": "cuda", "torch": "2.10.0"},
    "ide.code_server.sha256": {"ide": {"code_server": {"source": "release"}}},
    "ide.code_server.file": {"ide": {"code_server": {"source": "file", "sha256": "1" * 64}}},
    "ide.code_server.extensions.[].optional": {"ide": {"code_server": {"extensions": [{"id": "a.b"}]}}},
    "secrets.[].file": {"secrets": [{"name": "HF_TOKEN"}]},
    "secrets.[].optional": {"secrets": [{"name": "HF_TOKEN"}]},
    "steps.[].copy": {"steps": [{"to": "/opt/data"}]},
    "steps.[].to": {"steps": [{"copy": "data.txt"}]},
    "steps.[].user": {"steps": [{"run": "true"}]},
    "steps.[].at": {"steps": [{"run": "true"}]},
}
# These decide instructions, each by a grammar of its own or out of a closed list; what they may be is in the
# golden files. Of the others, nothing reaches an instruction but a value of ENV, LABEL or COPY.
DECIDING = {
    *(
        "base",
        "os",
        "accelerator",
        "python",
        "torch",
        "torch_from",
        "torch_npu",
        "cuda",
        "target.chip",
        "target.driver",
        "target.machine",
        "user.name",
        "user.uid",
        "user.gid",
    ),
    *(
        "ide.code_server",
        "ide.code_server.source",
        "ide.code_server.own_door",
        "ide.jupyterlab.version",
        "steps.[].user",
    ),
    *("steps.[].at", "services.tensorboard"),
}


def leaves(kind: Any = Spec, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the dotted path of everything in the model that is not itself a container."""
    inside = list(_inside(kind))
    for step, inner in inside:
        yield from leaves(inner, (*path, *step))
    if not inside:
        yield ".".join(path)


def _inside(kind: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield what a type consists of, with the step of the path that leads there."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Part):
        yield from (((field.alias or name,), field.annotation) for name, field in kind.model_fields.items())
    elif origin is Annotated:
        yield (), inner[0]
    elif origin in (Union, UnionType):
        yield from (((), choice) for choice in inner if choice is not type(None))
    elif origin is tuple:
        yield (ITEM,), inner[0]
    elif origin is FrozenMap:
        yield from (((KEY,), str), ((VALUE,), str))
    elif kind is JsonText:
        yield (JSON,), str


def spec_with(leaf: str, value: str) -> dict[str, Any]:
    """Return a spec, as YAML would give it, with this value at a leaf."""
    smallest = {"name": "fuzz", "base": "debian:12", "torch": "2.13.0"}
    return _merged(_merged(smallest, AROUND.get(leaf, {})), _nested(leaf.split("."), value))


def _nested(path: list[str], value: str) -> Any:
    if not path:
        return value
    first, *rest = path
    if first == ITEM:
        return [_nested(rest, value)]
    if first == KEY:
        return {value: "x"}
    if first == VALUE:
        return {"x": value}
    if first == JSON:
        return {value: [value, {value: value}]}
    return {first: _nested(rest, value)}


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        both = {**one, **other}
        return {
            key: _merged(one[key], other[key]) if key in one and key in other else both[key] for key in both
        }
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(left, right) for left, right in zip(one, other, strict=True)]
    return other
