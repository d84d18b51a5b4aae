"""A manifest: what an image really holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from envkit.image import labels
from envkit.image.evidence import Facts

LABEL = "io.envkit.manifest"
GROUPS = ("apt", "rpm", "pip", "tools_pip", "npm", "extensions", "tools")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One layer of an image: the step that made it, and its size."""

    what: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is in an image; packages are name → version."""

    image: str
    base: str = ""
    base_digest: str = ""
    os: str = ""
    architecture: str = ""
    glibc: str = ""
    glibc_floor: str = ""  # the oldest glibc that all of /opt/envkit runs on
    size_bytes: int = 0
    apt: Mapping[str, str] = field(default_factory=dict)
    rpm: Mapping[str, str] = field(default_factory=dict)
    pip: Mapping[str, str] = field(default_factory=dict)
    tools_pip: Mapping[str, str] = field(default_factory=dict)
    npm: Mapping[str, str] = field(default_factory=dict)
    extensions: Mapping[str, str] = field(default_factory=dict)
    missing_extensions: Mapping[str, str] = field(default_factory=dict)  # id → reason
    tools: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def to_json(manifest: Manifest) -> str:
    """Return the manifest as canonical JSON."""
    return labels.canonical(asdict(manifest))


def from_json(text: str) -> Manifest:
    """Read a manifest; ValueError when it is none."""
    facts = Facts.parse(text)
    if not facts.text("image"):
        raise ValueError("a manifest names its image")
    return from_facts(facts)


def from_facts(facts: Facts) -> Manifest:
    """Make a manifest of JSON facts."""
    return Manifest(
        image=facts.text("image"),
        base=facts.text("base"),
        base_digest=facts.text("base_digest"),
        os=facts.text("os"),
        architecture=facts.text("architecture"),
        glibc=facts.text("glibc"),
        glibc_floor=facts.text("glibc_floor"),
        size_bytes=facts.whole("size_bytes"),
        apt=facts.part("apt").texts(),
        rpm=facts.part("rpm").texts(),
        pip=facts.part("pip").texts(),
        tools_pip=facts.part("tools_pip").texts(),
        npm=facts.part("npm").texts(),
        extensions=facts.part("extensions").texts(),
        missing_extensions=facts.part("missing_extensions").texts(),
        tools=facts.part("tools").texts(),
        env=facts.part("env").texts(),
        steps=tuple(
            Step(what=row.text("what"), size_bytes=row.whole("size_bytes")) for row in facts.rows("steps")
        ),
    )


def to_label(manifest: Manifest) -> str:
    """Return the manifest as a label's value."""
    return labels.encode(to_json(manifest))


def from_label(label: str) -> Manifest:
    """Read a manifest from a label's value; ValueError when it is none."""
    return from_json(labels.decode(label))
