"""Rules between the keys of one part: each looks at what was written, so that all are told at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic_core import PydanticCustomError

from envkit.spec.short import packages
from envkit.spec.text import refusal

_Broken = tuple[tuple[str | int, ...], PydanticCustomError]

_TORCH = {"torch": "torch", "torch-npu": "torch_npu"}


def spec(given: Mapping[str, object]) -> Iterator[_Broken]:
    """Yield what does not fit the accelerator, and torch in the wrong place."""
    accelerator = str(given.get("accelerator") or "cpu")
    for key, needed in (("torch_npu", "ascend"), ("cuda", "cuda")):
        if given.get(key) is None or accelerator not in ("cpu", "cuda", "ascend"):
            continue
        if accelerator != needed:
            what = f"`{key}` does not go with `accelerator: {accelerator}`"
            fix = f"leave it out, or write `accelerator: {needed}`"
            yield (key,), refusal(what, fix=fix, at_key=True)
        elif given.get("torch") is None:
            what = f"`{key}` says which torch, but there is no `torch`"
            # torch_npu's version begins with torch's own: 2.8.0.post4 is made for torch 2.8.0.
            version = ".".join(str(given[key]).split(".")[:3]) if key == "torch_npu" else ""
            add = f'`torch: "{version}"`' if version else "`torch` with its version"
            yield (key,), refusal(what, fix=f"add {add}, or leave this out", at_key=True)
    yield from _torch_of_base(given)
    yield from _target(given.get("target"), accelerator)
    yield from _torch_in_pip(given.get("pip"))


def _torch_of_base(given: Mapping[str, object]) -> Iterator[_Broken]:
    if given.get("torch_from") != "base":
        return
    for key, what, fix in (
        ("torch", "needs the version that the base has", "add `torch` with its exact version"),
        ("base", "needs a base that has one", "name the base"),
    ):
        if str(given.get(key) or "auto") == "auto":
            yield ("torch_from",), refusal(f"`torch_from: base` {what}", fix=fix)
    for key in ("cuda", "torch_npu"):
        if given.get(key) is not None:
            what = f"`{key}` chooses a build, and with `torch_from: base` the base has chosen"
            yield (key,), refusal(what, fix="leave it out", at_key=True)


def _target(target: object, accelerator: str) -> Iterator[_Broken]:
    if accelerator != "cpu" or not isinstance(target, Mapping):
        return
    for key in ("chip", "driver"):
        if target.get(key) is not None:
            what = f"`target.{key}` says which card, but `accelerator: cpu` uses none"
            fix = "write `accelerator: cuda` or `ascend`, or leave it out"
            yield ("target", key), refusal(what, fix=fix, at_key=True)


def _torch_in_pip(pip: object) -> Iterator[_Broken]:
    whole = packages(pip)
    listed = whole.get("packages") if isinstance(whole, Mapping) else None
    for index, requirement in enumerate(listed if isinstance(listed, list | tuple) else ()):
        found = re.match(r"[A-Za-z0-9._-]+", str(requirement))
        key = _TORCH.get(re.sub(r"[-_.]+", "-", found[0]).lower()) if found else None
        if key:
            what = f"`{key}` has a key of its own, so that its build can be chosen and kept"
            yield ("pip", "packages", index), refusal(what, fix=f"write `{key}: VERSION` at the top level")


def extension(given: Mapping[str, object]) -> Iterator[_Broken]:
    """Yield a refusal unless exactly one of `id` and `vsix` is there."""
    yield from _exactly_one(given, ("id", "vsix"), "an extension")


def step(given: Mapping[str, object]) -> Iterator[_Broken]:
    """Yield a refusal unless there is exactly one thing to do, and `to` exactly with `copy`."""
    yield from _exactly_one(given, ("run", "script", "copy"), "a step")
    has_copy, has_to = _has(given, "copy"), _has(given, "to")
    if has_copy and not has_to:
        yield (
            ("copy",),
            refusal("`copy` needs `to`: where it goes", fix="add `to: /an/absolute/path`", at_key=True),
        )
    if has_to and not has_copy:
        yield ("to",), refusal("`to` goes with `copy` only", fix="leave it out", at_key=True)


def code_server(given: Mapping[str, object]) -> Iterator[_Broken]:
    """Yield what does not fit the source."""
    source = str(given.get("source") or "auto")
    if source == "file" and not _has(given, "file"):
        yield ("source",), refusal("`source: file` needs `file`", fix="add `file: code-server.tar.gz`")
    for key, sources in (("file", ("file",)), ("sha256", _HASHED), ("version", _VERSIONED)):
        if _has(given, key) and source not in sources:
            what = f"`{key}` has no use with `source: {source}`"
            where = " or ".join(f"`source: {name}`" for name in sources if name != "auto")
            yield (key,), refusal(what, fix=f"leave it out, or write {where}", at_key=True)


_HASHED = ("auto", "release", "file")
_VERSIONED = ("auto", "release", "npm", "file")


def _exactly_one(given: Mapping[str, object], keys: tuple[str, ...], noun: str) -> Iterator[_Broken]:
    found = [key for key in keys if _has(given, key)]
    names = " or ".join(f"`{key}`" for key in keys)
    if not found:
        yield (), refusal(f"{noun} needs {names}")
    for key in found[1:]:
        yield (key,), refusal(f"{noun} has one of {names}, not two", fix="keep one of them", at_key=True)


def _has(given: Mapping[str, object], key: str) -> bool:
    return given.get(key) is not None
