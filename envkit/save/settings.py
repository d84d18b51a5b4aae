"""An image's settings and history: the secrets in them, and both without. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from envkit.save.findings import Finding, Where
from envkit.save.rules import PLACED, is_placeholder, login_in_url, patterns
from envkit.save.values import Needle, Value, needles
from envkit.spec.reserved import is_secret_name

# Where the engine keeps what: https://github.com/opencontainers/image-spec/blob/main/config.md
_COMMANDS = ("Cmd", "Entrypoint", "Healthcheck", "Shell", "OnBuild", "WorkingDir", "User", "StopSignal")
_SETTINGS = ("ExposedPorts", "Volumes")


def scan_config(
    config: Mapping[str, Any], history: Sequence[str], values: tuple[Value, ...]
) -> tuple[Finding, ...]:
    """Return the secrets in an image's or a container's settings, and in the lines of its history."""
    forms = needles(values)
    found = [*_variables(config, forms)]
    for key in (*_COMMANDS, *_SETTINGS):
        found += _texts("command", key, _strings(config.get(key)), forms)
    for key, text in (config.get("Labels") or {}).items():
        found += _texts("label", key, (key, text), forms)
    for number, line in enumerate(history, start=1):
        found += _texts("history", f"line {number}", (line,), forms)
    return tuple(found)


def values_in(config: Mapping[str, Any]) -> tuple[Value, ...]:
    """Return the values of variables that are secrets by their name: files may hold them too."""
    return tuple(
        Value(name=name, bytes=text.encode("utf-8", "surrogateescape"))
        for name, text in _environment(config)
        if _is_secret_variable(name, text)
    )


def cleaned(
    config: Mapping[str, Any], history: Sequence[str], values: tuple[Value, ...]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return both without what `scan_config` finds: variables go, in all else the secret is cut out."""
    forms = needles(values)
    lost = {one.path for one in _variables(config, forms)}
    kept = [entry for entry in config.get("Env") or () if entry.partition("=")[0] not in lost]
    clean = {key: value if key == "Env" else _cut_out(value, forms) for key, value in config.items()}
    if "Env" in config:
        clean["Env"] = kept
    return clean, tuple(_cut(line, forms) for line in history)


def _variables(config: Mapping[str, Any], forms: tuple[Needle, ...]) -> Iterator[Finding]:
    for name, text in _environment(config):
        rule = next(iter(_rules(f"{name}={text}", forms)), "")
        if not rule and _is_secret_variable(name, text):
            rule = "a secret, by its name"
        if rule:
            yield Finding(where="variable", path=name, rule=rule, remedy="unset")


def _environment(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in config.get("Env") or ():
        name, _, text = entry.partition("=")
        yield name, text


def _is_secret_variable(name: str, text: str) -> bool:
    # A path or a word is what such a variable says of a secret that lies elsewhere: X_SECRET=/run/secrets/x.
    return is_secret_name(name) and len(text) >= 6 and not text.startswith(("/", "~", "$"))


def _texts(where: Where, path: str, texts: Iterable[str], forms: tuple[Needle, ...]) -> Iterator[Finding]:
    rules = dict.fromkeys(rule for text in texts for rule in _rules(text, forms))
    for rule in rules:
        yield Finding(where=where, path=_cut(path, forms), rule=rule, remedy="edit")


def _rules(text: str, forms: tuple[Needle, ...]) -> Iterator[str]:
    data = text.encode("utf-8", "surrogateescape")
    yield from dict.fromkeys(f"the value of {form.name}" for form in forms if form.bytes in data)
    yield from dict.fromkeys(rule for rule, _, _ in _spans(text))


def _spans(text: str) -> Iterator[tuple[str, int, int]]:
    for pattern in patterns():
        for match in pattern.text.finditer(text):
            name = next(name for name in ("secret", "secret2") if match.groupdict().get(name))
            if not is_placeholder(match[name]):
                yield (pattern.name, *match.span(name))
    for match in login_in_url().finditer(text):
        if not is_placeholder(match["secret"]):
            yield ("a login in an address", *match.span("secret"))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (key, *_strings(inner))
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _strings(inner)


def _cut_out(value: Any, forms: tuple[Needle, ...]) -> Any:
    if isinstance(value, str):
        return _cut(value, forms)
    if isinstance(value, Mapping):
        return {_cut(key, forms): _cut_out(inner, forms) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_cut_out(inner, forms) for inner in value]
    return value


def _cut(text: str, forms: tuple[Needle, ...]) -> str:
    data = text.encode("utf-8", "surrogateescape")
    for form in forms:
        data = data.replace(form.bytes, PLACED.encode())
    text = data.decode("utf-8", "surrogateescape")
    for _, start, end in sorted(_spans(text), key=lambda span: -span[1]):
        text = text[:start] + PLACED + text[end:]
    return text
