"""Who may come to an environment, and what it keeps to itself: options that become one value."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from envkit.cli import options

if TYPE_CHECKING:
    from envkit.plan.run_plan import RunOptions

_OPTIONS = (
    click.option(
        "--expose",
        metavar="[ADDRESS]",
        is_flag=False,
        flag_value="0.0.0.0",
        help="Publish beyond this machine, by TLS only; alone: at every address.  [default: 127.0.0.1 only]",
    ),
    click.option(
        "--tls-name",
        "tls_names",
        metavar="NAME",
        multiple=True,
        help="A name that browsers use for this machine; may be given several times.",
    ),
    click.option(
        "--tls-cert", metavar="FILE", help="Your certificate with its chain, instead of envkit's own."
    ),
    click.option("--tls-key", metavar="FILE", help="Its key, without a passphrase."),
    options.env_file,
)


@dataclass(frozen=True, kw_only=True)
class Doors:
    """The options as they were written."""

    expose: str | None
    tls_names: tuple[str, ...]
    tls_cert: str | None
    tls_key: str | None
    env_file: str | None

    def added_to(self, wishes: RunOptions) -> RunOptions:
        """Return the wishes with these among them."""
        from dataclasses import replace

        from envkit.cli.site import absolute
        from envkit.environment.handover import asked_exposure
        from envkit.environment.secrets import planned

        certificate, key = absolute(self.tls_cert), absolute(self.tls_key)
        return replace(
            wishes,
            exposure=asked_exposure(self.expose, self.tls_names, certificate, key),
            secrets=planned(absolute(self.env_file)),
        )


def doors(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets them as `doors`."""

    @functools.wraps(command)
    def with_doors(**values: Any) -> None:
        names = Doors.__dataclass_fields__
        command(
            **{key: value for key, value in values.items() if key not in names},
            doors=Doors(**{key: values[key] for key in names}),
        )

    for option in reversed(_OPTIONS):
        with_doors = option(with_doors)
    return with_doors
