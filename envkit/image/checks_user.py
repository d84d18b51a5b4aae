"""Judge what a user of an image meets: kernel, terminal, torch, environment, files, signals."""

from __future__ import annotations

from pathlib import PurePosixPath

from envkit.accelerators import ACCELERATORS
from envkit.accelerators.needs import Code, code_of
from envkit.image.checks_doors import absent
from envkit.image.evidence import Evidence, Facts
from envkit.image.expectation import Expectation, Torch
from envkit.image.finding import Finding, all_of, failed, not_applicable, passed
from envkit.image.variables import adding
from envkit.words import listed

# What verify hands to a command: spaces, quotes, a dollar and an empty word must arrive as they are.
ARGUMENTS = ("two words", 'a "quoted" word', "$HOME", "", "*")
EXIT_CODE = 42
STDIN = "envkit reads this\n"
# A process that ends itself says 0; one that SIGTERM ended, 128 + 15 (signal(7)).
CALM_CODES = (0, 143)


def kernel(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether a notebook cell runs in the user's Python."""
    if why := absent(evidence, expect, "jupyterlab"):
        return not_applicable(why)
    facts = evidence.about("kernel")
    if facts.error:
        return failed(facts.error, facts.seconds)
    seen = facts.part("seen")
    problems = wrong_python(seen, expect)
    return all_of(
        problems, f"a cell ran in {seen.text('executable')} ({seen.text('version')})", facts.seconds
    )


def terminal(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether a terminal echoes."""
    if why := absent(evidence, expect, "jupyterlab"):
        return not_applicable(why)
    facts = evidence.about("terminal")
    if facts.error or not facts.yes("echoed"):
        return failed(facts.error or f"no echo; it printed {facts.text('printed')[-120:]!r}", facts.seconds)
    return passed("echoes what a shell computed", facts.seconds)


def wrong_python(seen: Facts, expect: Expectation) -> list[str]:
    """Say how a Python differs from the planned one."""
    if not expect.python_path:
        return []
    prefix = str(PurePosixPath(expect.python_path).parents[1])
    problems = []
    if seen.text("prefix") != prefix:
        problems.append(f"it is {seen.text('executable')}, planned is {expect.python_path}")
    if seen.text("version") != expect.python:
        problems.append(f"it is Python {seen.text('version')}, planned is {expect.python}")
    return problems


def torch(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether torch imports and is the planned build."""
    if expect.torch is None:
        return not_applicable("no torch was planned" if expect.ours else "this image promises no torch")
    facts = evidence.about("torch")
    if facts.error:
        return failed(f"import torch: {facts.error}", facts.seconds)
    problems = wrong_torch(facts, expect.torch)
    if not facts.yes("computes"):
        problems.append("a dot product came out wrong")
    code = code_of(facts.text("architectures"), facts.text("build"))
    if code:
        problems += _lacks_code(code, expect)
    has = f", with code for {', '.join(code.chips)}" if code else ""
    return all_of(problems, f"torch {facts.text('version')} imports and computes{has}", facts.seconds)


def _lacks_code(code: Code, expect: Expectation) -> list[str]:
    """Say which cards torch has no code for, that the spec names or the label promises to `up`."""
    if expect.needs is None or expect.torch is None:
        return []
    accelerator = ACCELERATORS[expect.needs.accelerator]
    built = accelerator.as_built(expect.needs, code)
    promised = {chip: "the image's label" for chip in (expect.needs.chips if expect.proven else ())}
    if expect.torch.chip:
        promised[expect.torch.chip] = "the spec"
    return [
        f"torch has code for {', '.join(built.chips)}, and none for {chip}, which {who} names"
        for chip, who in promised.items()
        if not accelerator.runs_on(built, chip)
    ]


def wrong_torch(facts: Facts, planned: Torch) -> list[str]:
    """Say how torch differs from the planned one."""
    problems = []
    version = facts.text("version")
    if version.partition("+")[0] != planned.version:
        problems.append(f"torch {version} is there, {planned.version} was planned")
    if planned.build not in ("any", facts.text("build")):
        problems.append(f"it is built for {facts.text('build')}, {planned.build} was planned")
    backend = facts.text("backend")
    if planned.backend and backend != planned.backend:
        problems.append(f"its backend is {backend or 'absent'}, {planned.backend} was planned")
    return problems


def same_environment(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether every place a user can stand sees the same Python, PATH and variables."""
    places = {
        "docker exec": evidence.about("exec"),
        "a login shell": evidence.about("login"),
        "docker run IMAGE CMD": evidence.about("command").part("seen"),
        "a terminal": evidence.about("terminal").part("seen"),
        "a kernel": evidence.about("kernel").part("seen"),
    }
    told = {name: seen for name, seen in places.items() if seen.values and not seen.error}
    problems = silent(evidence, places)
    if not told and not expect.ours:
        return not_applicable("no Python on PATH")
    problems += lacks_of_vendor(evidence)
    for name, seen in told.items():
        problems += [
            f"in {name}: {what}" for what in differs(seen, next(iter(told.values())), evidence, expect)
        ]
    return all_of(problems, f"{', '.join(told)} agree on Python, PATH and {len(evidence.env)} variables")


def lacks_of_vendor(evidence: Evidence) -> list[str]:
    """Say what the base's own scripts set and the image lacks: `docker build` alone leaves it out."""
    set_there = evidence.about("exec").part("vendor").texts()
    lacking = [
        name
        for name, value in sorted(set_there.items())
        if not {*value.split(":")} <= {*evidence.env.get(name, "").split(":")}
    ]
    if not lacking:
        return []
    return [
        f"what the base's own scripts set is not in the image's environment: {listed(lacking, 3)}; "
        f"`envkit build` adds it, and so does: {adding('IMAGE')}"
    ]


def silent(evidence: Evidence, places: dict[str, Facts]) -> list[str]:
    """Name the places whose `python` said nothing; a kernel or terminal that broke has an item of its own."""
    problems = []
    for name in ("docker exec", "a login shell", "docker run IMAGE CMD"):
        seen = places[name]
        if seen.error or not seen.values:
            problems.append(f"in {name}, `python` does not run: {seen.error}"[:200])
    if evidence.about("terminal").yes("echoed") and not places["a terminal"].values:
        problems.append("in a terminal, `python` does not run")
    return problems


def differs(seen: Facts, first: Facts, evidence: Evidence, expect: Expectation) -> list[str]:
    """Say how one place differs from the plan, and from the first place where nothing is planned."""
    problems = wrong_python(seen, expect)
    if not problems and seen.text("prefix") != first.text("prefix"):
        problems.append(f"python is {seen.text('executable')}, elsewhere {first.text('executable')}")
    if seen.text("python") != first.text("python"):
        problems.append(
            f"`python` is {seen.text('python') or 'not on PATH'}, elsewhere {first.text('python')}"
        )
    found = seen.part("env").texts()
    wanted = {**evidence.env, **dict(expect.env)} if expect.ours else dict(evidence.env)
    for name, value in sorted(wanted.items()):
        if found.get(name) != value:
            problems.append(f"{name} is {found.get(name, 'not set')!r}, planned is {value!r}")
    return problems


def command(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether a given command runs untouched, with its words, its stdin and its exit code."""
    facts = evidence.about("command")
    if facts.error:
        return failed(facts.error, facts.seconds)
    problems = []
    words = tuple(facts.text("words").split("\n")[:-1])
    if words != ARGUMENTS:
        problems.append(f"its words arrived as {words!r}")
    if facts.whole("code") != EXIT_CODE:
        problems.append(f"it ended with {EXIT_CODE}, the container with {facts.whole('code')}")
    read = facts.text("read")
    if read != STDIN and not (expect.wrapped and read.endswith(STDIN)):
        problems.append(f"stdin arrived as {facts.text('read')[-80:]!r}")
    return all_of(problems, f"words, stdin and exit code {EXIT_CODE} arrive", facts.seconds)


def sigterm(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether SIGTERM ends the services in time."""
    if not expect.ours:
        return not_applicable("this image starts no services of its own")
    facts = evidence.about("stop")
    if facts.error:
        return failed(facts.error, facts.seconds)
    problems = []
    if facts.seconds >= facts.number("grace_s"):
        problems.append(f"still there after {facts.number('grace_s'):g} s, it had to be killed")
    if facts.whole("code") not in CALM_CODES:
        problems.append(f"exit code {facts.whole('code')}")
    return all_of(
        problems, f"ended {facts.seconds:.1f} s after SIGTERM, code {facts.whole('code')}", facts.seconds
    )


def zombies(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether process 1 takes care of orphans."""
    if not expect.ours:
        return not_applicable("process 1 is not this image's own")
    facts = evidence.about("storm")
    if facts.error:
        return failed(facts.error, facts.seconds)
    left = [f"{row.text('name')} ({row.whole('pid')}) is a zombie" for row in facts.rows("zombies")]
    return all_of(left, f"none after {facts.whole('orphans')} orphans", facts.seconds)


def files(evidence: Evidence, expect: Expectation) -> Finding:
    """Judge whether this user can install packages and write at home, and no tool of ours comes first."""
    if not expect.ours:
        return not_applicable("this image promises no writable Python")
    facts = evidence.about("files")
    if facts.error:
        return failed(facts.error, facts.seconds)
    problems = [what for row in facts.rows("folders") for what in unfit(row)]
    install = facts.part("install")
    if not problems and not install.yes("installed"):
        problems.append(f"pip install: {install.text('words') or 'the program does not run'}")
    if facts.text("path").startswith("/opt/envkit"):
        problems.append("/opt/envkit comes first on PATH")
    return all_of(
        problems, f"{install.text('installer').rpartition('/')[2]} and HOME are writable", facts.seconds
    )


def unfit(row: Facts) -> list[str]:
    """Say what keeps any uid with group 0 out of a folder."""
    path = row.text("path")
    if not row.yes("exists"):
        return [f"{path} is not there"]
    group_writes = int(row.text("mode") or "0", 8) & 0o020
    if row.whole("gid") != 0 or not group_writes:
        return [f"{path} is not writable for group 0 (group {row.whole('gid')}, mode {row.text('mode')})"]
    return [] if row.yes("writes") else [f"{path} cannot be written"]
