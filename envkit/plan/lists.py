"""The files of the context that say what to install: nothing a user writes stands in an instruction."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from envkit import compat
from envkit.plan import code_server, managers
from envkit.plan.build_plan import ToolsPlan, TorchPlan
from envkit.plan.facts import ContextFile, Inputs
from envkit.plan.parts import Parts
from envkit.spec.model import CodeServer, Spec


def context_files(spec: Spec, parts: Parts, inputs: Inputs) -> tuple[ContextFile, ...]:
    """Return every file of the context that the spec decides, sorted by name."""
    named = {file.name: file for file in inputs.files}
    torch, tools, manager = parts.torch, parts.tools, parts.base.manager
    texts = {
        f"lists/{manager}.txt": _lines(managers.lines(spec, manager, parts.python.packages, named)),
        "lists/packages.txt": _lines(["ipykernel", *spec.pip.packages]),
        "lists/constraints.txt": _lines(_exact(torch)),
        "locks/bootstrap.txt": "".join(compat.lock(name) for name in managers.needs(manager)["locks"]),
        "locks/tools.txt": _tools_lock(tools),
    }
    if parts.python.folders:
        lines = [f"import site; site.addsitedir({folder!r})" for folder in parts.python.folders]
        texts["lists/own-packages.pth"] = _lines(lines)
    if torch and torch.of_base:
        texts["lists/overrides.txt"] = _lines(f"{name} ; python_version < '0'" for name in _TORCHES)
    if torch and not torch.of_base:
        texts["lists/torch.txt"] = _lines(torch.requirements)
    if torch:
        planned = {"version": torch.version, "build": torch.build, "npu": torch.npu, "of_base": torch.of_base}
        texts["lists/torch.json"] = _json(planned)
    if tools.code_server:
        texts["code-server/plan.sh"] = code_server.script_words(tools.code_server)
        texts["extensions/extensions.json"] = _json(code_server.extension_rows(tools.code_server))
    files = [ContextFile(name=name, content=text.encode()) for name, text in texts.items()]
    return tuple(sorted([*files, *_users_files(spec, inputs, named)], key=lambda file: file.name))


def requirements_name(index: int) -> str:
    """Return a requirements file's name in the context: a number, since an instruction names it."""
    return f"{index + 1:02}.txt"


def wheels_of(spec: Spec, inputs: Inputs) -> tuple[str, ...]:
    """Return the names of the wheels in the spec's own folder."""
    places = (file.name.rpartition("/") for file in inputs.files)
    return tuple(name for folder, _, name in places if folder == spec.pip.wheels and name.endswith(".whl"))


def projects(wheels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the projects that these wheels are of, as their names begin (PEP 427)."""
    found = {wheel.partition("-")[0] for wheel in wheels}
    return tuple(sorted(name for name in found if re.fullmatch(r"[A-Za-z0-9._]+", name)))


def _users_files(spec: Spec, inputs: Inputs, named: dict[str, ContextFile]) -> Iterator[ContextFile]:
    for index, path in enumerate(spec.pip.requirements):
        yield replace(named[path], name=f"requirements/{requirements_name(index)}")
    for wheel in wheels_of(spec, inputs):
        yield replace(named[f"{spec.pip.wheels}/{wheel}"], name=f"wheels/{wheel}")
    if isinstance(spec.ide.code_server, CodeServer):
        for path in filter(None, [extension.vsix for extension in spec.ide.code_server.extensions]):
            yield replace(named[path], name=f"extensions/{code_server.base_name(path)}")
        if release := spec.ide.code_server.file:
            place = code_server.FILES + code_server.base_name(release)
            yield replace(named[release], name=f"code-server/{place}")
    yield from _step_files(spec, named)


def _step_files(spec: Spec, named: dict[str, ContextFile]) -> Iterator[ContextFile]:
    for number, step in enumerate(spec.steps, start=1):
        folder = f"steps/{number:02}/"
        if step.run:
            text = f"#!/bin/bash\nset -euo pipefail\n{step.run}\n"
            yield ContextFile(name=f"{folder}run", content=text.encode(), mode=0o755)
        elif step.script:
            yield replace(named[step.script], name=f"{folder}run", mode=0o755)
        elif step.copy_from in named:
            yield replace(named[step.copy_from], name=folder + code_server.base_name(step.copy_from))
        else:
            for name, file in named.items():
                if name.startswith(f"{step.copy_from}/"):
                    yield replace(file, name=folder + name.removeprefix(f"{step.copy_from}/"))


# What packages ask for and the base has: an override that no Python fits keeps it from being installed.
_TORCHES = ("torch", "torchvision", "torchaudio", "triton")


def _exact(torch: TorchPlan | None) -> list[str]:
    """Return torch's own pins: a package that wants another torch is refused when packages are resolved."""
    return [requirement for requirement in torch.requirements if "==" in requirement] if torch else []


def _tools_lock(tools: ToolsPlan) -> str:
    if tools.hashed:
        return compat.lock("tools")
    pins = ("jupyter-server>=2.20", "jupyter-server-proxy>=4.2", "supervisor>=4.3", "tensorboard>=2.18")
    return _lines([f"jupyterlab=={tools.jupyterlab}", *pins])


def _lines(words: Iterable[str]) -> str:
    return "".join(f"{word}\n" for word in words)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, indent=1) + "\n"
