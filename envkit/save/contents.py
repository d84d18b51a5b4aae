"""What of a copied environment goes into the new layers, and with which content."""

from __future__ import annotations

from envkit.container import accounts
from envkit.engines.base import Engine
from envkit.engines.values import Change
from envkit.save.look import seen_inside
from envkit.save.rules import never_saved


def sorted_out(
    engine: Engine, container: str, changes: tuple[Change, ...]
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Return the changes that are saved, and the paths that never are, as they lie in the copy."""
    there = [change for change in changes if change.kind != "deleted"]
    sizes = seen_inside(engine, container, [change.path for change in there])
    folders = {change.path for change, (_, folder) in zip(there, sizes, strict=True) if folder}
    kept, dropped = [], []
    for change in changes:
        never = change.kind != "deleted" and never_saved(change.path, is_folder=change.path in folders)
        if never:
            dropped.append(change.path)
        else:
            kept.append(change)
    return tuple(kept), tuple(dropped)


def own_accounts(
    engine: Engine, containers: tuple[str, str], user: str, changes: tuple[Change, ...]
) -> tuple[tuple[Change, ...], dict[str, bytes]]:
    """Return the changes, and the account files' content, without the line that `up` wrote for its caller.

    A file that had nothing but that is no change. `containers`: of what is below, and of the copy; `user`:
    whose environment it is.
    """
    below, copied = containers
    uid, _, gid = user.partition(":")
    numbers = {accounts.PASSWD: uid, accounts.GROUP: gid}
    replaced: dict[str, bytes] = {}
    same = set()
    for path in [change.path for change in changes if change.path in numbers and change.kind != "deleted"]:
        was = _text(engine, below, path)
        text = accounts.without(_text(engine, copied, path), was, numbers[path])
        replaced[path] = text.encode()
        if text == was:
            same.add(path)
    return tuple(change for change in changes if change.path not in same), replaced


def _text(engine: Engine, container: str, path: str) -> str:
    return (engine.inside.get(container, path) or b"").decode("utf-8", "replace")
