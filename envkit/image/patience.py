"""Ask a registry again where asking again can help: what has arrived is kept, on either side."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from envkit.engines.failures import RegistryFailed

# Waits before the second, third and fourth try. By then the engine has asked five times for each layer (its
# max-upload-attempts, max-download-attempts): half a minute more covers a registry's restart.
WAITS_S = (2.0, 8.0, 20.0)
_Result = TypeVar("_Result")


@dataclass
class Patience:
    """How often it was asked, and who hears of it."""

    note: Callable[[str], None]
    wait: Callable[[float], None] = time.sleep
    tries: int = 0

    def ask(self, ask: Callable[[], _Result]) -> _Result:
        """Ask until it works, or until it fails in a way that stays, or too often."""
        for wait_s in (*WAITS_S, None):
            self.tries += 1
            try:
                return ask()
            except RegistryFailed as error:
                if not error.again:
                    raise
                if wait_s is None:
                    what = f"{error.what} ({self.tries} times)"
                    raise RegistryFailed(what, fix=error.fix, kind=error.kind, again=True) from error
                self.note(f"{error.what}; trying again in {wait_s:.0f} s")
                self.wait(wait_s)
        raise AssertionError  # the last wait is None
