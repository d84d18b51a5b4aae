"""Judge what is found while more is sought: each item as soon as all that it needs is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Lock

from envkit.image import checks
from envkit.image.evidence import Evidence, Facts
from envkit.image.expectation import Expectation
from envkit.image.verdict import Item

# Facts that only some images give; the probe tells them before it tells the listeners.
_BEFORE_LISTENERS = {"code-server-refuses", "own-door", "own-door-refuses"}


class Judging:
    """The items of an image, run as one identity."""

    def __init__(
        self,
        identity: str,
        env: Mapping[str, str],
        expect: Expectation,
        report: Callable[[Item], None],
    ) -> None:
        self._facts: dict[str, Facts] = {}
        self.evidence = Evidence(identity=identity, env=env, facts=self._facts)
        self._expect = expect
        self._report = report
        self._items: dict[str, Item] = {}
        self._lock = Lock()  # facts come from two threads

    def hear(self, name: str, facts: Facts) -> None:
        """Take what was found; report what can now be judged."""
        with self._lock:
            self._facts[name] = facts
            for check in checks.CHECKS:
                if check.id not in self._items and self._is_all_there(check):
                    self._judge(check)

    def end(self) -> tuple[Item, ...]:
        """Judge the rest: nothing more comes. Return all items in the table's order."""
        for check in checks.CHECKS:
            if check.id not in self._items:
                self._judge(check)
        return tuple(self._items[check.id] for check in checks.CHECKS)

    def _is_all_there(self, check: checks.Check) -> bool:
        missing = set(check.needs) - set(self._facts)
        return not (missing - _BEFORE_LISTENERS if "listeners" in self._facts else missing)

    def _judge(self, check: checks.Check) -> None:
        self._items[check.id] = checks.item(check, self.evidence, self._expect)
        self._report(self._items[check.id])
