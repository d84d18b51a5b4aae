"""What of a copied environment goes into the new layers, and with which content."""

from __future__ import annotations

from envkit.container import accounts
from envkit.engines.base import Engine
from envkit.engines.values import Change, ImageFacts
from envkit.save.layers import reading
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
    engine: Engine, container: str, origin: tuple[ImageFacts, str], changes: tuple[Change, ...]
) -> tuple[tuple[Change, ...], dict[str, bytes]]:
    """Return the changes, and the account files' content, without the line that `up` wrote for its caller.

    A file that had nothing but that is no change. `origin`: the image, and whose environment it is.
    """
    base, user = origin
    uid, _, gid = user.partition(":")
    numbers = {accounts.PASSWD: uid, accounts.GROUP: gid}
    changed = [change.path for change in changes if change.path in numbers and change.kind != "deleted"]
    if not changed:
        return changes, {}
    replaced: dict[str, bytes] = {}
    with reading(engine, base.id) as original:
        for path in changed:
            was = _text(engine, original, path)
            text = accounts.without(_text(engine, container, path), was, numbers[path])
            if text != was:
                replaced[path] = text.encode()
    gone = set(changed) - replaced.keys()
    return tuple(change for change in changes if change.path not in gone), replaced


def _text(engine: Engine, container: str, path: str) -> str:
    return (engine.inside.get(container, path) or b"").decode("utf-8", "replace")
