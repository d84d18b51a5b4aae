"""`envkit open`: an environment in the browser, through a tunnel where it is on a host."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from envkit.cli import options, output

if TYPE_CHECKING:
    from envkit.environment.opening import OpenDoor
    from envkit.environment.site import Site
    from envkit.hosts.ssh import SshHost

_WORDS = {"jupyter": "JupyterLab", "code": "VS Code", "tensorboard": "TensorBoard"}


@click.command("open", epilog="Example: envkit open my-env code --host gpu1")
@options.environment
@click.argument("service", metavar="[jupyter|code|tensorboard]", required=False)
@options.host
@options.only_print
@options.tunnel_port
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1),
    default=60.0,
    show_default=True,
    help="How long to wait for an answer.",
)
@options.as_json
def command(  # noqa: PLR0913  click hands over every option by name
    name: str | None,
    service: str | None,
    host_name: str | None,
    only_print: bool,
    port: int | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Open an environment in your browser, logged in; JupyterLab where nothing else is asked for.

    Where there is no browser (or with --print or --json) the URL is printed, with its token: who has it, has
    the environment. With --host it goes through a tunnel that this command keeps open, through drops of the
    line too, until you press Ctrl-C. The environment goes on in any case.
    """
    from envkit.cli.site import open_site
    from envkit.environment.opening import meant, open_door

    site = open_site(host_name)
    name, wanted = meant(site, name, service)
    found = open_door(site, name, wanted, timeout)
    lead_to(site, found, port, quiet=only_print or as_json, as_json=as_json)


def lead_to(site: Site, found: OpenDoor, port: int | None, *, quiet: bool, as_json: bool) -> None:
    """Open an environment's door in the browser, or print its URL; through a tunnel where it is on a host."""
    from envkit.errors import UsageError
    from envkit.hosts.ssh import SshHost

    if isinstance(site.host, SshHost) and found.is_on_loopback:
        _through_tunnel(found, site.host, port, quiet=quiet, as_json=as_json)
        return
    if port is not None:
        raise UsageError("--port is for the tunnel to a host", fix="leave it out: there is no tunnel here")
    _show(found, found.url(), quiet=quiet, as_json=as_json)


def _through_tunnel(found: OpenDoor, host: SshHost, port: int | None, *, quiet: bool, as_json: bool) -> None:
    import signal

    from envkit.hosts.loopback import keep, leading_to

    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal ends it as a Ctrl-C does
        signal.signal(number, signal.default_int_handler)
    with leading_to(host, found.port, port) as (here, tunnel):
        _show(found, found.url(here), quiet=quiet, as_json=as_json)
        output.note(f"127.0.0.1:{here} leads to {host.name} until you press Ctrl-C")
        try:
            keep(tunnel, host.name, output.note)
        except KeyboardInterrupt:
            output.note(f"the tunnel is closed; environment {found.name} goes on")


def _show(found: OpenDoor, url: str, *, quiet: bool, as_json: bool) -> None:
    if as_json:
        output.show_json({"name": found.name, "service": found.service, "url": url})
    elif quiet or not _has_browser() or not _browse(url):
        output.show(url)
    else:
        output.note(f"{_WORDS[found.service]} of {found.name} is opened in your browser")
    sys.stdout.flush()


def _has_browser() -> bool:
    """Tell whether a window can appear before whoever asked."""
    if "BROWSER" in os.environ or sys.platform == "darwin":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _browse(url: str) -> bool:
    """Open a page that leads to the URL: on a command line everybody could read the token."""
    import atexit
    import html
    import tempfile
    import webbrowser
    from pathlib import Path

    from envkit import paths

    folder = paths.state() / "open"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, page = tempfile.mkstemp(dir=folder, suffix=".html")  # mode 0600
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f'<meta http-equiv="refresh" content="0; url={html.escape(url)}">\n')
    atexit.register(_forget, Path(page))
    return webbrowser.open(Path(page).as_uri())


def _forget(page: os.PathLike[str]) -> None:
    """Remove the page, once a browser has had the time to read it."""
    import time
    from pathlib import Path

    time.sleep(3)  # a browser that has to start first takes about 2 s
    Path(page).unlink(missing_ok=True)
