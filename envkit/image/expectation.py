"""What an image is meant to be: its label says so; of somebody else's image, what it has on PATH."""

from __future__ import annotations

from dataclasses import dataclass, field

from envkit.accelerators import needs
from envkit.accelerators.fit import Needs
from envkit.engines.values import ImageFacts
from envkit.errors import VerifyError
from envkit.image import verdict
from envkit.image.evidence import Facts

EXPECT = "io.envkit.expect"


@dataclass(frozen=True, kw_only=True)
class Torch:
    """The planned torch: build is `cpu`, `cuXYZ` or `any`."""

    version: str
    build: str
    backend: str = ""  # version of the package that adds a backend
    chip: str = ""  # the card that the spec names: torch must have code for it


@dataclass(frozen=True, kw_only=True)
class Extension:
    """An extension that was asked for: an id (perhaps `@version`), or a `.vsix` file's name."""

    id: str
    optional: bool = False


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What verify must find. `ours` is false for an image that carries no promise of envkit."""

    ours: bool
    services: tuple[str, ...] = ()
    python: str = ""
    python_path: str = ""
    torch: Torch | None = None
    needs: Needs | None = None  # what `up` holds a machine's cards against
    proven: bool = False  # the image has a verdict: its needs were read in it, and are no longer a table's
    own_door: bool = False
    wrapped: bool = False  # a command goes through an entrypoint of the image's own, which may print
    extensions: tuple[Extension, ...] = ()
    env: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def of_image(image: ImageFacts) -> Expectation | None:
    """Read the label of an image of ours; None for somebody else's."""
    text = image.labels.get(EXPECT)
    if not text:
        return None
    try:
        label = Facts.parse(text)
    except ValueError as error:
        raise VerifyError(
            f"the image's label {EXPECT} cannot be read: {error}", fix="build the image anew"
        ) from error
    return Expectation(
        ours=True,
        services=_services(label),
        python=label.text("python"),
        python_path=label.text("python_path"),
        torch=_torch(label),
        needs=needs.from_label(image.labels.get(needs.LABEL, "")),
        proven=verdict.LABEL in image.labels,
        own_door=label.yes("own_door"),
        wrapped=label.yes("wrapped"),
        extensions=tuple(
            Extension(id=row.text("id"), optional=row.yes("optional")) for row in label.rows("extensions")
        ),
        env=tuple(sorted(label.part("env").texts().items())),
    )


def foreign(programs: frozenset[str]) -> Expectation:
    """Expect of somebody else's image what its programs on PATH can do."""
    known = {"jupyter-lab": "jupyterlab", "code-server": "code-server"}
    return Expectation(ours=False, services=tuple(known[name] for name in sorted(programs & known.keys())))


def _services(label: Facts) -> tuple[str, ...]:
    value = label.values.get("services")
    return tuple(str(name) for name in value) if isinstance(value, list) else ()


def _torch(label: Facts) -> Torch | None:
    torch = label.part("torch")
    if not torch.values:
        return None
    return Torch(
        version=torch.text("version"),
        build=torch.text("build"),
        backend=torch.text("npu"),
        chip=torch.text("chip"),
    )
