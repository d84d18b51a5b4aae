"""Run JupyterLab for a door beyond loopback: it answers to the names of its certificate, and to no other.

Jupyter's own rule (`allow_remote_access=False`) knows names but no address: a Host that is an IP address is
refused unless it is loopback (jupyter_server 2.21, `check_host`).
"""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_server.base.handlers import JupyterHandler  # type: ignore[import-not-found]  # the image's own
from jupyterlab.labapp import main  # type: ignore[import-not-found]  # the image's own


def known_hosts() -> frozenset[str]:
    """Return the names and addresses that the certificate was made for."""
    return frozenset(Path(os.environ["ENVKIT_SECRETS"], "hostnames").read_text(encoding="utf-8").split())


def also_allow(names: frozenset[str]) -> None:
    """Let requests for these names in, beside those that Jupyter lets in."""
    own_rule = JupyterHandler.check_host

    def check_host(handler: JupyterHandler) -> bool:
        """Tell whether the Host is one that was asked for."""
        return handler.request.host_name.strip("[]") in names or bool(own_rule(handler))

    JupyterHandler.check_host = check_host


if __name__ == "__main__":
    also_allow(known_hosts())
    main()
