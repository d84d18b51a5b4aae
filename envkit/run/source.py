"""Which code a project is, by its own git: a copy of it (--sync) has no .git that would tell."""

from __future__ import annotations

from envkit.errors import HostError
from envkit.hosts.base import Command, Host
from envkit.run.folder import Git

_DIFF_CHARACTERS = 1_000_000  # as inside, where a script's own repository is asked (probes/run_packages.py)
# The folder may be another user's; the fsmonitor is a program that a repository names.
_GIT = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.quotepath=off")
_ENV = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
_TIMEOUT_S = 60.0


def git_of(host: Host, folder: str) -> Git | None:
    """Return the commit and what differs from it; None where there is no repository, commit or git."""

    def git(*words: str) -> str | None:
        command = Command(words=(*_GIT, "-C", folder, *words), env=_ENV, timeout_s=_TIMEOUT_S)
        done = host.run(command)
        return done.stdout if done.code == 0 else None

    try:
        commit = git("rev-parse", "HEAD")
        if commit is None:
            return None
        branch, changed = git("symbolic-ref", "--short", "HEAD"), git("status", "--porcelain")
        diff = git("diff", "--no-ext-diff", "--no-textconv", "HEAD") or ""
    except HostError:
        return None  # no git here, or one that takes too long
    cut = len(diff) - _DIFF_CHARACTERS
    if cut > 0:
        diff = f"{diff[:_DIFF_CHARACTERS]}\n[cut: {cut} of {len(diff)} characters left out]\n"
    return Git(commit=commit.strip(), branch=(branch or "").strip(), dirty=bool(changed), diff=diff)
