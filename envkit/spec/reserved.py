"""Names of variables and labels that a spec may not set, each with its reason."""

from __future__ import annotations

import re

OWNED = "io.envkit.owned"  # "true" on everything that envkit makes
SAVE = "io.envkit.save"  # on the step in between of a save: which one
LABELS = ("io.envkit.", "com.docker.", "io.docker.", "org.dockerproject.")

_OURS = "envkit sets it, so that every process sees the same"
_LOADER = "it changes every program of the image, envkit's own included"
_DEVICES = "devices are chosen when a container starts"
_RUN = "it names a run, and is set when one starts"
_PROXY = "a proxy belongs to a machine, not to an image; envkit uses this machine's during the build"
_SECRET = "it looks like a secret, and whoever has an image can read its variables"

_REASONS = {
    **dict.fromkeys(
        ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "VIRTUAL_ENV"), _OURS
    ),
    **dict.fromkeys(("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH"), _LOADER),
    **dict.fromkeys(("PYTHONHOME", "PYTHONPATH", "BASH_ENV", "ENV", "IFS", "NODE_OPTIONS"), _LOADER),
    **dict.fromkeys(("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"), _DEVICES),
    **dict.fromkeys(("ASCEND_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES"), _DEVICES),
    **dict.fromkeys(("MODEL_PATH", "SCRIPT", "SCRIPTPATH"), _RUN),
    **dict.fromkeys(("HASHED_PASSWORD", "JUPYTER_TOKEN"), _SECRET),
}
_PROXIES = re.compile(r"(http|https|ftp|all|no)_proxy", re.IGNORECASE)
_SECRETS = re.compile(
    r"(.*_)?(TOKEN|PASSWORD|PASSWD|SECRET|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY|CREDENTIALS)",
    re.IGNORECASE,
)


def env_reason(name: str) -> str:
    """Return why a spec may not set a variable; empty when it may."""
    if name in _REASONS:
        return _REASONS[name]
    if name.startswith(("ENVKIT_", "SUPERVISOR_")):
        return _OURS
    if _PROXIES.fullmatch(name):
        return _PROXY
    return _SECRET if _SECRETS.fullmatch(name) else ""


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of this name holds a secret."""
    return name == "HASHED_PASSWORD" or _SECRETS.fullmatch(name) is not None


_DOORS = "it decides who gets into the IDEs"
_FILES = "a file of envkit's own has that name among the secrets"
_OWN_FILES = ("jupyter_token", "jupyter_cookie_secret", "code_server_password", "hostnames")


def secret_reason(name: str) -> str:
    """Return why a secret may not have this name; empty when it may. Every IDE sees it as a variable."""
    if name in _OWN_FILES:
        return _FILES
    if name in ("PASSWORD", "HASHED_PASSWORD") or name.startswith(("JUPYTER_", "CODE_SERVER_", "VSCODE_")):
        return _DOORS
    reason = env_reason(name)
    return "" if reason in (_SECRET, _PROXY) else reason
