"""The host's folders behind /work/home and /work/cache: which may be used, and how they are made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from envkit.errors import HostError, UsageError
from envkit.hosts.base import Command, Host
from envkit.plan.mounts import FolderMount
from envkit.plan.run_plan import Caller

# A mount of one of these hands the machine itself to the container: the system's own trees (hier(7)) ...
_SYSTEM = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/proc",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
)
_SYSTEM_STATE = ("/var/cache", "/var/lib", "/var/log", "/var/spool")
# ... and the roots of what belongs to many.
_SHARED_ROOTS = ("/", "/home", "/media", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var", "/var/tmp")

# Only the owner: the home holds keys and the IDEs' settings; who writes to a package cache chooses what runs.
_MODE = "0700"


@dataclass(frozen=True, kw_only=True)
class _Folder:
    mode: int
    uid: int
    gid: int
    is_directory: bool


def resolve(host: Host, path: str, *, option: str) -> str:
    """Return the real path, links followed; UsageError for a part of the system."""
    real = real_path(host, path, option=option)
    refuse_system(real, option=option, asked=path)
    return real


def real_path(host: Host, path: str, *, option: str) -> str:
    """Return the real path, links followed; UsageError for one that the engine cannot take."""
    done = host.run(Command(words=("realpath", "-m", "--", path)))
    real = done.stdout.rstrip("\n")
    if done.code != 0 or not real.startswith("/"):
        raise HostError(f"{_given(option, path)}: {done.stderr.strip()}", fix="give the path of a folder")
    if ":" in real or not real.isprintable():
        raise UsageError(
            f"{_given(option, repr(path))}: the engine takes no `:` and no control character",
            fix="rename the folder",
        )
    return real


def refuse_system(real: str, *, option: str, asked: str) -> None:
    """Refuse what no container may be given to write to."""
    if not is_system(real):
        return
    below = _tree_of(real)
    named = asked if asked == real else f"{asked} (that is {real})"
    reason = f"{below} belongs to the system" if below else f"{real} is not one person's folder"
    own = "~/envkit/" + option.rstrip("=").split()[-1].lstrip("-")
    raise UsageError(
        f"{_given(option, named)}: {reason}", fix=f"give a folder of your own, as in {_given(option, own)}"
    )


def is_system(real: str) -> bool:
    """Tell whether it is a part of the system, or the root of what belongs to many."""
    return real in _SHARED_ROOTS or _tree_of(real) is not None


def _tree_of(real: str) -> str | None:
    path = PurePosixPath(real)
    return next((tree for tree in (*_SYSTEM, *_SYSTEM_STATE) if path.is_relative_to(tree)), None)


def _given(option: str, value: str) -> str:
    """Return an option with its value as it is typed: `--home DIR`, `--mount NAME=DIR`."""
    return f"{option}{'' if option.endswith('=') else ' '}{value}"


def prepare(host: Host, path: str, caller: Caller) -> bool:
    """Make the folder the caller's own; one that is there already only has to be writable for them.

    Return whether it was made.
    """
    found = _look(host, path)
    if found is None:
        made = host.run(
            Command(
                words=("install", "-d", "-m", _MODE, "-o", str(caller.uid), "-g", str(caller.gid), "--", path)
            )
        )
        if made.code != 0:
            # `install` blames a missing file where the disk is full or read-only; `mkdir` tells which.
            plain = host.run(Command(words=("mkdir", "-p", "-m", _MODE, "--", path)))
            said = (plain.stderr if plain.code != 0 else made.stderr).strip()
            raise HostError(f"{path} cannot be made: {said}", fix="choose another folder")
    elif not found.is_directory:
        raise UsageError(f"{path} is not a folder", fix="choose another path")
    elif not _allows(found, caller, 0o3):
        raise UsageError(
            f"{path} is not writable for you (uid {caller.uid}; {_owner(found)})",
            fix=f"choose another folder, or: sudo chown {caller.uid} {path}",
        )
    return found is None


def check_mount(
    host: Host, mount: FolderMount, caller: Caller, private: tuple[str, ...] | None
) -> FolderMount:
    """Return the mount with its real path; UsageError for what is not there, or not the caller's to give.

    `private`: the engine's socket and storage, which no mount may reach; None: anything may be mounted.
    """
    option, asked = f"--mount {mount.name}=", mount.source
    real = real_path(host, asked, option=option)
    if private is not None:
        _refuse_system_mount(mount, real, private)
    found = _look(host, real)
    if found is None:
        raise UsageError(
            f"{option}{asked}: there is no such folder", fix="make it first, or look at its name"
        )
    if not found.is_directory:
        raise UsageError(f"{option}{asked} is not a folder", fix="name the folder that holds it")
    if not _allows(found, caller, 0o5 if mount.read_only else 0o7):
        may = "readable" if mount.read_only else "writable"
        add = "" if mount.read_only else f"`--mount {mount.name}={asked}:ro` if reading is enough, or "
        raise UsageError(
            f"{option}{asked} is not {may} for you (uid {caller.uid}; {_owner(found)})",
            fix=f"{add}give yourself or your group the right to it",
        )
    return replace(mount, source=real)


def _refuse_system_mount(mount: FolderMount, real: str, private: tuple[str, ...]) -> None:
    allow = "--allow-system-mounts gives it all the same: whoever is in the environment then has it"
    for path in private:
        if PurePosixPath(path).is_relative_to(real) or PurePosixPath(real).is_relative_to(path):
            named = mount.source if mount.source == real else f"{mount.source} (that is {real})"
            raise UsageError(
                f"--mount {mount.name}={named} reaches the engine itself ({path})",
                fix=f"another folder; {allow}",
            )
    try:
        refuse_system(real, option=f"--mount {mount.name}=", asked=mount.source)
    except UsageError as error:
        raise UsageError(error.what, fix=f"give a folder of your own; {allow}") from error


def _look(host: Host, path: str) -> _Folder | None:
    done = host.run(Command(words=("stat", "-c", "%f %u %g", "--", path)))
    if done.code != 0:
        return None
    raw, uid, gid = done.stdout.split()
    mode = int(raw, 16)
    return _Folder(mode=mode & 0o7777, uid=int(uid), gid=int(gid), is_directory=mode & 0o170000 == 0o040000)


def _allows(folder: _Folder, caller: Caller, bits: int) -> bool:
    """Tell whether the caller has these rights (of 7); root has them all."""
    # The container runs with the caller's own group and group 0, not with their other groups.
    if caller.uid == 0:
        return True
    if caller.uid == folder.uid:
        return folder.mode >> 6 & bits == bits
    if folder.gid in (caller.gid, 0):
        return folder.mode >> 3 & bits == bits
    return folder.mode & bits == bits


def _owner(folder: _Folder) -> str:
    return f"it is {folder.uid}:{folder.gid}, mode {folder.mode:04o}"
