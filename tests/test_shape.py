"""The rules of the house that a machine can check: size, direction, homes, names, hosts.

A rule is a function from a source file to its offences. Each has a test that finds none in envkit, and
one that sees a bad example caught.
"""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A module imports from its own row and the rows above it (design.md, section 3).
ROWS = (
    ("errors", "paths", "scratch", "words"),
    ("spec",),
    ("accelerators", "compat"),
    ("plan",),
    ("render", "context"),
    ("hosts",),
    ("engines",),
    ("container",),
    ("image",),
    ("environment",),
    ("save",),
    ("run", "smoke"),
    ("doctor",),
    ("cli",),
    ("probes",),
)
ROW = {name: number for number, names in enumerate(ROWS) for name in names}

# Library → the only places that import it.
HOMES = {
    "yaml": ("envkit/spec/",),
    "ruamel": ("envkit/spec/",),
    "jinja2": ("envkit/render.py",),
    "docker": ("envkit/engines/",),
    "cryptography": ("envkit/environment/certificates.py", "envkit/hosts/"),
    "paramiko": ("envkit/hosts/",),
    "pathspec": ("envkit/run/sync.py",),
    "requests": ("envkit/engines/",),
    "subprocess": ("envkit/hosts/", "envkit/probes/"),
    "click": ("envkit/cli/",),
    "rich": ("envkit/cli/",),
    "torch": ("envkit/probes/",),
}

# What `envkit --help` must not wait for.
HEAVY = {"cryptography", "docker", "jinja2", "paramiko", "pydantic", "requests", "rich", "ruamel", "yaml"}

# Written in two parts, so that this file passes its own rule.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("registry-1", "docker.io"),
        ("index", "docker.io"),
        ("hub.docker", "com"),
        ("quay", "io"),
        ("ghcr", "io"),
        ("gcr", "io"),
        ("nvcr", "io"),
        ("mcr.microsoft", "com"),
        ("public.ecr", "aws"),
        ("swr.cn-south-1.myhuaweicloud", "com"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("npmmirror", "com"),
        ("download.pytorch", "org"),
        ("pypi.nvidia", "com"),
        ("tuna.tsinghua", "edu.cn"),
        ("mirrors.aliyun", "com"),
        ("deb.debian", "org"),
        ("archive.ubuntu", "com"),
        ("huggingface", "co"),
        ("open-vsx", "org"),
        ("marketplace.visualstudio", "com"),
    )
)
# A vendor's base image stands in the spec that needs it (and in what is rendered from it); the rest is data.
HOSTS_ALLOWED = ("images/", "envkit/compat/", "tests/golden/")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A Python file: where it is and what it says."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def part(self) -> str:
        """The part of envkit that it belongs to: `plan`, `cli`, ..."""
        return Path(self.path).with_suffix("").parts[1]

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def sources(*folders: str) -> list[Source]:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [Source(path=str(path.relative_to(ROOT)), text=path.read_text("utf-8")) for path in paths]


def imports(nodes: Iterator[ast.AST]) -> Iterator[tuple[ast.AST, str]]:
    """Yield every imported thing by its full name, with the statement that imports it."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (
        node for node in ast.walk(source.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def modules_are_short(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > 300:
        yield f"{source.path}: {lines} lines"


def functions_are_short(source: Source) -> Iterator[str]:
    for function in functions(source):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > 40:
            yield source.at(function, f"{function.name} has {lines} lines")


def parameters_are_few(source: Source) -> Iterator[str]:
    for function in functions(source):
        if any(ast.unparse(line).split("(")[0].endswith(".command") for line in function.decorator_list):
            continue  # click hands every option to the callback by name
        given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        names = [argument.arg for argument in given if argument.arg not in ("self", "cls")]
        if len(names) > 5:
            yield source.at(function, f"{function.name} takes {len(names)} parameters")


def modules_say_what_they_are(source: Source) -> Iterator[str]:
    if not ast.get_docstring(source.tree):
        yield f"{source.path}: opens without a sentence"


def names_mean_something(source: Source) -> Iterator[str]:
    if Path(source.path).stem in {"utils", "util", "helpers", "helper", "common", "misc", "types", "typing"}:
        yield f"{source.path}: name the thing"


def only_the_command_line_speaks(source: Source) -> Iterator[str]:
    if source.part in ("cli", "probes"):
        return
    for node in ast.walk(source.tree):
        text = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if text in ("print", "exit", "quit", "sys.exit", "os._exit"):
            yield source.at(node, f"{text}()")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.argv", "sys.stdout", "sys.stderr"):
            yield source.at(node, ast.unparse(node))


def libraries_stay_at_home(source: Source) -> Iterator[str]:
    for node, name in imports(ast.walk(source.tree)):
        homes = HOMES.get(name.split(".")[0])
        if homes and not source.path.startswith(homes):
            yield source.at(node, f"imports {name}")


def imports_look_up(source: Source) -> Iterator[str]:
    for node, name in imports(ast.walk(source.tree)):
        if name.split(".")[0] != "envkit":
            continue
        part = [*name.split("."), ""][1]
        if source.part == "probes" or part not in ROW or ROW[part] > ROW.get(source.part, 99):
            yield source.at(node, f"imports {name}")


def errors_are_not_swallowed(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
        line = source.text.splitlines()[node.lineno - 1]
        explained = re.search(r"# noqa: BLE001  \S+", line)  # two spaces, then the reason
        if broad and not explained and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            yield source.at(node, "swallows every error")


def accelerators_decide_at_home(source: Source) -> Iterator[str]:
    if source.part in ("accelerators", "compat", "probes", "spec"):
        return  # the spec names its own keys and values
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare) and re.search(r"'(cuda|ascend|npu)'", ast.unparse(node)):
            yield source.at(node, ast.unparse(node))


# One case after another, each read by itself: longer than a module may be.
TABLES = {"tests/test_spec_mistakes.py", "tests/contract/test_engine_contract.py"}

Rule = Callable[[Source], Iterator[str]]
# Each rule with a file that it must catch.
RULES: dict[Rule, Source] = {
    modules_are_short: Source(path="envkit/plan/x.py", text="\n" * 301),
    functions_are_short: Source(path="envkit/plan/x.py", text="def f():\n" + "    pass\n" * 40),
    parameters_are_few: Source(path="envkit/plan/x.py", text="def f(a, b, c, d, e, *, f): ..."),
    modules_say_what_they_are: Source(path="envkit/plan/x.py", text="import os"),
    names_mean_something: Source(path="envkit/plan/utils.py", text=""),
    only_the_command_line_speaks: Source(path="envkit/plan/x.py", text="import sys\nsys.exit(1)"),
    libraries_stay_at_home: Source(path="envkit/plan/x.py", text="from docker.errors import APIError"),
    imports_look_up: Source(path="envkit/plan/x.py", text="from envkit.hosts.base import Host"),
    errors_are_not_swallowed: Source(path="envkit/plan/x.py", text="try: f()\nexcept Exception: pass"),
    accelerators_decide_at_home: Source(path="envkit/plan/x.py", text="if kind == 'cuda': f()"),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_envkit_keeps_to_the_rule(rule: Rule) -> None:
    assert [offence for source in sources("envkit") for offence in rule(source)] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_catches_what_it_forbids(rule: Rule) -> None:
    assert len(list(rule(RULES[rule]))) == 1


def test_tests_and_examples_are_short_too() -> None:
    for rule in (modules_are_short, functions_are_short, modules_say_what_they_are):
        own = (source for source in sources("tests", "examples") if source.path not in TABLES)
        assert [offence for source in own for offence in rule(source)] == []


def graph(nodes: Callable[[ast.Module], Iterator[ast.AST]]) -> dict[str, set[str]]:
    """Return every module of envkit with what it imports: modules of envkit, and libraries by first name."""
    files = {
        source.path[:-3].replace("/", ".").removesuffix(".__init__"): source for source in sources("envkit")
    }

    def module(name: str) -> str:
        if not name.startswith("envkit."):
            return name.split(".")[0]
        return name if name in files else name.rpartition(".")[0]

    return {
        name: {module(imported) for _, imported in imports(nodes(source.tree))}
        for name, source in files.items()
    }


def test_no_module_imports_itself_by_a_detour() -> None:
    graphlib.TopologicalSorter(graph(ast.walk)).prepare()


def test_the_command_line_starts_without_heavy_libraries() -> None:
    known = graph(ast.iter_child_nodes)  # top-level statements only: what a function imports comes later
    reached: set[str] = set()
    waiting = ["envkit.cli.main"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting += known.pop(name, ())
    assert reached & HEAVY == set()


def texts() -> Iterator[tuple[str, str]]:
    """Yield every text file of the repository."""
    tops = ("envkit", "templates", "images", "tests", "examples", ".ci")
    paths = [path for top in tops for path in (ROOT / top).rglob("*")]
    for path in sorted([*paths, *ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"]):
        if path.is_file() and path.suffix not in (".pyc", ".png", ".vsix", ".gz", ".whl"):
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def test_no_registry_is_named_where_a_user_could_not_change_it() -> None:
    offences = [
        f"{path}: {host}"
        for path, text in texts()
        for host in HOSTS
        if host in text and not path.startswith(HOSTS_ALLOWED)
    ]
    assert offences == []
