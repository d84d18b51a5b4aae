"""What a Python file says about devices, as short texts with their places: syntax trees, no guesses. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_STARTS = ("subprocess.", "os.system", "os.popen", "os.exec", "os.spawn")


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing that a file says: `kind` and `text` are what the rows of carry_over.json match."""

    kind: str  # import, name, call, method, keyword, compare, program
    text: str
    line: int
    column: int
    guarded: bool  # below an `if` or in a `try`: it need not happen


def facts(tree: ast.Module) -> Iterator[Fact]:
    """Yield what a file says, in the order of the tree."""
    yield from _Reader(_names(tree)).walk(tree, guarded=False)


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every module that a file may import, with the dots before it: for `from a import b` both."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module:
                yield node.level, module
            names = (".".join(filter(None, (module, alias.name))) for alias in node.names)
            yield from ((node.level, name) for name in names)


def _names(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for: nn → torch.nn."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


class _Reader:
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def walk(self, node: ast.AST, *, guarded: bool) -> Iterator[Fact]:
        for kind, text in self._of(node):
            place = node if isinstance(node, ast.expr | ast.stmt) else None
            line, column = (place.lineno, place.col_offset + 1) if place else (1, 1)
            yield Fact(kind=kind, text=text, line=line, column=column, guarded=guarded)
        if isinstance(node, ast.Attribute) and self._whole(node):
            return  # a longer name was told: its beginning says nothing more
        below = guarded or isinstance(node, ast.If | ast.IfExp | ast.Try)
        for child in ast.iter_child_nodes(node):
            yield from self.walk(child, guarded=below)

    def _of(self, node: ast.AST) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Import):
            yield from (("import", alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (("import", f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute | ast.Name):
            name = self._whole(node)
            if name:
                yield "name", name
        elif isinstance(node, ast.Call):
            yield from self._call(node)
        elif isinstance(node, ast.Compare):
            yield from self._compare(node)

    def _call(self, node: ast.Call) -> Iterator[tuple[str, str]]:
        name = self._whole(node.func)
        first = self._value(node.args[0]) if node.args else ""
        for keyword in node.keywords:
            value = self._value(keyword.value)
            yield "keyword", f"{keyword.arg}={value}"
            if not node.args and keyword.arg in ("device", "backend"):
                first = value
        if name:
            yield "call", f"{name}({first})"
        elif isinstance(node.func, ast.Attribute):
            yield "method", f".{node.func.attr}({first})"
        if name.startswith(_STARTS) and node.args:
            words = node.args[0].elts if isinstance(node.args[0], ast.List | ast.Tuple) else [node.args[0]]
            yield from (("program", self._value(word)) for word in words)

    def _compare(self, node: ast.Compare) -> Iterator[tuple[str, str]]:
        sides = [node.left, *node.comparators]
        for one in sides:
            for other in sides:
                if one is other or isinstance(one, ast.Constant):
                    continue
                values = other.elts if isinstance(other, ast.List | ast.Tuple | ast.Set) else [other]
                yield from (("compare", f"{self._side(one)} {self._value(value)}") for value in values)

    def _side(self, node: ast.expr) -> str:
        """Return the end of what is compared: `device.type`, `get_backend()`."""
        if isinstance(node, ast.Call):
            return f"{self._side(node.func)}()"
        if isinstance(node, ast.Subscript):
            return self._side(node.value)
        if isinstance(node, ast.Attribute):
            before = node.value
            name = getattr(before, "attr", getattr(before, "id", ""))
            return f"{name}.{node.attr}" if name else node.attr
        return node.id if isinstance(node, ast.Name) else ""

    def _value(self, node: ast.expr) -> str:
        """Return a constant, a known name or a call of one; `?` for what only the run knows."""
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.Call) and (name := self._whole(node.func)):
            return f"{name}({self._value(node.args[0]) if node.args else ''})"
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            return f"{node.values[0].value!s}?"
        return self._whole(node) or "?"

    def _whole(self, node: ast.expr) -> str:
        """Return the whole name of something imported: `F.relu` → torch.nn.functional.relu; "": it is not."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, "")
        if isinstance(node, ast.Attribute):
            before = self._whole(node.value)
            return f"{before}.{node.attr}" if before else ""
        return ""
