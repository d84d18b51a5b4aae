"""Another target for a spec, from the command line."""

from __future__ import annotations

from dataclasses import replace

from pydantic import ValidationError

from envkit.errors import UsageError
from envkit.spec.english import refused
from envkit.spec.load import LoadedSpec
from envkit.spec.model import Spec
from envkit.spec.target import Target

_EXAMPLE = "--target chip=910b,driver=25.2.0 (keys: chip, driver, machine)"


def for_target(loaded: LoadedSpec, words: str | None) -> LoadedSpec:
    """Return the spec for another target; what `words` (`chip=910b,machine=arm64`) leave out stays."""
    if not words:
        return loaded
    pairs = [part.partition("=") for part in words.split(",")]
    given = {key.strip(): value.strip() for key, _, value in pairs}
    if not all(equals and value for _, equals, value in pairs):
        raise UsageError(f"--target {words!r} is no list of KEY=VALUE", fix=_EXAMPLE)
    kept = loaded.spec.target.model_dump(exclude_none=True)
    try:
        target = Target.model_validate({**kept, **given})
        spec = Spec.model_validate({**loaded.spec.model_dump(by_alias=True), "target": target.model_dump()})
    except ValidationError as error:
        told = refused(error.errors(include_url=False)[0]).context or {}
        raise UsageError(f"--target {words!r}: {told['what']}", fix=told["allowed"] or _EXAMPLE) from error
    return replace(loaded, spec=spec)
