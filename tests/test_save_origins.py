"""Where an environment's packages came from, and what they are compared with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envkit.errors import EngineError
from envkit.image.diff import Change
from envkit.image.manifest import LABEL, to_label
from envkit.save.lineage import Ancestor
from envkit.save.origins import Direct, origins, since_built
from envkit.save.plan import CommitOptions, CommitPlan, plan_commit
from tests.environments import image
from tests.saves import BEFORE, a_sight, an_environment, answers

NOW = replace(BEFORE, apt={"less": "643", "npm": "9", "node": "18", "own": "1"})
FOUND = {
    "direct": {
        "My.Tool": {"url": "https://git.example/t", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
        "wheel": {"url": "https://x/w.whl", "archive_info": {"hashes": {"sha256": "ab"}}},
        "local": {"url": "file:///tmp/x", "dir_info": {"editable": True}},
    },
    "needs": [
        {"Package": "npm", "Depends": "node", "Pre-Depends": "", "Recommends": ""},
        {"Package": "node"},
    ],
    "offered": {"npm": ["9"], "node": ["18"], "own": []},
    "npm": ["is-odd@3"],
    "clashes": ["a 1 has requirement b"],
}


def a_plan(**sight: object) -> CommitPlan:
    return plan_commit(a_sight(now=NOW, manual=("npm", "own"), **sight), CommitOptions(tag="lab:1"), None)


def test_what_the_probe_finds_is_read() -> None:
    engine = an_environment()
    answers(engine, "save_origins", FOUND)
    found = origins(engine, a_plan())
    assert found.direct == {
        "my-tool": Direct(url="https://git.example/t", kind="git", commit="c0ffee"),
        "wheel": Direct(url="https://x/w.whl", kind="archive", sha256="ab"),
        "local": Direct(url="file:///tmp/x"),
    }
    assert (found.apt, found.foreign) == (frozenset({"npm", "own"}), frozenset({"own"}))
    assert (found.npm, found.clashes) == (("is-odd@3",), ("a 1 has requirement b",))


def test_without_lists_of_a_mirror_nothing_is_called_foreign() -> None:
    engine = an_environment()
    answers(engine, "save_origins", {**FOUND, "offered": None})
    assert origins(engine, a_plan()).foreign == frozenset()


def test_what_breaks_is_told_with_a_way_around() -> None:
    engine = an_environment()
    answers(engine, "save_origins", {"error": "no Python"})
    with pytest.raises(EngineError, match="no Python") as raised:
        origins(engine, a_plan())
    assert raised.value.fix == "leave --to-spec out, and the image is saved all the same"


def test_what_earlier_saves_brought_counts_too() -> None:
    engine = an_environment()
    first = replace(BEFORE, image=image().id, pip={})
    engine.images.add(image(**{LABEL: to_label(first)}))
    save = Ancestor(image=image().id, tag="lab:dev", layers=9, when="")
    adopted = replace(save, image="sha256:" + "f" * 64, how="adopt")
    whole, unknown = since_built(engine, a_plan(saves=(save, adopted)))
    assert Change(group="pip", name="numpy", before=None, after="2.0") in (whole.packages or ())
    assert unknown == ()


def test_it_says_when_the_image_that_was_built_is_not_here() -> None:
    plan = a_plan(saves=(Ancestor(image="sha256:" + "0" * 64, tag="cpu:dev", layers=9, when=""),))
    whole, unknown = since_built(an_environment(), plan)
    assert whole == plan
    assert unknown == (
        "1 earlier saves went into lab:dev, and cpu:dev is not here: only new packages are told",
    )
