"""OpenSSH's client, with the user's own configuration and what envkit insists on."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from envkit.hosts import known_keys
from envkit.hosts.ssh_target import Target
from envkit.scratch import Scratch

# The first value of a setting wins (ssh_config(5)), so what stands here beats the user's files. It holds for
# jump hosts too: ssh hands its -F on to the ssh of a ProxyJump, but none of its other options.
_INSISTED = """Host *
  StrictHostKeyChecking yes
  UserKnownHostsFile {known}
  UpdateHostKeys no
  BatchMode yes
  ConnectTimeout 15
  ServerAliveInterval 15
  ServerAliveCountMax 4
  ControlMaster no
  ControlPath none
  ForwardAgent no
  ForwardX11 no
  PermitLocalCommand no
  RemoteCommand none
Include "{user}"
Include /etc/ssh/ssh_config
"""
_LONGEST = 60  # a socket's path has at most 107 bytes (unix(7)); TMPDIR may be long


class PrivateFolder:
    """A folder that only this user can look into, for sockets and settings; made when it is first used."""

    def __init__(self) -> None:
        self._scratch: Scratch | None = None

    @property
    def path(self) -> Path:
        """Return the folder."""
        if self._scratch is None:
            self._scratch = Scratch("ssh", Path(_runtime()))
        return self._scratch.path

    def remove(self) -> None:
        """Remove it with all it holds; twice is fine."""
        if self._scratch is not None:
            self._scratch.remove()
            self._scratch = None


def is_present() -> bool:
    """Tell whether there is an `ssh` to run."""
    return shutil.which("ssh") is not None


def configured(folder: PrivateFolder) -> Path:
    """Write the configuration and return it."""
    path = folder.path / "config"
    if not path.exists():
        known = " ".join(f'"{file}"' for file in known_keys.user_files())
        path.write_text(_INSISTED.format(known=known, user=Path.home() / ".ssh" / "config"), encoding="utf-8")
    return path


def forward_words(config: Path, target: Target, listen: Path, address: str) -> tuple[str, ...]:
    """Return the command that makes a socket here lead to an address there, and does nothing else."""
    words = [
        "ssh",
        "-F",
        str(config),
        "-nNT",
        "-o",
        "StreamLocalBindUnlink=yes",
        "-o",
        "StreamLocalBindMask=0177",
    ]
    words += ["-L", f"{listen}:{address}"]
    words += ["-p", str(target.port)] if target.port else []
    words += ["-l", target.user] if target.user else []
    return (*words, "--", target.host)


def _runtime() -> str:
    """Return where sockets belong: the user's own runtime folder, else the place for what is temporary."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    for folder in (own, tempfile.gettempdir()):
        if folder and len(folder) <= _LONGEST and os.access(folder, os.W_OK | os.X_OK):
            return folder
    return "/tmp"
