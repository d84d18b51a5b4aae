"""What is said about a text that is refused: the rules that know what its writer probably meant."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from envkit.spec import reserved
from envkit.spec.text import refusal, shown

# A file name that no shell, Dockerfile or glob reads as anything but a name.
FILE = r"[\w.+@%=,~()# -]+"


def reference(value: str) -> None:
    """Refuse a reference that names no fixed image."""
    if value == "auto":
        return
    name, _, digest = value.partition("@")
    tail = name.rpartition("/")[2]
    if tail.partition(":")[2] == "latest":
        what = f"{shown(value)} names `latest`, which is another image tomorrow"
        raise refusal(what, allowed=REFERENCE, fix="name the version, as in `debian:12`")
    if " " in value.strip():
        what = f"{shown(value)} is no image reference"
        name_and_tag = len(value.split()) == 2 and ":" not in value
        raise refusal(what, allowed=REFERENCE, fix=f"write {':'.join(value.split())}" if name_and_tag else "")
    if not digest and ":" not in tail and value:
        what = f"{shown(value)} has neither tag nor digest, so it would mean `latest`: another image tomorrow"
        raise refusal(
            what, allowed=REFERENCE, fix=f"name the version, as in `{value[:60]}:{_TAGS.get(value, 'TAG')}`"
        )


def requirement(value: str) -> str:
    """Return a requirement that pip reads as one package, and as nothing else."""
    if value.startswith("-"):
        what = f"{shown(value)} is an option of pip, not a package"
        raise refusal(what, allowed=REQUIREMENT, fix="put options into a file named under `pip.requirements`")
    if "\\" in value or "${" in value:
        raise refusal(f"{shown(value)}: pip would read `\\` and `${{` as instructions", allowed=REQUIREMENT)
    try:
        requirement = Requirement(value)
    except (InvalidRequirement, ValueError, RecursionError) as error:
        what = f"{shown(value)} is no requirement"
        raise refusal(what, allowed=REQUIREMENT, fix=_requirement_fix(value)) from error
    if requirement.url and "@" in requirement.url.partition("//")[2].partition("/")[0]:
        what = "credentials in a spec end up in the image"
        raise refusal(what, allowed="a URL without user and password")
    return value


def _requirement_fix(value: str) -> str:
    if value[:1] in ("<", ">", "=", "!", "~"):
        return "a `,` in [ ] begins a new entry: put the whole requirement in quotes"
    if "://" in value and " @ " not in value:
        return "write `NAME @ URL`"
    if re.fullmatch(r"[A-Za-z0-9._-]+=[^=]+", value):
        return f"write {value.replace('=', '==')}"
    words = _words(value)
    return f"write [{', '.join(words)}]" if len(words) > 1 and all(map(str.isalnum, words)) else ""


def env_name(value: str) -> None:
    """Refuse a variable that has an owner, or that looks like a secret."""
    reason = reserved.env_reason(value)
    if reason:
        raise refusal(f"{shown(value)} cannot be set here: {reason}")


def secret_name(value: str) -> None:
    """Refuse a variable that has an owner, or that opens what is shut."""
    if "=" in value:
        raise refusal("a secret's value never stands in a spec", fix=f"write {value.partition('=')[0]}")
    reason = reserved.secret_reason(value)
    if reason:
        raise refusal(f"{shown(value)} cannot be a secret: {reason}")


def secret_file(value: str) -> str:
    """Return a path outside of the spec's folder, which is shared and built from."""
    if not value.startswith(("~/", "/")) or ".." in value.split("/"):
        raise refusal(f"{shown(value)} is neither under your home nor absolute", allowed=SECRET_FILE)
    return value


def label_name(value: str) -> None:
    """Refuse a label that has an owner."""
    for prefix in reserved.LABELS:
        if value.startswith(prefix):
            raise refusal(f"{shown(value)}: labels that begin with `{prefix}` have an owner")


def path(value: str) -> str:
    """Return a path in its plain form; refuse one that leaves the spec's folder."""
    if value.startswith(("/", "~")):
        what = f"{shown(value)} is not inside the spec's folder"
        raise refusal(what, allowed=PATH, fix="copy it beside the spec and write its relative path")
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise refusal(f"{shown(value)} leaves the spec's folder", allowed=PATH)
    if not parts:
        what = f"{shown(value)} names the spec's folder itself"
        raise refusal(what, allowed=PATH, fix="name what is in it")
    if parts[0].startswith("-"):
        raise refusal(f"{shown(value)} would be read as an option", allowed=PATH, fix="rename the file")
    return "/".join(parts)


def odd_letters(value: str) -> None:
    """Refuse letters that mean something to a shell, a Dockerfile or a glob."""
    odd = next(
        (letter for letter in value if letter.isprintable() and not re.fullmatch(rf"{FILE}|/", letter)), ""
    )
    if odd:
        what = f"{shown(value)} holds {odd!r}, which a shell or Dockerfile reads as more than a letter"
        raise refusal(what, allowed="letters, digits and ` ._+@%=,~()#-`", fix="rename the file")


def absolute(value: str) -> str:
    """Return an absolute path without `..`."""
    if not value.startswith("/") or ".." in value.split("/"):
        raise refusal(f"{shown(value)} is no absolute path", allowed=ABSOLUTE)
    return value


def python(value: str) -> None:
    """Refuse a patch release."""
    if value.count(".") > 1:
        what = f"{shown(value)} names a patch release; the base decides that"
        raise refusal(what, allowed=PYTHON, fix=f"write {'.'.join(value.split('.')[:2])}")


def version(value: str) -> None:
    """Refuse a range, and a build."""
    if "+" in value:
        what = f"{shown(value)} names a build; `accelerator` and `cuda` choose it"
        raise refusal(what, allowed=VERSION, fix=f"write {value.partition('+')[0]}")
    if value[:1] in "=<>~!" and value:
        what = f"{shown(value)} is a range"
        raise refusal(what, allowed=VERSION, fix=f"write {value.lstrip('=<>~! ')}")


def user(value: str) -> None:
    """Refuse root."""
    if value == "root":
        what = "'root' cannot own the image's Python: the image runs as a user"
        raise refusal(what, allowed=USER, fix="use `user: root` in a step that needs it")


def lab(value: str) -> str:
    """Return a version of JupyterLab that is new enough."""
    if Version(value) < Version("4.6"):
        raise refusal(f"JupyterLab {value} is too old", allowed="4.6 or newer")
    return value


def extension(value: str) -> None:
    """Refuse an id without its publisher."""
    if value and "." not in value:
        raise refusal(
            f"{shown(value)} names no publisher", allowed=EXTENSION, fix=f"write `PUBLISHER.{value}`"
        )


def release(value: str) -> None:
    """Refuse half a version."""
    version(value)
    if value.count(".") == 1:
        raise refusal(
            f"{shown(value)} is only half a version", allowed=RELEASE, fix=f"write {value}.0, or the like"
        )


def command(value: str) -> None:
    """Refuse a command of several lines."""
    if "\n" in value:
        raise refusal(
            "a command is one line",
            fix="write a script, and name it with `script: FILE`; or use several steps",
        )


EXTENSION = "`publisher.name`, with an optional `@version`"
RELEASE = "`major.minor.patch`, as in 4.138.0"


def _words(value: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", value) if word][:8]


def name(value: str) -> None:
    """Refuse what is easily made a name, and say how."""
    slug = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-")
    if value.lower() != value or (slug and " " in value):
        fix = f"write {slug[:63]}" if slug else ""
        raise refusal(f"{shown(value)} is not allowed here", allowed=NAME, fix=fix)


def package(value: str) -> None:
    """Refuse several packages in one text, and what apt reads as an order."""
    if len(_words(value)) > 1:
        what = f"{shown(value)} is not one package"
        raise refusal(what, allowed=PACKAGE, fix=f"write [{', '.join(_words(value))}]")
    if value.endswith("-"):
        raise refusal(f'{shown(value)}: apt would read the `-` as "remove"', allowed=PACKAGE)


def rpm(value: str) -> None:
    """Refuse several packages in one text, and a version as apt writes it."""
    if len(_words(value)) > 1:
        what = f"{shown(value)} is not one package"
        raise refusal(what, allowed=RPM, fix=f"write [{', '.join(_words(value))}]")
    name, _, version = value.partition("=")
    if version:
        raise refusal(f"{shown(value)} is not allowed here", allowed=RPM, fix=f"write {name}-{version}")


RPM = "a package's name, with an optional `-version`"
PACKAGE = "a package's name in lower case, with an optional `=version`"
_TAGS = {"debian": "12", "ubuntu": "22.04", "python": "3.11-slim"}
NAME = "lower-case letters and digits, with `.`, `_` or `-` between them, at most 63"
REFERENCE = "an image with a tag or a digest, as in `debian:12`, or `auto`"
REQUIREMENT = "a requirement as PEP 508 writes it, as in `numpy>=2`"
ENV_NAME = "letters, digits and `_`, not a digit first"
SECRET_NAME = "letters, digits and `_`, not starting with a digit, as in `HF_TOKEN`"
SECRET_FILE = "a path as in `~/.secrets/key`, or an absolute one"
LABEL = "lower-case letters and digits with `.`, `-`, `_`, `/` between them"
PATH = "a relative path inside the spec's folder"
# Letters of any language, which not every editor's `\w` knows, and no `..`.
EDITOR = r"^(?![/~])(?!(?:.*/)?\.\.(?:/|$))[^\\*?\[\]{}\"'`|&;<>$!:]+$"
ABSOLUTE = "an absolute path without `..`, as in `/opt/data`"
PYTHON = "`major.minor`, 3.9 to 3.14"
VERSION = "one exact version, as in `2.13.0`"
USER = "a lower-case letter, then letters, digits, `_` and `-`; not `root`"
