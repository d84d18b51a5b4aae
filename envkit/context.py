"""The build context: the plan's files, what envkit ships, and the Dockerfile. Same input, same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from envkit import paths, render
from envkit.errors import PlanError
from envkit.plan.build_plan import BuildPlan
from envkit.plan.facts import ContextFile

# Programs of envkit/probes: those a build step runs, and those that stay in the image (name → place, mode).
_BUILD_PROGRAMS = (
    "assert_torch.py",
    "install_code_server.sh",
    "install_extensions.py",
    "make_user.sh",
)
_IN_PLACE = (
    "idle_cards.py",
    "idle_judge.py",
    "idle_look.py",
    "idle_main.py",
    "idle_processes.py",
    "idle_report.py",
    "idle_watch.py",
    "jupyter_door.py",
    "login_profile.py",
    "own_door.js",
    "status.py",
    "supervise.py",
    "supervise_lines.py",
    "tensorboard_door.py",
    "vendor_variables.py",
    "warm.js",
)
_IMAGE_PROGRAMS = {
    "entrypoint.sh": ("bin/entrypoint", 0o755),
    "with_secrets.sh": ("bin/with-secrets", 0o755),
    "run_jupyterlab.sh": ("bin/run-jupyterlab", 0o755),
    "run_code_server.sh": ("bin/run-code-server", 0o755),
    "envkit_status.sh": ("bin/envkit-status", 0o755),
    "envkit_idle.sh": ("bin/envkit-idle", 0o755),
    **{name: (f"probes/{name}", 0o644) for name in _IN_PLACE},
}
_DATA = (".json", ".txt")  # of envkit/compat: what it says of versions decides what is installed

# No question on the first page, and nothing fetched from the makers' sites: many machines cannot reach them.
_LAB_SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# The chat's own programs are left out of the image (install_code_server.sh), so its pane would be dead.
_CODE_SETTINGS = {
    "chat.disableAIFeatures": True,
    "workbench.secondarySideBar.defaultVisibility": "hidden",
}


@dataclass(frozen=True, kw_only=True)
class Shipped:
    """What envkit brings: templates and programs, by name, and one digest of them and the data."""

    templates: Mapping[str, str]
    programs: Mapping[str, bytes]
    digest: str


def load_shipped(user_template: bytes | None = None) -> Shipped:
    """Read envkit's own files; a user's template joins as `user.j2`."""
    root = paths.templates()
    found = sorted(
        path for path in root.rglob("*") if path.is_file() and path.suffix in (".j2", ".yaml", ".sh")
    )
    templates = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in found}
    if user_template is not None:
        templates["user.j2"] = user_template.decode("utf-8", "replace")
    programs = {name: (paths.probes() / name).read_bytes() for name in (*_BUILD_PROGRAMS, *_IMAGE_PROGRAMS)}
    data = {path.name: path.read_bytes() for path in paths.compat().iterdir() if path.suffix in _DATA}
    texts = {name: text.encode() for name, text in templates.items()}
    digest = hashlib.sha256()
    for kind in (texts, programs, data):
        for name, content in sorted(kind.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return Shipped(templates=templates, programs=programs, digest=digest.hexdigest())


def files_of(plan: BuildPlan, shipped: Shipped) -> tuple[ContextFile, ...]:
    """Return the whole context, the Dockerfile included, sorted by name."""
    files = [
        ContextFile(name="Dockerfile", content=render.dockerfile(plan, shipped.templates).encode()),
        *(ContextFile(name=f"programs/{name}", content=shipped.programs[name]) for name in _BUILD_PROGRAMS),
        *_installed(plan, shipped),
        *_no_network(plan),
        *plan.files,
    ]
    return tuple(sorted(files, key=lambda file: file.name))


def write(files: Iterable[ContextFile], folder: Path) -> None:
    """Write the context into an empty folder that is soon gone: large files are links where that can be."""
    _write(files, folder, _link_or_copy)


def _write(
    files: Iterable[ContextFile], folder: Path, take: Callable[[ContextFile, Path, Path], object]
) -> None:
    """Write the context, whatever the umask: `COPY` keeps the modes of folders too.

    Times are not set: builders look at content and mode.
    """
    for file in files:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file.content, Path):
            take(file, file.content, target)
        else:
            target.write_bytes(file.content)
        target.chmod(file.mode)
    for inner in folder.rglob("*"):
        if inner.is_dir():
            inner.chmod(0o755)


def _no_network(plan: BuildPlan) -> list[ContextFile]:
    """Return an empty network configuration where it is copied in rather than mounted: COPY needs a file."""
    return [ContextFile(name="net/envkit-net", content=b"")] if plan.builder == "classic" else []


def _installed(plan: BuildPlan, shipped: Shipped) -> list[ContextFile]:
    """Return what is copied to /opt/envkit as it is."""
    files = [
        ContextFile(name=f"installed/{place}", content=shipped.programs[name], mode=mode)
        for name, (place, mode) in _IMAGE_PROGRAMS.items()
    ]
    texts = {**render.settings(plan, shipped.templates), **_kernel(plan), **_ide_settings(plan)}
    return files + [
        ContextFile(name=f"installed/{place}", content=text.encode()) for place, text in texts.items()
    ]


def _kernel(plan: BuildPlan) -> dict[str, str]:
    """Return the one kernel: the user's Python, in place of the tools' own."""
    spec = {
        "argv": [plan.python.program, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "metadata": {"debugger": True},
    }
    return {"jupyter/share/jupyter/kernels/python3/kernel.json": json.dumps(spec, indent=1) + "\n"}


def _ide_settings(plan: BuildPlan) -> dict[str, str]:
    """Return the IDEs' settings, the spec's over ours: defaults that a user's own settings override."""
    lab = _LAB_SETTINGS | json.loads(plan.lab_settings or "{}")
    found = {"jupyter/share/jupyter/lab/settings/overrides.json": json.dumps(lab, indent=1) + "\n"}
    if plan.tools.code_server:
        interpreter = {"python.defaultInterpreterPath": plan.python.program}
        extension = {
            "name": "defaults",
            "publisher": "envkit",
            "displayName": "envkit: this image's settings",
            "version": "1.0.0",
            "engines": {"vscode": "*"},
            "contributes": {
                "configurationDefaults": interpreter | _CODE_SETTINGS | json.loads(plan.code_settings or "{}")
            },
        }
        place = "code-server/lib/vscode/extensions/envkit.defaults/package.json"
        found[place] = json.dumps(extension, indent=1, sort_keys=True) + "\n"
    return found


def _link_or_copy(file: ContextFile, source: Path, target: Path) -> None:
    """Give a large file a second name; copy it where its mode is another: that one is its owner's."""
    real = source.resolve()
    try:
        if real.stat().st_mode & 0o7777 == file.mode:
            os.link(real, target)
            return
    except OSError:
        pass  # another filesystem, or links are not allowed: the copy says what is wrong, if anything
    _copy(file, source, target)


def _copy(_file: ContextFile, source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def dockerfile_of(files: Iterable[ContextFile]) -> str:
    """Return the Dockerfile's text."""
    content = next(file.content for file in files if file.name == "Dockerfile")
    assert isinstance(content, bytes)  # it was rendered, not read from the disk
    return content.decode("utf-8")


def write_new(files: Iterable[ContextFile], folder: Path) -> None:
    """Write the context into a folder that is new or empty; PlanError when there is something in it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PlanError(f"{folder} is there already, and not empty", fix="name a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(files, folder, _copy)
    except OSError as error:
        raise PlanError(f"{folder} cannot be written: {error.strerror}", fix="name another folder") from error
